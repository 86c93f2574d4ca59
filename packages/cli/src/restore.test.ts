import { execFile } from 'node:child_process'
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brokenAuditRow } from '@countersign/store'
import { type Cluster, startCluster } from '@countersign/store-postgres/testing/cluster'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readConfiguration } from './configuration.ts'
import { openJournal } from './journal/journal-file.ts'
import { createLineSeal } from './journal/line-seal.ts'
import { readJournal } from './journal/read-journal.ts'
import { type RunningSystem, serve } from './serve.ts'

const patience = { timeout: 120_000 }
const masterKey = Buffer.alloc(32, 5).toString('base64url')
const apiSecret = 'api-secret-0123456789abcdef0123456789'
const oldPassword = 'correct horse battery'
const newPassword = 'a better horse battery'
const clients = [
  {
    id: 'app',
    first_party: true,
    direct_login: true,
    access_token_binding: 'bearer',
    scopes: ['account'],
    minimum_life_seconds: 0,
    grace_seconds: 0,
  },
  { id: 'api', secrets: [apiSecret], scopes: ['introspection', 'revocations'] },
]

let cluster: Cluster
const folders: string[] = []

beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(async () => {
  await cluster.discard()
  for (const folder of folders) rmSync(folder, { recursive: true })
})

/** An installation with its backup: how one is made while the server is stopped, and how it comes back. */
interface House {
  readonly environment: Readonly<Record<string, string>>
  readonly journal: string
  /** How `restored` calls it. */
  readonly place: string
  backUp(): void
  restore(): void
}

function givenFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-restore-'))
  folders.push(folder)
  return folder
}

function environmentOf(folder: string): Readonly<Record<string, string>> {
  return {
    COUNTERSIGN_DATA: join(folder, 'data'),
    COUNTERSIGN_ISSUER: 'http://127.0.0.1:4400',
    COUNTERSIGN_PORT: '0',
    COUNTERSIGN_SIGN_UP: 'open',
    COUNTERSIGN_CLIENTS: JSON.stringify(clients),
    COUNTERSIGN_UNSAFE_REFRESH_POLICY: 'true',
    COUNTERSIGN_MASTER_KEY: masterKey,
    COUNTERSIGN_REVOCATION_JOURNAL: join(folder, 'journal.jsonl'),
  }
}

let databases = 0

function freshDatabase(): string {
  const name = `house_${++databases}`
  cluster.run('createdb', ['-h', '127.0.0.1', '-p', String(cluster.port), '-U', 'postgres', name])
  return cluster.url.replace(/postgres$/, name)
}

const houses: Readonly<Record<string, () => House>> = {
  'a data folder'() {
    const folder = givenFolder()
    const environment = environmentOf(folder)
    const [file, copy] = [join(folder, 'data', 'countersign.sqlite'), join(folder, 'backup')]
    return {
      environment,
      journal: String(environment.COUNTERSIGN_REVOCATION_JOURNAL),
      place: file,
      backUp: () => copyFileSync(file, copy),
      restore() {
        for (const rest of ['-wal', '-shm']) rmSync(file + rest, { force: true })
        copyFileSync(copy, file)
      },
    }
  },
  'a PostgreSQL database'() {
    const folder = givenFolder()
    const url = freshDatabase()
    const environment = { ...environmentOf(folder), COUNTERSIGN_DATABASE: url }
    const dump = join(cluster.folder, 'backup')
    return {
      environment,
      journal: join(folder, 'journal.jsonl'),
      place: url.replace('postgres://postgres@', ''),
      backUp: () => cluster.run('pg_dump', ['-d', url, '-Fc', '-n', 'countersign', '-f', dump]),
      restore: () => cluster.run('pg_restore', ['-d', url, '--clean', '--if-exists', dump]),
    }
  },
}

const start = ({ environment }: Pick<House, 'environment'>): Promise<RunningSystem> =>
  serve(readConfiguration({ environment, flags: {} }), { masterKey, log: { info() {}, warn() {}, error() {} } })

/** One of the operator's commands, in a process of its own. */
async function operate(
  { environment }: Pick<House, 'environment'>,
  ...args: string[]
): Promise<Record<string, unknown>> {
  const command = ['--conditions=@countersign/source', join(import.meta.dirname, 'main.ts'), ...args]
  const { stdout } = await promisify(execFile)(process.execPath, command, {
    env: { PATH: process.env.PATH, ...environment },
  })
  return JSON.parse(stdout) as Record<string, unknown>
}

interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

async function post({ address }: RunningSystem, path: string, body: object, authorization = ''): Promise<Answer> {
  const isForm = !path.startsWith('/v1')
  const headers: Record<string, string> = isForm ? {} : { 'Content-Type': 'application/json' }
  if (authorization) headers.authorization = authorization
  const answer = await fetch(address + path, {
    method: 'POST',
    headers,
    body: isForm ? new URLSearchParams(body as Record<string, string>) : JSON.stringify(body),
  })
  const text = await answer.text()
  return { status: answer.status, body: text === '' ? {} : (JSON.parse(text) as Answer['body']) }
}

