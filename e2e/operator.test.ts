import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { isRefusal } from '@countersign/protocol'
import * as given from '@countersign/store/given'
import { openSqliteStore } from '@countersign/store-sqlite'
import { createVerifier, type Verifier } from '@countersign/verify'
import { afterAll, describe, expect, test, vi } from 'vitest'
import {
  apiSecret,
  configuration,
  type Install,
  logIn,
  me,
  person,
  refresh,
  signUp,
  tryLogIn,
} from './testing/app-install.ts'
import { call } from './testing/http-call.ts'
import { bothWays } from './testing/operate-both-ways.ts'
import { createProofKey } from './testing/proof-key.ts'
import { filesIn, findSecrets } from './testing/secret-search.ts'
import { givenInstallation, type Installation, operate, startServer } from './testing/server-process.ts'
import { signingKeys } from './testing/signing-keys.ts'

const started: { installed: Installation; verifier: Verifier }[] = []

afterAll(() => {
  for (const { installed, verifier } of started) {
    verifier.close()
    installed.remove()
  }
})

/** A server with two logins, and an API that has followed its feed from the beginning. */
async function givenLogins() {
  const installed = await givenInstallation(configuration)
  const server = await startServer(installed)
  await signUp(installed.issuer)
  const verifier = createVerifier({
    issuer: installed.issuer,
    audience: 'urn:notes',
    revocations: { clientId: 'api', clientSecret: apiSecret },
  })
  started.push({ installed, verifier })
  const installs = [await logIn(installed.issuer), await logIn(installed.issuer, { key: createProofKey() })]
  await verifier.ready()
  for (const install of installs) expect(await judgedByApi(verifier, install)).toBe('good')
  return { installed, issuer: installed.issuer, server, verifier, installs }
}

async function judgedByApi(verifier: Verifier, { accessToken }: Install): Promise<string> {
  const verification = await verifier.verify(accessToken)
  return isRefusal(verification) ? verification.reason : 'good'
}

/** Asks the API again and again, until it has heard: how long that takes is measured elsewhere. */
async function revokedForApi(verifier: Verifier, install: Install): Promise<void> {
  const judge = async (): Promise<void> => expect(await judgedByApi(verifier, install)).toBe('token_revoked')
  await vi.waitFor(judge, { timeout: 60_000 })
}

describe.concurrent.each(bothWays)('%s', (_where, operateOn) => {
  test('users disable: refused by the API, by the server, at login; enabled again, one signs in anew', async () => {
    const { installed, issuer, server, verifier, installs } = await givenLogins()
    const { code, stdout } = await operateOn(installed, server, 'users', 'disable', person.email.toUpperCase())
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { done: 'disabled', sessions_ended: expect.any(Number) }])
    for (const install of installs) {
      await revokedForApi(verifier, install)
      expect((await me(issuer, install)).status).toBe(401)
      expect((await refresh(issuer, install))?.json.reason).toBe('user_disabled')
    }
    expect((await tryLogIn(issuer))?.answer.json.reason).toBe('user_disabled')

    expect((await operate(installed, 'users', 'enable', JSON.parse(stdout).id)).code).toBe(0)
    for (const install of installs) {
      expect((await refresh(issuer, install))?.json.reason).toBe('authorization_revoked')
      expect(await judgedByApi(verifier, install)).toBe('token_revoked')
    }
    const anew = await logIn(issuer)
    expect(await judgedByApi(verifier, anew)).toBe('good')
    expect((await refresh(issuer, anew))?.status).toBe(200)
  })

  test('users delete: everything of theirs ends, and the address is free again', async () => {
    const { installed, issuer, server, verifier, installs } = await givenLogins()
    expect((await operateOn(installed, server, 'users', 'delete', person.email)).code).toBe(0)
    for (const install of installs) {
      await revokedForApi(verifier, install)
      expect((await refresh(issuer, install))?.json.reason).toBe('user_disabled')
    }
    expect((await tryLogIn(issuer))?.answer.json.reason).toBe('login_failed')
    const again = await operate(installed, 'users', 'delete', person.email)
    expect([again.code, again.stdout, again.stderr]).toEqual([
      1,
      '',
      expect.stringMatching(/^countersign: .* \(user_unknown\)\n$/),
    ])
    await signUp(issuer)
    expect((await refresh(issuer, await logIn(issuer)))?.status).toBe(200)
  })

  test('keys rotate: nobody notices', async () => {
    const { installed, issuer, server, verifier, installs } = await givenLogins()
    const before = await signingKeys(installed)
    expect((await operateOn(installed, server, 'keys', 'rotate')).code).toBe(0)
    const after = await signingKeys(installed)
    expect(after.active).toBe(before.next)
    expect(after.retiring).toBe(before.active)
    for (const install of installs) {
      expect(await judgedByApi(verifier, install)).toBe('good')
      expect((await refresh(issuer, install))?.status).toBe(200)
      expect(keyOf(install)).toBe(after.active)
      expect(await judgedByApi(verifier, install)).toBe('good')
    }
  })

  test('keys retire: dead with all that it signed, also at the API; a refresh goes on, nobody is logged out', async () => {
    const { installed, issuer, server, verifier, installs } = await givenLogins()
    const { active, next } = await signingKeys(installed)
    expect((await operateOn(installed, server, 'keys', 'retire', active ?? '')).code).toBe(0)
    for (const install of installs) {
      await revokedForApi(verifier, install)
      expect((await me(issuer, install)).status).toBe(401)
      expect((await refresh(issuer, install))?.status).toBe(200)
      expect(keyOf(install)).toBe(next)
      expect(await judgedByApi(verifier, install)).toBe('good')
      expect((await me(issuer, install)).status).toBe(200)
    }
    const again = await operate(installed, 'keys', 'retire', active ?? '')
    expect([again.code, again.stdout, again.stderr]).toEqual([
      1,
      '',
      expect.stringMatching(/^countersign: .* \(not_found\)\n$/),
    ])
  })
})

