import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Cluster, startCluster } from '@countersign/store-postgres/testing/cluster'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readConfiguration } from './configuration.ts'
import { migrateDatabase } from './migrate-database.ts'
import { type RunningSystem, serve } from './serve.ts'

/** A server is made, and passwords are hashed: a busy machine needs its time. */
const patience = { timeout: 120_000 }
const masterKey = Buffer.alloc(32, 5).toString('base64url')
const apiSecret = 'api-secret-0123456789abcdef0123456789'
const log = { info() {}, warn() {}, error() {} }

let cluster: Cluster
let folder: string
const running: RunningSystem[] = []

beforeAll(async () => {
  cluster = await startCluster()
  folder = mkdtempSync(join(tmpdir(), 'countersign-nodes-'))
})
afterAll(async () => {
  await Promise.all(running.map(system => system.close()))
  await cluster.discard()
  rmSync(folder, { recursive: true })
})

function configurationOf(node: string) {
  const flags = { data: join(folder, node), database: cluster.url, issuer: 'http://127.0.0.1:4400', port: 0 }
  const clients = [
    {
      id: 'app',
      first_party: true,
      direct_login: true,
      access_token_binding: 'bearer',
      redirect_uris: ['https://app.example/callback'],
      scopes: ['account'],
      audiences: ['urn:notes'],
    },
    { id: 'api', secrets: [apiSecret], scopes: ['introspection', 'revocations'] },
  ]
  const environment = { COUNTERSIGN_SIGN_UP: 'open', COUNTERSIGN_CLIENTS: JSON.stringify(clients) }
  return readConfiguration({ environment, flags })
}

async function start(node: string): Promise<RunningSystem> {
  const system = await serve(configurationOf(node), { masterKey, log })
  running.push(system)
  return system
}

interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

async function post(
  { address }: RunningSystem,
  path: string,
  body: URLSearchParams | object,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const isForm = body instanceof URLSearchParams
  const type: Record<string, string> = isForm ? {} : { 'Content-Type': 'application/json' }
  const text = isForm ? body : JSON.stringify(body)
  const answer = await fetch(`${address}${path}`, { method: 'POST', headers: { ...type, ...headers }, body: text })
  const content = await answer.text()
  return { status: answer.status, body: content === '' ? {} : (JSON.parse(content) as Answer['body']) }
}

const refresh = (node: RunningSystem, token: unknown): Promise<Answer> =>
  post(
    node,
    '/token',
    new URLSearchParams({ grant_type: 'refresh_token', refresh_token: String(token), client_id: 'app' }),
  )

const isActive = async (node: RunningSystem, token: unknown): Promise<unknown> => {
  const headers = { authorization: `Basic ${Buffer.from(`api:${apiSecret}`).toString('base64')}` }
  return (await post(node, '/introspect', new URLSearchParams({ token: String(token) }), headers)).body.active
}

test(
  'two nodes that start at once on an empty database are one system, and one goes on without the other',
  patience,
  async () => {
    const [here, there] = await Promise.all([start('here'), start('there')])
    const person = { email: 'maria@example.com', password: 'correct horse battery' }
    expect((await post(here, '/v1/users', { ...person, name: 'Maria' })).status).toBe(201)
    const logIn = (node: RunningSystem) => post(node, '/v1/sessions', { ...person, client_id: 'app' })
    const [first, second] = [(await logIn(here)).body, (await logIn(there)).body]
    expect(await isActive(there, first.access_token)).toBe(true)
    expect((await refresh(there, first.refresh_token)).status).toBe(200)

    const heard = new Promise<void>(done => void there.store.feed.subscribe(done))
    await post(here, '/revoke', new URLSearchParams({ token: String(first.refresh_token), client_id: 'app' }))
    await heard
    expect(await isActive(there, first.access_token)).toBe(false)
    expect((await refresh(there, first.refresh_token)).body.error).toBe('invalid_grant')

    running.splice(running.indexOf(here), 1)
    await here.close()
    expect((await refresh(there, second.refresh_token)).status).toBe(200)
    expect((await logIn(there)).status).toBe(201)
  },
)

