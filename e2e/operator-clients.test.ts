import { afterAll, describe, expect, test } from 'vitest'
import { call } from './testing/http-call.ts'
import { bothWays } from './testing/operate-both-ways.ts'
import { givenInstallation, type Installation, operate, startServer } from './testing/server-process.ts'

const installations: Installation[] = []
afterAll(() => {
  for (const installed of installations) installed.remove()
})

const declared = {
  clients: [{ id: 'app', first_party: true, redirect_uris: ['https://app.example/'], scopes: ['account'] }],
}

async function given() {
  const installed = await givenInstallation(declared)
  installations.push(installed)
  return { installed, server: await startServer(installed) }
}

async function machineToken(installed: Installation, id: string, secret: string) {
  const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: id, client_secret: secret })
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  return call(`${installed.issuer}/token`, { method: 'POST', headers, body: body.toString() })
}

const job = [
  'authentication_method=client_secret_post',
  'grant_types=client_credentials',
  'scopes=notes:read,notes:write',
]

describe.concurrent.each(bothWays)('%s', (_where, operateOn) => {
  test('clients add: the secret is shown once, and works', async () => {
    const { installed, server } = await given()
    const added = await operateOn(installed, server, 'clients', 'add', 'job', ...job)
    expect([added.code, added.stderr]).toEqual([0, ''])
    const made = JSON.parse(added.stdout)
    expect(made).toMatchObject({ id: 'job', origin: 'operator', scopes: ['notes:read', 'notes:write'] })
    expect((await machineToken(installed, 'job', made.client_secret))?.status).toBe(200)
    const shown = await operate(installed, 'clients', 'show', 'job')
    expect(JSON.parse(shown.stdout)).not.toHaveProperty('client_secret')
  })

  test('clients rotate-secret, set, revoke, remove', async () => {
    const { installed, server } = await given()
    const made = JSON.parse((await operate(installed, 'clients', 'add', 'job', ...job)).stdout)
    const ended = await operateOn(installed, server, 'clients', 'rotate-secret', 'job', '--old-expires-in', '0')
    const { client_secret: secret } = JSON.parse(ended.stdout)
    expect((await machineToken(installed, 'job', made.client_secret))?.status).toBe(401)
    expect((await machineToken(installed, 'job', secret))?.status).toBe(200)

    const set = await operate(installed, 'clients', 'set', 'job', 'name=A job', 'access_token_seconds=60')
    expect(JSON.parse(set.stdout)).toMatchObject({ name: 'A job', access_token_seconds: 60 })
    expect((await machineToken(installed, 'job', secret))?.json.expires_in).toBe(60)
    expect((await operate(installed, 'clients', 'revoke', 'job')).code).toBe(0)

    const listed = await operate(installed, 'clients', 'list')
    expect(listed.stdout.split('\n').map(line => line.split(/ {2,}/))).toEqual([
      ['id', 'name', 'origin', 'kind', 'state'],
      ['app', 'app', 'declared', 'public', 'on'],
      ['job', 'A job', 'operator', 'confidential', 'on'],
      [''],
    ])
    const removed = await operate(installed, 'clients', 'remove', 'job')
    expect(JSON.parse(removed.stdout)).toEqual({
      id: 'job',
      name: 'A job',
      origin: 'operator',
      removed_at: expect.any(String),
    })
    expect((await machineToken(installed, 'job', secret))?.status).toBe(401)
  })

  test('clients disable holds over a restart, though the file declares the client; enable takes it back', async () => {
    const { installed, server } = await given()
    expect((await operateOn(installed, server, 'clients', 'disable', 'app')).code).toBe(0)
    const stateOf = async () => (await operate(installed, 'clients', 'list')).stdout.split('\n')[1]?.split(/ {2,}/)[4]
    expect(await stateOf()).toBe('off')
    expect((await operate(installed, 'clients', 'enable', 'app')).code).toBe(0)
    expect(await stateOf()).toBe('on')
  })
})

test('what cannot be is said, and nothing happens', async () => {
  const { installed } = await given()
  for (const [command, says] of [
    [['set', 'app', 'name=x'], 'client_declared'],
    [['show', 'nobody'], 'client_unknown'],
    [['add', 'job', 'grant_types=client_credentials'], 'client_credentials needs secrets or keys'],
    [['add', 'job', 'scope=x'], 'Unrecognized key'],
    [['add', 'app'], 'client_taken'],
    [['add', 'job', 'redirect_uris=javascript:alert(1)'], 'redirect_uris holds a redirect URI that is not allowed'],
  ] as const) {
    const { code, stdout, stderr } = await operate(installed, 'clients', ...command)
    expect([code, stdout, stderr]).toEqual([1, '', expect.stringMatching(/^countersign: .* \(\w+\)\n$/)])
    expect(stderr).toContain(says)
  }
  const { code, stderr } = await operate(installed, 'clients', 'add', 'job', 'nonsense')
  expect([code, stderr]).toEqual([1, 'countersign: "nonsense" is no setting; write key=value.\n'])
})