describe.concurrent.each(bothWays)('audit export %s (H4)', (_where, operateOn) => {
  test('is every change in order, checked as the documentation says, and again after a user is deleted', async () => {
    const { installed, server } = await givenLogins()
    await operate(installed, 'users', 'disable', person.email)
    const { code, stdout, stderr } = await operateOn(installed, server, 'audit', 'export')
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line))
    const events = rows.map(({ record }) => record.event).filter(event => /^(user|session)/.test(event))
    expect([code, events]).toEqual([0, ['user.created', 'session.created', 'session.created', 'user.disabled']])
    expect(rows.find(({ record }) => record.event === 'session.created').personal.ip).toBe('127.0.0.1')
    const { number, hash } = rows.at(-1)
    expect(stderr).toBe(`The log is whole. It ends with row ${number}, ${hash}.\n`)
    expect(checkAudit(stdout)).toBe(`whole from row 1 to row ${number}, ${hash}\n`)

    await operate(installed, 'users', 'delete', person.email)
    const more = await operate(installed, 'audit', 'export', '--after', String(number))
    expect(more.stdout).toContain('"event":"user.deleted"')
    const all = (await operate(installed, 'audit', 'export')).stdout
    expect(all).not.toContain('127.0.0.1')
    expect(checkAudit(all)).toContain('whole from row 1 to row')
    expect(checkAudit(more.stdout, String(number), hash)).toContain(`whole from row ${number + 1} to row`)
    expect(() => checkAudit(all.replace('"user.disabled"', '"user.enabled"'))).toThrow(/row \d+ does not follow/)
  })
})

/** An installation whose log begins with so many rows of 1970. */
async function givenOldRows(count: number): Promise<Installation> {
  const installed = await givenInstallation(configuration)
  mkdirSync(installed.dataFolder, { mode: 0o700 })
  writeFileSync(join(installed.dataFolder, 'master.key'), randomBytes(32).toString('base64url'), { mode: 0o600 })
  const file = join(installed.dataFolder, 'countersign.sqlite')
  const store = await openSqliteStore({ ...given.storeOptions(given.clock()), file })
  for (let time = 1; time <= count; time++)
    await store.commit(given.change([], { audit: [{ event: 'all.revoked', time }] }))
  await store.close()
  return installed
}

describe.concurrent.each(bothWays)('audit prune %s', (_where, operateOn) => {
  test('removes what is older, says so in the log, and what was exported before and after is one log', async () => {
    const installed = await givenOldRows(2_500)
    const server = await startServer(installed)
    await signUp(installed.issuer)
    const before = (await operate(installed, 'audit', 'export')).stdout
    const dry = await operate(installed, 'audit', 'prune', '--before', '2000-01-01', '--dry-run')
    const through = JSON.parse(before.split('\n')[2_499] ?? '{}')
    const wanted = { before: '2000-01-01T00:00:00.000Z', rows: 2_500, through: 2_500, hash: through.hash }
    expect(JSON.parse(dry.stdout)).toEqual({ dry_run: true, ...wanted, time: '1970-01-01T00:00:02.500Z' })
    expect((await operate(installed, 'audit', 'export')).stdout).toBe(before)

    const pruned = await operateOn(installed, server, 'audit', 'prune', '--before', '2000-01-01')
    expect(JSON.parse(pruned.stdout)).toEqual({ dry_run: false, ...wanted, time: '1970-01-01T00:00:02.500Z' })
    const { stdout: after, stderr, code } = await operate(installed, 'audit', 'export')
    const rows = after
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line))
    const told = rows.find(({ record }) => record.event === 'audit.pruned')
    expect(told.record.facts).toMatchObject({ through: 2_500, hash: through.hash, rows: 2_500, by: 'operator' })
    const last = rows.at(-1)
    expect(stderr).toMatch(
      new RegExp(
        `^The log is whole after row 2500, ${through.hash}: up to there it was removed on 20\\S+Z, as row ${told.number} says. It ends with row ${last.number}, ${last.hash}.\n$`,
      ),
    )
    expect(code).toBe(0)
    expect(checkAudit(after)).toBe(`whole from row 2501 to row ${last.number}, ${last.hash}\n`)
    const known = before.trimEnd().split('\n').length
    const joined =
      before +
      rows
        .filter(({ number }) => number > known)
        .map(row => `${JSON.stringify(row)}\n`)
        .join('')
    expect(checkAudit(joined)).toBe(`whole from row 1 to row ${last.number}, ${last.hash}\n`)

    // Whoever asks from before is told; and somebody's cutting off is told from ours.
    const refused = await operate(installed, 'audit', 'export', '--after', '10')
    expect([refused.code, refused.stdout]).toEqual([1, ''])
    expect(refused.stderr).toMatch(/up to 2500 were removed .* it can be read from after 2500\. \(audit_pruned\)/)
    const cutOff = after.slice(after.indexOf('\n') + 1)
    expect(() => checkAudit(cutOff)).toThrow('no row says that those before row 2502 were removed')
    const withoutWord = after
      .split('\n')
      .filter(line => !line.includes('audit.pruned'))
      .join('\n')
    expect(() => checkAudit(withoutWord)).toThrow(/does not follow|no row says/)
    installed.remove()
  })
})