test('a database that is away is answered 503 with Retry-After, and costs nobody their login', patience, async () => {
  const node = await start('third')
  const person = { email: 'otto@example.com', password: 'correct horse battery' }
  await post(node, '/v1/users', { ...person, name: 'Otto' })
  const login = (await post(node, '/v1/sessions', { ...person, client_id: 'app' })).body
  await cluster.stop('immediate')
  const refused = await fetch(`${node.address}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: String(login.refresh_token),
      client_id: 'app',
    }),
  })
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
  await cluster.start()
  await expect.poll(async () => (await refresh(node, login.refresh_token)).status, { timeout: 60_000 }).toBe(200)
})

test('migrate says what it would run, runs it, and then has nothing to do', patience, async () => {
  const url = cluster.url.replace(/postgres$/, 'ahead')
  cluster.run('createdb', ['-h', '127.0.0.1', '-p', String(cluster.port), '-U', 'postgres', 'ahead'])
  const configuration = { ...configurationOf('ahead'), database: url }
  const script = await migrateDatabase(configuration, true)
  expect(script).toMatch(
    /^BEGIN;\nSET LOCAL lock_timeout = '1s';\n-- the beginning\nCREATE SCHEMA[\s\S]*CREATE TABLE "countersign"\.family[\s\S]*COMMIT;\n$/,
  )
  const names = [...script.matchAll(/^-- (.+)$/gm)].map(([, name]) => name)
  expect(names.slice(0, 3)).toEqual(['the beginning', 'identities that change', 'rights of users'])
  expect(await migrateDatabase(configuration, false)).toBe(names.map(name => `Migrated: ${name}.\n`).join(''))
  expect(await migrateDatabase(configuration, true)).toBe('-- The schema is up to date.\n')
  await expect(migrateDatabase({ ...configuration, database: undefined }, false)).rejects.toThrow('give --database')
})

/** `countersign …` on the database, by a process of its own, with these clients in its configuration. */
/** From a machine on which no node has run: it has the database's address and the master key, and no data folder. */
async function command(words: readonly string[], clients: readonly object[] = []): Promise<string> {
  const flags = ['--database', cluster.url, '--data', join(folder, 'none'), '--issuer', 'http://127.0.0.1:4400']
  const main = ['--conditions=@countersign/source', join(import.meta.dirname, 'main.ts')]
  const env = { ...process.env, COUNTERSIGN_MASTER_KEY: masterKey, COUNTERSIGN_CLIENTS: JSON.stringify(clients) }
  return (await promisify(execFile)(process.execPath, [...main, ...flags, ...words], { env })).stdout
}

test(
  'a command that looks something up where an old file lies brings no old secret back, and switches no client on or off',
  patience,
  async () => {
    const node = await start('operated')
    const stored = await node.store.listClients({ limit: 10 })
    const { length: audited } = await node.store.readAudit(0, 1_000)
    const old = { id: 'api', secrets: ['the-secret-that-leaked-0123456789abcdef'], scopes: ['introspection'] }
    expect(await command(['clients', 'list'], [old, { ...old, id: 'forgotten' }])).not.toContain('forgotten')
    expect(await node.store.listClients({ limit: 10 })).toEqual(stored)
    expect(await node.store.readAudit(audited, 1_000)).toEqual([])
  },
)

test('the operator’s commands work on the database, while nodes run', patience, async () => {
  const node = await start('operated')
  const person = { email: 'ada@example.com', password: 'correct horse battery' }
  await post(node, '/v1/users', { ...person, name: 'Ada' })
  const login = (await post(node, '/v1/sessions', { ...person, client_id: 'app' })).body
  expect(JSON.parse(await command(['users', 'disable', person.email]))).toMatchObject({ id: expect.any(String) })
  expect((await refresh(node, login.refresh_token)).body.error).toBe('invalid_grant')
  expect(existsSync(join(folder, 'none'))).toBe(false)
})
