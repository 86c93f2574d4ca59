import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readConfiguration } from './configuration.ts'
import { WrongConfiguration } from './configuration-problems.ts'
import { serve } from './serve.ts'
import { readRights } from './user-commands.ts'

const folder = mkdtempSync(join(tmpdir(), 'countersign-users-'))
afterAll(() => rmSync(folder, { recursive: true }))

const main = join(import.meta.dirname, 'main.ts')
const masterKey = Buffer.alloc(32, 7).toString('base64url')
const password = 'four words make one'

function command(args: readonly string[], input = ''): { text: string } {
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', '--conditions=@countersign/source', main]
  const [program = '', ...rest] = [...node, ...args, '--data', folder]
  const environment = { PATH: process.env.PATH, COUNTERSIGN_MASTER_KEY: masterKey }
  return { text: execFileSync(program, rest, { input, env: environment, encoding: 'utf8', stdio: 'pipe' }) }
}

test('users add reads the password from standard input, and users set gives what the tokens of the next sign-in tell', async () => {
  const added = command(['users', 'add', 'maria@example.com', '--name', 'Maria'], `${password}\n`)
  expect(JSON.parse(added.text)).toEqual({ id: expect.any(String), email: 'maria@example.com', name: 'Maria' })
  const client = {
    id: 'app',
    first_party: true,
    direct_login: true,
    scopes: ['account'],
    access_token_claims: { is: 'roles' },
  }
  const environment = { COUNTERSIGN_CLIENTS: JSON.stringify([{ ...client, access_token_binding: 'bearer' }]) }
  const configuration = readConfiguration({ environment, flags: { port: '0', data: folder } })
  const log = { info() {}, warn() {}, error() {} }
  const node = await serve({ ...configuration, issuer: 'http://127.0.0.1:4400' }, { log, masterKey })
  try {
    const set = await node.server.admin.setRights('maria@example.com', { roles: ['editor'] })
    expect(set).toMatchObject({ roles: ['editor'], permissions: [] })
    const answer = await fetch(`${node.address}/v1/sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: 'maria@example.com', password, client_id: 'app' }),
    })
    const { access_token: token } = (await answer.json()) as { access_token: string }
    expect(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())).toMatchObject({ is: ['editor'] })
    expect(await node.server.admin.showUser('maria@example.com')).toMatchObject({ roles: ['editor'] })
    const [listed, ...others] = await node.server.admin.listUsers('')
    expect([listed, others]).toEqual([expect.objectContaining({ email: 'maria@example.com', state: 'active' }), []])
    expect(await node.server.admin.listUsers(listed?.id ?? '')).toEqual([])
  } finally {
    await node.close()
  }
})

test('a password is refused as at sign-up, and is in no message', () => {
  let said = ''
  try {
    command(['users', 'add', 'other@example.com'], 'short\n')
  } catch (error) {
    said = String((error as { stderr: unknown }).stderr)
  }
  expect(said).toMatch(/^countersign: .*\(password_unacceptable\)\n$/)
  expect(said).not.toContain('short\n')
})

test('rights are key=value: lists at commas, attributes as JSON', () => {
  expect(readRights(['roles=a,b', 'groups=', 'attributes={"tenant":"a,b=c"}'])).toEqual({
    roles: ['a', 'b'],
    groups: [],
    attributes: { tenant: 'a,b=c' },
  })
  for (const wrong of ['', 'roles', '=x', 'attributes={']) expect(() => readRights([wrong])).toThrow(WrongConfiguration)
})