const logIn = (node: RunningSystem, email: string, password = oldPassword): Promise<Answer> =>
  post(node, '/v1/sessions', { email, password, client_id: 'app' })
const refresh = (node: RunningSystem, token: unknown): Promise<Answer> =>
  post(node, '/token', { grant_type: 'refresh_token', client_id: 'app', refresh_token: token })
const isActive = async (node: RunningSystem, token: unknown): Promise<unknown> => {
  const authorization = `Basic ${Buffer.from(`api:${apiSecret}`).toString('base64')}`
  return (await post(node, '/introspect', { token: String(token) }, authorization)).body.active
}

const [maria, otto, ada, kurt] = ['maria@example.com', 'otto@example.com', 'ada@example.com', 'kurt@example.com']

/** Who revokes what the backup does not know: the node whose journal it is, or somebody who writes none. */
const writers = ['the node itself', 'a node without one, from whose audit log it was caught up'] as const

const undamaged = { unreadable: [], misplaced: [], lacks: [] }

describe.each(Object.entries(houses))('yesterday’s backup of %s', (_name, build) => {
  test.each(writers)(
    'comes back, with a journal written by %s: logins that are in it go on, what was revoked since stays revoked, and the audit chain is whole',
    patience,
    async writer => {
      const house = build()
      const { COUNTERSIGN_REVOCATION_JOURNAL: _, ...withoutJournal } = house.environment
      const isCaughtUp = writer !== 'the node itself'
      const before = await start(house)
      for (const email of [maria, otto, ada, kurt]) {
        expect((await post(before, '/v1/users', { email, password: oldPassword })).status).toBe(201)
      }
      const [going, ended, changed, disabled] = await Promise.all(
        [maria, otto, ada, kurt].map(async email => (await logIn(before, email)).body),
      )
      const kept = (await logIn(before, ada)).body
      await before.close()
      house.backUp()

      // What the backup does not know.
      const since = await start(isCaughtUp ? { environment: withoutJournal } : house)
      let token = going?.refresh_token
      for (let times = 0; times < 3; times++) token = (await refresh(since, token)).body.refresh_token
      const access = (await refresh(since, token)).body
      token = access.refresh_token
      await post(since, '/revoke', { client_id: 'app', token: ended?.refresh_token })
      const change = { current_password: oldPassword, new_password: newPassword }
      expect((await post(since, '/v1/password', change, `Bearer ${kept.access_token}`)).status).toBe(200)
      await since.server.admin.disableUser(kurt)
      const newcomer = (await logIn(since, maria)).body
      await since.close()
      if (isCaughtUp) await (await start(house)).close()
      expect(statSync(house.journal).mode & 0o777).toBe(0o600)
      // A line that a crash has torn is no line; and nothing in the journal is a secret or says who somebody is.
      appendFileSync(house.journal, '{"time":17')
      const written = readFileSync(house.journal, 'utf8')
      for (const secret of ['@example.com', '$argon2', String(token), apiSecret]) expect(written).not.toContain(secret)

      house.restore()
      expect(await operate(house, 'restored', '--journal', house.journal)).toEqual({
        store: house.place,
        revoked_again: 3,
        journals: [{ file: house.journal, lines: expect.any(Number), records: 4, torn: 1, ...undamaged }],
      })
      const after = await start(house)
      // Four generations ahead of what the store knows.
      expect((await refresh(after, token)).status).toBe(200)
      expect((await refresh(after, kept.refresh_token)).status).toBe(200)
      expect((await refresh(after, ended?.refresh_token)).body.reason).toBe('session_ended')
      expect((await refresh(after, changed?.refresh_token)).body.error).toBe('invalid_grant')
      expect((await refresh(after, disabled?.refresh_token)).body.reason).toBe('user_disabled')
      expect((await logIn(after, ada)).body.reason).toBe('login_failed')
      expect((await logIn(after, ada, newPassword)).status).toBe(201)
      // Whoever came after the backup signs in again: the store has never heard of them.
      expect((await refresh(after, newcomer.refresh_token)).body.reason).toBe('family_unknown')
      // Every access token is renewed once.
      expect(await isActive(after, access.access_token)).toBe(false)
      expect(await isActive(after, (await logIn(after, maria)).body.access_token)).toBe(true)

      const rows = await after.store.readAudit(0, 10_000)
      expect(brokenAuditRow(rows)).toBeUndefined()
      const told = rows.find(({ record }) => record.event === 'all.revoked')?.record.facts
      expect(told).toMatchObject({ reason: 'restored', revoked_again: 3, user: 2 })
      await after.close()

      // Again changes nothing; the node has gone on in the journal behind the torn line, from where the backup and it were the same.
      expect(await operate(house, 'restored', '--journal', house.journal)).toMatchObject({
        revoked_again: 0,
        journals: [{ torn: 1, unreadable: [], misplaced: [] }],
      })
    },
  )
})

