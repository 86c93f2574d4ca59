import { createHmac, hash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { deriveKey, type MacKey } from '@countersign/core'
import type { Countersign } from './server.ts'

/*
 * Browsers in which somebody has signed in on the pages and has allowed an application what it asks. One does so in truth. The others are its rows over again, under ids of their
 * own, in the file of the stopped server: each would need a password, and thousands of argon2 hashes would take longer than the benchmark.
 */

const password = 'the right horse, the right battery'
const email = 'first@example.org'

type Row = Record<string, SQLInputValue>

export interface Browsers {
  /** Values of the header `Cookie`. */
  readonly cookies: readonly string[]
  /** First one of each browser, then the next of each: nobody redeems several of one browser at once. */
  readonly codes: readonly string[]
}

/** @param authorize the path, with its query, at which each of them is allowed to get a code. */
export async function signInBrowsers(
  system: Countersign,
  authorize: string,
  { count, codesOfEach }: { count: number; codesOfEach: number },
): Promise<Browsers> {
  const server = await system.start()
  await signInOne(system.issuer, authorize)
  await server.stop()
  const master = Buffer.from(readFileSync(system.masterKeyFile, 'utf8').trim(), 'base64url')
  const database = new DatabaseSync(system.database)
  try {
    return cloneRows(database, deriveKey(master, 'cookie 1'), { count, codesOfEach })
  } finally {
    database.close()
  }
}

/** Through the pages, to a first code. */
async function signInOne(issuer: string, authorize: string): Promise<void> {
  const cookies = new Map<string, string>()
  const open = async (path: string, fields?: Record<string, string>): Promise<Response> => {
    const cookie = [...cookies].map(pair => pair.join('=')).join('; ')
    const body = fields && { method: 'POST', body: new URLSearchParams(fields) }
    const response = await fetch(issuer + path, { redirect: 'manual', headers: { cookie }, ...body })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      cookies.set(name, value)
    }
    return response
  }
  const submit = async (path: string, fields: Record<string, string>): Promise<string> => {
    const page = await (await open(path)).text()
    const hidden = page.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)
    const brought = Object.fromEntries([...hidden].map(([, name = '', value = '']) => [name, value]))
    const { headers } = await open(path, { ...brought, ...fields })
    // Some pages move on by themselves.
    return headers.get('location') ?? headers.get('refresh')?.replace('0;url=', '') ?? ''
  }
  const headers = { 'content-type': 'application/json' }
  await fetch(`${issuer}/v1/users`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ email, password, name: 'First' }),
  })
  await submit('/sign-in?return_to=/account', { email, password })
  const consent = (await open(authorize)).headers.get('location') ?? ''
  const back = await submit(consent, { decision: 'allow' })
  if (!back.includes('?code=')) throw new Error(`no code at the first sign-in: ${back}`)
}

function cloneRows(
  database: DatabaseSync,
  cookieKey: MacKey,
  { count, codesOfEach }: { count: number; codesOfEach: number },
): Browsers {
  const only = (sql: string): Row => {
    const statement = database.prepare(sql)
    statement.setReadBigInts(true)
    return { ...statement.get() } as Row
  }
  const [user, session, grant] = [
    only(`SELECT * FROM user WHERE email = '${email}'`),
    only('SELECT * FROM session WHERE cookie_salt IS NOT NULL'),
    only('SELECT * FROM user_grant'),
  ]
  const code = only(`SELECT * FROM short_lived WHERE kind = 'code'`)
  const addUser = inserter(database, 'user', user)
  const addSession = inserter(database, 'session', session)
  const addGrant = inserter(database, 'user_grant', grant)
  const addCode = inserter(database, 'short_lived', code)
  const cookies: string[] = []
  const codes = Array.from({ length: codesOfEach }, (): string[] => [])
  const far = Date.now() + 3_600_000
  database.exec('BEGIN')
  for (let n = 1; n <= count; n++) {
    const [userKey, sessionKey] = [next(user, n), next(session, n)]
    addUser({
      ...user,
      key: userKey,
      email: `browser-${n}@example.org`,
      email_key: `browser-${n}@example.org`,
    })
    addSession({ ...session, key: sessionKey, user: userKey })
    addGrant({ ...grant, user: userKey })
    const sessionId = idOf(sessionKey, session.rest)
    const mac = createHmac('sha256', cookieKey)
      .update('session')
      .update(sessionId)
      .update(session.cookie_salt as Uint8Array)
    cookies.push(`countersign=${sessionId}.${mac.digest('base64url')}`)
    for (const round of codes) {
      const text = randomBytes(32).toString('base64url')
      const body = {
        ...JSON.parse(String(code.body)),
        hash: hash('sha256', text, 'base64url'),
        userId: idOf(userKey, user.rest),
        sessionId,
        expiresAt: far,
      }
      addCode({ ...code, hash: body.hash, expires_at: far, body: JSON.stringify(body) })
      round.push(text)
    }
  }
  database.exec('COMMIT')
  return { cookies, codes: codes.flat() }
}

/** Ids grow with time; the first half is the row's number. */
function next(row: Row, n: number): bigint {
  return BigInt(row.key as bigint) + BigInt(n)
}

function idOf(key: bigint, rest: SQLInputValue | undefined): string {
  const bytes = Buffer.alloc(16)
  bytes.writeBigInt64BE(key)
  bytes.set(rest as Uint8Array, 8)
  return bytes.toString('base64url')
}

/** Inserts rows that have the columns of `like`. */
function inserter(database: DatabaseSync, table: string, like: Row): (row: Row) => void {
  const names = Object.keys(like)
  const values = names.map(name => `:${name}`)
  const statement = database.prepare(`INSERT INTO ${table} (${names.join(', ')}) VALUES (${values.join(', ')})`)
  return row => void statement.run(row)
}
