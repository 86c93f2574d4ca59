import { createHash, createHmac } from 'node:crypto'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { deriveRefreshToken, type Family, type KeyRing, type Session } from '@countersign/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { configuration, type Install, logIn, me, person, redirectUri, refresh, signUp } from './testing/app-install.ts'
import { createHostedBrowser, freshCode, signInHosted } from './testing/hosted-browser.ts'
import { type Answer, basic, bearer, call } from './testing/http-call.ts'
import { createProofKey } from './testing/proof-key.ts'
import { givenInstallation, type Installation, startServer } from './testing/server-process.ts'
import { withStore } from './testing/stored-state.ts'

/*
 * The thief of a backup has everything except the master key. Nothing in it is a token, and nothing in it can be made into
 * one (requirements: each new session gets its own tokens; nothing is stored that could be turned back into a token).
 */

let installed: Installation
let install: Install
/** Every text and every blob of every table, and every text inside the JSON of those, in the spellings of tokens. */
let values: ReadonlySet<string>
let rows: { families: readonly Family[]; sessions: readonly Session[]; keyRing: KeyRing; passwordHash: string }

beforeAll(async () => {
  installed = await givenInstallation(configuration)
  const server = await startServer(installed)
  await signUp(installed.issuer)
  install = await logIn(installed.issuer)
  await refresh(installed.issuer, install)
  await logIn(installed.issuer, { key: createProofKey() })
  const browser = createHostedBrowser(installed.issuer)
  await signInHosted(browser)
  await freshCode(browser)
  await server.end('SIGTERM')
  values = valuesIn(join(installed.dataFolder, 'countersign.sqlite'))
  rows = await withStore(installed.dataFolder, async store => {
    const { user } = await store.loadUserByEmail(person.email)
    const sessions = await store.listSessions(user?.id ?? '')
    return {
      families: sessions.flatMap(({ families }) => families),
      sessions: sessions.map(({ session }) => session),
      keyRing: (await store.loadIssuer()).keyRing,
      passwordHash: user?.passwordHash ?? '',
    }
  })
  await startServer(installed)
})

afterAll(() => installed.remove())

function valuesIn(file: string): ReadonlySet<string> {
  const database = new DatabaseSync(file, { readOnly: true })
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all()
  const found = new Set<string>()
  for (const { name } of tables) {
    const every = database.prepare(`SELECT * FROM "${name}"`)
    every.setReadBigInts(true)
    for (const row of every.all()) {
      for (const value of Object.values(row)) {
        if (typeof value === 'string') for (const text of textsIn(value)) found.add(text)
        if (value instanceof Uint8Array) for (const text of spelled(Buffer.from(value))) found.add(text)
      }
    }
  }
  database.close()
  return found
}

function spelled(bytes: Buffer): readonly string[] {
  return [bytes.toString('base64url'), `cs_rt_${bytes.toString('base64url')}`, bytes.toString('hex')]
}

function textsIn(text: string): readonly string[] {
  if (!/^[{[]/.test(text)) return [text, `cs_rt_${text}`]
  const leaves: string[] = []
  JSON.parse(text, (_name, value: unknown) => {
    if (typeof value === 'string') leaves.push(value, `cs_rt_${value}`)
    return value
  })
  return leaves
}

/** Keys that somebody without the master key could think of. */
function guessedKeys(): readonly Buffer[] {
  const texts = [...values].flatMap(text => [
    Buffer.from(text),
    Buffer.from(text, 'base64url'),
    Buffer.from(text, 'hex'),
  ])
  const short = [Buffer.alloc(0), Buffer.alloc(32), Buffer.from('countersign'), ...texts]
  return [...short, ...short.map(key => createHash('sha256').update(key).digest())]
}

async function reasonOf(answered: Promise<Answer | undefined>): Promise<unknown> {
  const answer = await answered
  return answer?.status === 200 ? 'accepted' : answer?.json.reason
}

describe('the thief of the database', () => {
  test('has the whole of it: logins, keys, a code, the hash of a password', () => {
    expect(values.size).toBeGreaterThan(100)
    expect(rows.families.length).toBe(2)
    expect(rows.sessions.some(({ cookieSalt }) => cookieSalt !== null)).toBe(true)
    expect(rows.passwordHash).toMatch(/^\$argon2id\$/)
    expect(values).toContain(rows.passwordHash)
    expect(values).toContain(rows.families[0]?.salt.toString('base64url'))
  })

  test('presents each value as whatever it might be, and is refused', async () => {
    const refusals = new Set<unknown>()
    for (const value of values) {
      const printable = /^[\x21-\x7e]{1,2000}$/.test(value)
      const form = { grant_type: 'refresh_token', client_id: 'app', refresh_token: value }
      refusals.add(await reasonOf(call(`${installed.issuer}/token`, { form })))
      if (!printable) continue
      refusals.add(await reasonOf(call(`${installed.issuer}/v1/me`, { headers: bearer(value) })))
      const code = { grant_type: 'authorization_code', client_id: 'app', code: value, redirect_uri: redirectUri }
      refusals.add(
        await reasonOf(call(`${installed.issuer}/token`, { form: { ...code, code_verifier: value.padEnd(43, 'x') } })),
      )
      const machine = { grant_type: 'client_credentials' }
      refusals.add(
        await reasonOf(call(`${installed.issuer}/token`, { headers: basic('backend', value), form: machine })),
      )
    }
    for (const reason of ['client_authentication_failed', 'code_invalid', 'refresh_token_invalid', 'token_malformed']) {
      expect(refusals).toContain(reason)
    }
    expect(refusals).not.toContain('accepted')
  })

  test('derives refresh tokens from every row under every key that he can think of, and is refused', async () => {
    const keys = guessedKeys()
    const forged = rows.families.flatMap(({ id, salt, generation }) =>
      [generation, generation + 1].flatMap(tried =>
        keys.map(key => deriveRefreshToken({ id: 1, key }, { id, salt, generation: tried })),
      ),
    )
    const all = [...new Set(forged)]
    expect(all.length).toBeGreaterThan(500)
    const judged = new Set<unknown>()
    for (const refreshToken of all) judged.add(await reasonOf(refresh(installed.issuer, { ...install, refreshToken })))
    expect([...judged]).toEqual(['refresh_token_invalid'])
  })

  test('derives cookies likewise, and is not signed in', async () => {
    const [session] = rows.sessions.filter(({ cookieSalt }) => cookieSalt !== null)
    const { id = '', cookieSalt } = session ?? {}
    const landed = new Set<unknown>()
    for (const key of guessedKeys().slice(0, 300)) {
      const mac = createHmac('sha256', key)
        .update('session')
        .update(id)
        .update(cookieSalt ?? '')
        .digest('base64url')
      const { headers } = await call(`${installed.issuer}/account`, { headers: { cookie: `countersign=${id}.${mac}` } })
      landed.add(headers.location)
    }
    expect([...landed]).toEqual(['/sign-in?return_to=/account'])
  })

  test('cannot log in with the hash of a password', async () => {
    const json = { email: person.email, password: rows.passwordHash, client_id: 'app' }
    expect((await call(`${installed.issuer}/v1/sessions`, { json })).json.reason).toBe('login_failed')
  })

  test('has harmed nobody: those who hold the real tokens go on', async () => {
    expect((await refresh(installed.issuer, install))?.status).toBe(200)
    expect((await me(installed.issuer, install)).status).toBe(200)
  })
})
