import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { pruneAudit } from '@countersign/core'
import { brokenAuditRow } from '@countersign/store'
import * as given from '@countersign/store/given'
import { openPostgresStore } from '@countersign/store-postgres'
import { type Cluster, startCluster } from '@countersign/store-postgres/testing/cluster'
import { openSqliteStore } from '@countersign/store-sqlite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readConfiguration } from './configuration.ts'
import { type CopyOptions, copyStore } from './copy-store.ts'
import { type RunningSystem, serve } from './serve.ts'

const masterKey = Buffer.alloc(32, 5).toString('base64url')
const apiSecret = 'api-secret-0123456789abcdef0123456789'
const log = { info() {}, warn() {}, error() {} }
const person = { email: 'maria@example.com', password: 'correct horse battery' }
let cluster: Cluster
let folder: string

beforeAll(async () => {
  cluster = await startCluster()
  folder = mkdtempSync(join(tmpdir(), 'countersign-copy-'))
})
afterAll(async () => {
  await cluster.discard()
  rmSync(folder, { recursive: true })
})

function start(database?: string): Promise<RunningSystem> {
  const flags = { data: folder, issuer: 'http://127.0.0.1:4400', port: 0, ...(database !== undefined && { database }) }
  const app = { id: 'app', first_party: true, direct_login: true, access_token_binding: 'bearer', scopes: ['account'] }
  const api = { id: 'api', secrets: [apiSecret], scopes: ['introspection', 'revocations'] }
  const environment = { COUNTERSIGN_SIGN_UP: 'open', COUNTERSIGN_CLIENTS: JSON.stringify([app, api]) }
  return serve(readConfiguration({ environment, flags }), { masterKey, log })
}

interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

async function post(
  { address }: RunningSystem,
  path: string,
  body: Record<string, unknown>,
  basic = '',
): Promise<Answer> {
  const isForm = path === '/token' || path === '/revoke' || path === '/introspect'
  const answer = await fetch(address + path, {
    method: 'POST',
    headers: {
      ...(!isForm && { 'Content-Type': 'application/json' }),
      ...(basic && { authorization: `Basic ${Buffer.from(basic).toString('base64')}` }),
    },
    body: isForm ? new URLSearchParams(body as Record<string, string>) : JSON.stringify(body),
  })
  const text = await answer.text()
  return { status: answer.status, body: text === '' ? {} : (JSON.parse(text) as Answer['body']) }
}

const logIn = async (node: RunningSystem, email = person.email): Promise<Answer['body']> =>
  (await post(node, '/v1/sessions', { email, password: person.password, client_id: 'app' })).body
const refresh = (node: RunningSystem, token: unknown): Promise<Answer> =>
  post(node, '/token', { grant_type: 'refresh_token', client_id: 'app', refresh_token: token })
const isActive = async (node: RunningSystem, token: unknown): Promise<unknown> =>
  (await post(node, '/introspect', { token }, `api:${apiSecret}`)).body.active

function copy(to: string, from = folder): Promise<{ stdout: string; stderr: string }> {
  const command = ['--conditions=@countersign/source', join(import.meta.dirname, 'main.ts'), 'copy']
  const flags = ['--from', `sqlite:${from}`, '--to', to]
  return promisify(execFile)(process.execPath, [...command, ...flags], { env: { PATH: process.env.PATH } })
}

test('log in on SQLite, copy, refresh on PostgreSQL: nobody is logged out, what was revoked stays so, and the audit chain is whole', {
  timeout: 120_000,
}, async () => {
  const before = await start()
  await post(before, '/v1/users', person)
  const login = await logIn(before)
  const ended = await logIn(before)
  await post(before, '/revoke', { client_id: 'app', token: ended.refresh_token })
  const others: Answer['body'][] = []
  for (let number = 0; number < 3; number++) {
    const email = `user-${number}@example.com`
    await post(before, '/v1/users', { ...person, email })
    others.push(await logIn(before, email))
  }
  const audited = await before.store.readAudit(0, 10_000)
  const { keyRing } = await before.store.loadIssuer()
  await before.close()

  const { stderr, stdout } = await copy(cluster.url)
  expect(stdout).toBe('Copied.\n')
  for (const line of ['user 4 of 4', 'session 5 of 5', 'family 5 of 5', 'client 2 of 2']) expect(stderr).toContain(line)

  const after = await start(cluster.url)
  expect((await after.store.loadIssuer()).keyRing.signing.map(key => key.kid)).toEqual(
    keyRing.signing.map(key => key.kid),
  )
  expect(await isActive(after, login.access_token)).toBe(true)
  for (const { refresh_token } of [login, ...others]) expect((await refresh(after, refresh_token)).status).toBe(200)
  expect(await isActive(after, ended.access_token)).toBe(false)
  expect((await refresh(after, ended.refresh_token)).body.reason).toBe('session_ended')
  expect((await logIn(after)).session_id).toEqual(expect.any(String))

  const rows = await after.store.readAudit(0, 10_000)
  expect(rows.slice(0, audited.length)).toEqual(audited)
  expect(rows.length).toBeGreaterThan(audited.length)
  expect(brokenAuditRow(rows)).toBeUndefined()

  // Not over what is there; and the source is as it was.
  await expect(copy(cluster.url)).rejects.toMatchObject({
    stderr: expect.stringContaining('holds something already'),
  })
  await after.close()
  const again = await start()
  expect(await isActive(again, login.access_token)).toBe(true)
  await again.close()
})