test.each([
  ['2999-01-01', 'That is in the future.'],
  ['1d', 'Rows of the last 7 days stay'],
])('audit prune --before %s is refused, with a reason', async (before, message) => {
  const installed = await givenOldRows(3)
  await (await startServer(installed)).end('SIGTERM')
  const { code, stdout, stderr } = await operate(installed, 'audit', 'prune', '--before', before)
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr).toContain(message)
  expect(stderr).toContain('(parameter_invalid)')
  installed.remove()
})

test('audit export: a row that somebody changed in the file is told, with exit code 1, after those before it', async () => {
  const installed = await givenInstallation(configuration)
  const server = await startServer(installed)
  await signUp(installed.issuer)
  await server.end('SIGTERM')
  const database = new DatabaseSync(join(installed.dataFolder, 'countersign.sqlite'))
  const { number } = database.prepare("SELECT number FROM audit WHERE body LIKE '%user.created%'").get() ?? {}
  database.exec("UPDATE audit SET body = replace(body, 'user.created', 'user.enabled')")
  database.close()
  const { code, stdout, stderr } = await operate(installed, 'audit', 'export')
  installed.remove()
  expect(stdout.trimEnd().split('\n')).toHaveLength(Number(number) - 1)
  const sentence = `countersign: The audit log is broken: row ${number} does not follow from the one before it.\n`
  expect([code, stderr]).toEqual([1, sentence])
})

test.each([
  ['-1', 'It must be a whole number from 0'],
  ['x', 'It must be a whole number from 0'],
  ['99999', 'The audit log has no row 99999.'],
])('audit export --after %s is refused', async (after, message) => {
  const installed = await givenInstallation(configuration)
  await (await startServer(installed)).end('SIGTERM')
  const { code, stdout, stderr } = await operate(installed, 'audit', 'export', `--after=${after}`)
  installed.remove()
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr).toContain(message)
})

test('users delete erases: once the log is copied no file holds address, name or password hash', async () => {
  const installed = await givenInstallation(configuration)
  const server = await startServer(installed)
  const json = { email: 'Gone.Person@example.com', name: 'Gone With Name', password: 'a horse that will be gone' }
  await call(`${installed.issuer}/v1/users`, { json })
  await logIn(installed.issuer, { who: json })
  const { email, name } = json
  const personal = new Map(Object.entries({ email, key: email.toLowerCase(), name, hash: '$argon2id$' }))
  expect(findSecrets(personal, filesIn(installed.dataFolder, [])).length).toBeGreaterThanOrEqual(personal.size)
  expect((await operate(installed, 'users', 'delete', email)).code).toBe(0)
  await server.end('SIGTERM')
  expect(findSecrets(personal, filesIn(installed.dataFolder, []))).toEqual([])
  installed.remove()
})

test('keys retire: an id that begins with a hyphen, as one in 64 does, is an id and no option', async () => {
  const installed = await givenInstallation(configuration)
  await (await startServer(installed)).end('SIGTERM')
  for (const id of [`-${'h'.repeat(42)}`, `--${'A'.repeat(41)}`]) {
    const { code, stderr } = await operate(installed, 'keys', 'retire', id)
    expect([code, stderr]).toEqual([1, expect.stringContaining('(not_found)')])
  }
  installed.remove()
})

test('without a data folder there is nothing to operate on', async () => {
  const installed = await givenInstallation(configuration)
  const { code, stderr } = await operate(installed, 'keys', 'list')
  installed.remove()
  expect([code, stderr]).toEqual([1, `countersign: There is no data folder at ${installed.dataFolder}; give --data.\n`])
})

/** With the program that docs/audit.md shows, which knows nothing of ours. */
function checkAudit(lines: string, ...after: string[]): string {
  const program = join(import.meta.dirname, '../examples/snippets/src/check-audit.ts')
  return execFileSync(process.execPath, [program, ...after], { input: lines, encoding: 'utf8', stdio: 'pipe' })
}

function keyOf({ accessToken }: Install): unknown {
  return JSON.parse(Buffer.from(accessToken.split('.')[0] ?? '', 'base64url').toString()).kid
}
