import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { refuse } from '@countersign/protocol'
import type { Admin } from '@countersign/server'
import { afterAll, expect, test, vi } from 'vitest'
import { runAdminCommand } from './admin-socket.ts'
import { run } from './commands.ts'
import { readConfiguration } from './configuration.ts'
import { WrongConfiguration } from './configuration-problems.ts'
import { inviteUser } from './run-user-command.ts'
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

test('users invite says whom, for how long and what it gives; what is wrong is told by its name', async () => {
  const asked: unknown[] = []
  const admin = { inviteUser: async (wanted: unknown) => ({ asked: asked.push(wanted) }) } as unknown as Admin
  const whole = {
    email: 'a@example.com',
    delivery: 'link',
    days: 0.5,
    language: 'ar',
    client_id: 'shop',
    rights: { roles: ['editor'] },
  }
  for (const said of [{ email: 'a@example.com', delivery: 'mail' }, whole])
    await inviteUser(admin, JSON.stringify(said))
  const { days: _, client_id: clientId, ...rest } = whole
  expect(asked).toEqual([
    { email: 'a@example.com', delivery: 'mail' },
    { ...rest, lifeSeconds: 43_200, clientId },
  ])
  for (const wrong of [{ days: null }, { days: 0 }, { rights: { is: [] } }, { delivery: 'pigeon' }]) {
    const refused = await inviteUser(admin, JSON.stringify({ email: 'a@example.com', delivery: 'mail', ...wrong }))
    expect(refused).toMatchObject({
      reason: 'parameter_invalid',
      detail: expect.stringContaining(`${Object.keys(wrong)[0]}`),
    })
  }
})

test('users invite without a mail server says how the link is had all the same', async () => {
  const admin = { inviteUser: async () => refuse('mail_not_configured') } as unknown as Admin
  const refused = await inviteUser(admin, JSON.stringify({ email: 'a@example.com', delivery: 'mail' }))
  expect(refused).toMatchObject({ reason: 'mail_not_configured', detail: expect.stringContaining('--link') })
})

test('users invite prints the link that nobody was mailed; invitations are listed and taken back by those who run the server', async () => {
  vi.stubEnv('COUNTERSIGN_MASTER_KEY', masterKey)
  vi.stubEnv('COUNTERSIGN_SIGN_UP', 'invitation')
  const print = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  const args = ['users', 'invite', 'rosa@example.com', 'roles=editor', '--link', '--days', '1']
  await run(['node', 'countersign', ...args, '--data', folder])
  const invited = JSON.parse(String(print.mock.calls[0]?.[0]))
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  expect(invited).toMatchObject({
    email: 'rosa@example.com',
    delivery: 'link',
    link: expect.stringContaining('/invitation?token='),
  })
  expect(Date.parse(invited.expires_at) - Date.parse(invited.created_at)).toBe(86_400_000)
  const admin = {
    listInvitations: async () => [{ id: 'i-1' }],
    withdrawInvitation: async (who: string) => ({ id: who, done: 'withdrawn' }),
  } as unknown as Admin
  expect(await runAdminCommand(admin, 'users invitations', '')).toEqual([{ id: 'i-1' }])
  expect(await runAdminCommand(admin, 'users uninvite', 'rosa@example.com')).toMatchObject({ id: 'rosa@example.com' })
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

test('a configuration with which nobody could sign in is refused before anything is made', async () => {
  const house = join(folder, 'no-way-in')
  const configuration = readConfiguration({
    environment: { COUNTERSIGN_PASSWORDS: 'off' },
    flags: { port: 0, data: house },
  })
  await expect(serve(configuration, { masterKey })).rejects.toThrow('there is no connection')
  expect(existsSync(house)).toBe(false)
})