test('a folder without a database, and one whose server runs, are not copied', { timeout: 120_000 }, async () => {
  const node = await start()
  await expect(copy(cluster.url)).rejects.toMatchObject({
    stderr: expect.stringContaining('in use by another process'),
  })
  await node.close()
  const command = ['--conditions=@countersign/source', join(import.meta.dirname, 'main.ts'), 'copy']
  const nowhere = promisify(execFile)(process.execPath, [...command, '--from', 'sqlite:/nowhere', '--to', cluster.url])
  await expect(nowhere).rejects.toMatchObject({
    stderr: 'countersign: there is no database /nowhere/countersign.sqlite\n',
  })
})

function freshDatabase(name: string): string {
  cluster.run('createdb', ['-h', '127.0.0.1', '-p', String(cluster.port), '-U', 'postgres', name])
  return cluster.url.replace(/postgres$/, name)
}

const copyInProcess = (to: string, progress: CopyOptions['progress'], from = folder): Promise<void> =>
  copyStore({
    from: `sqlite:${from}`,
    to: { url: to },
    clock: Date.now,
    newIncarnation: () => 'another',
    progress,
  })

test.each(['audit', 'family'])(
  'where a copy was broken off after the table %s, no node starts, and what to do is said',
  {
    timeout: 120_000,
  },
  async last => {
    const url = freshDatabase(`broken_off_after_${last}`)
    const broken = copyInProcess(url, table => {
      if (table === last) throw new Error('killed')
    })
    await expect(broken).rejects.toThrow('killed')
    await expect(start(url)).rejects.toThrow('a copy to this database is not finished')
    await expect(copy(url)).rejects.toMatchObject({
      stderr: expect.stringMatching(/^countersign: a copy to this database is not finished.*DROP SCHEMA .*\n$/),
    })
    cluster.run('psql', ['-d', url, '-q', '-c', 'DROP SCHEMA countersign CASCADE'])
    await copy(url)
    const node = await start(url)
    expect((await logIn(node)).session_id).toEqual(expect.any(String))
    await node.close()
  },
)

test('a log that was cut off is copied from where it begins, with its anchor, though not all is deleted yet', {
  timeout: 120_000,
}, async () => {
  const own = join(folder, 'cut-off')
  const options = given.storeOptions(given.clock())
  const before = await openSqliteStore({ ...options, file: join(own, 'countersign.sqlite') })
  const audit = Array.from({ length: 10 }, (_, time) => ({ event: 'all.revoked' as const, time }))
  await before.commit(given.change([], { audit }))
  const rows = await before.readAudit(0, 100)
  const last = rows[6]
  if (last === undefined) throw new Error('there are too few rows')
  await before.commit(pruneAudit(undefined, { last, after: 0, rows: 7, before: 7 }, { now: 9 }))
  await before.deletePrunedAudit(4)
  const left = await before.readAudit(4, 100)
  await before.close()

  const url = freshDatabase('cut_off')
  const told: string[] = []
  await copyInProcess(url, (table, done, of) => void told.push(`${table} ${done} of ${of}`), own)
  expect(told).toContain('audit 7 of 7')
  const after = await openPostgresStore({ ...options, url, listenUrl: null, every: () => () => {} })
  await expect(after.readAudit(0, 100)).rejects.toMatchObject({ anchor: { number: 7, deletedThrough: 4 } })
  expect(await after.readAudit(4, 100)).toEqual(left)
  expect(await after.deletePrunedAudit(100)).toBe(3)
  await after.commit(given.change([], { audit: [{ event: 'all.revoked', time: 10 }] }))
  const whole = await after.readAudit(7, 100)
  expect(whole.map(({ number }) => number)).toEqual([8, 9, 10, 11, 12])
  expect(brokenAuditRow(whole, last)).toBeUndefined()
  await after.close()
})

test('of two copies at once one is whole, and the other is told', { timeout: 120_000 }, async () => {
  const url = freshDatabase('two_at_once')
  // One folder is not read by two.
  const twin = join(folder, 'twin')
  mkdirSync(twin)
  copyFileSync(join(folder, 'countersign.sqlite'), join(twin, 'countersign.sqlite'))
  let second: Promise<void> | undefined
  await copyInProcess(url, () => {
    second ??= copyInProcess(url, () => {}, twin)
    second.catch(() => {})
  })
  await expect(second).rejects.toThrow(/a copy to this database is not finished|holds something already/)

  const both = freshDatabase('both_begin')
  const outcomes = await Promise.allSettled([copy(both), copy(both, twin)])
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  const lost = outcomes.find(outcome => outcome.status === 'rejected')
  const said = expect.stringMatching(
    /^countersign: (a copy to this database is not|The database to copy to holds).*\n$/,
  )
  expect(lost?.reason).toMatchObject({ stderr: said })
  for (const one of [url, both]) {
    const node = await start(one)
    expect((await logIn(node)).session_id).toEqual(expect.any(String))
    await node.close()
  }
})