test(
  'revoke --all on a running server, and on one that does not run: access tokens are dead, logins go on',
  patience,
  async () => {
    const house = (houses['a data folder'] as () => House)()
    const node = await start(house)
    await post(node, '/v1/users', { email: maria, password: oldPassword })
    const first = (await logIn(node, maria)).body
    expect(await isActive(node, first.access_token)).toBe(true)
    expect(await operate(house, 'revoke', '--all')).toEqual({ revoked: 'every access token' })
    expect(await isActive(node, first.access_token)).toBe(false)
    const second = (await refresh(node, first.refresh_token)).body
    expect(await isActive(node, second.access_token)).toBe(true)
    expect((await node.store.feed.snapshot()).entries).toMatchObject([{ kind: 'all' }])
    await node.close()

    await operate(house, 'revoke', '--all')
    const again = await start(house)
    expect(await isActive(again, second.access_token)).toBe(false)
    expect((await refresh(again, second.refresh_token)).status).toBe(200)
    await again.close()
  },
)

test(
  'with a journal that was changed, or is another system’s, nothing is done; despite damage all else is revoked, and the exit code says so',
  patience,
  async () => {
    const house = (houses['a data folder'] as () => House)()
    const node = await start(house)
    await post(node, '/v1/users', { email: maria, password: oldPassword })
    const login = (await logIn(node, maria)).body
    await node.close()
    house.backUp()
    appendFileSync(house.journal, '{"time":1,"audit":[]}\n')
    const since = await start(house)
    await post(since, '/revoke', { client_id: 'app', token: login.refresh_token })
    await since.close()
    const issuer = String(house.environment.COUNTERSIGN_ISSUER)
    const seal = createLineSeal(Buffer.alloc(32, 5), issuer)
    const { contents } = await readJournal(house.journal, seal)
    const [line] = contents.unreadable
    // As if rows had been removed before they were here.
    const journal = await openJournal(house.journal, seal)
    await journal.append([], { number: 9, hash: 'of row 9', lacksAfter: 4 })
    await journal.close()
    house.restore()
    const before = readFileSync(house.place)
    const told = `countersign: ${house.journal}: 1 of its lines cannot be read, or were changed (${line}).\n`
    await expect(operate(house, 'restored', '--journal', house.journal)).rejects.toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining(`${told}Nothing was done.`),
    })
    const staging = { environment: { ...house.environment, COUNTERSIGN_ISSUER: 'http://127.0.0.1:4499' } }
    await expect(operate(staging, 'restored', '--journal', house.journal)).rejects.toMatchObject({
      stderr: expect.stringContaining('is no journal of http://127.0.0.1:4499'),
    })
    await expect(operate(house, 'restored', '--journal', `${house.journal}-2`)).rejects.toMatchObject({
      stderr: expect.stringMatching(/journal\.jsonl-2 cannot be read: no such file/),
    })
    expect(readFileSync(house.place)).toEqual(before)
    await expect(operate(house, 'restored', '--despite-damage', '--journal', house.journal)).rejects.toMatchObject({
      code: 1,
      stdout: expect.stringContaining('"revoked_again": 1'),
      stderr: `countersign: ${house.journal}: what others have revoked in the rows 5 to 9 of the audit log is not in it, since they were removed before. Give the journals of the other nodes, too.\n${told}countersign: What they say was not revoked again, all else was.\n`,
    })
    const after = await start(house)
    expect((await refresh(after, login.refresh_token)).body.reason).toBe('session_ended')
    await after.close()
  },
)

test(
  'what an operator takes back by a command of another machine stands in the journal of the node that runs',
  patience,
  async () => {
    const house = (houses['a PostgreSQL database'] as () => House)()
    const node = await start(house)
    await post(node, '/v1/users', { email: kurt, password: oldPassword })
    const laptop = join(givenFolder(), 'data')
    mkdirSync(laptop)
    const { COUNTERSIGN_REVOCATION_JOURNAL: _, ...shared } = house.environment
    const environment = { ...shared, COUNTERSIGN_DATA: laptop }
    await operate({ environment }, 'users', 'disable', kurt)
    await expect
      .poll(() => readFileSync(house.journal, 'utf8'), { timeout: 30_000 })
      .toContain('"event":"user.disabled"')
    await node.close()
  },
)

test('where there is no store, none is made, and nothing is said to be restored', patience, async () => {
  const folder = givenFolder()
  const dataFolder = join(folder, 'data')
  const environment = { ...environmentOf(folder), COUNTERSIGN_DATABASE: '' }
  const refused = (): Promise<unknown> => operate({ environment }, 'restored').catch((error: unknown) => error)
  expect(await refused()).toMatchObject({ code: 1, stderr: expect.stringContaining('There is no data folder') })
  expect(existsSync(dataFolder)).toBe(false)
  mkdirSync(dataFolder)
  expect(await refused()).toMatchObject({ code: 1, stderr: expect.stringContaining('There is no database') })
  expect(readdirSync(dataFolder)).toEqual([])

  environment.COUNTERSIGN_DATABASE = freshDatabase()
  expect(await refused()).toMatchObject({ code: 1, stderr: expect.stringContaining('holds nothing of Countersign') })
  expect(readdirSync(dataFolder)).toEqual([])
})
