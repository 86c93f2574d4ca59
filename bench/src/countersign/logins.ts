import { generateKeyPairSync } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { thumbprint } from '../load/proofs.ts'
import type { Chain } from '../load/task.ts'
import type { Countersign } from './server.ts'

const atOnce = 32

export interface Login extends Chain {
  readonly sessionId: string
  readonly accessToken: string
}

/** `Authorization` of the back end, with a token of its own. */
export async function backEndAuthorization(
  { issuer, backEnd }: Countersign,
  scope = 'sessions:manage',
): Promise<string> {
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${backEnd.id}:${backEnd.secret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope }),
  })
  if (response.status !== 200) throw new Error(`no token for the back end: ${response.status}`)
  const { access_token: token } = (await response.json()) as { access_token: string }
  return `Bearer ${token}`
}

/** At which client of ours, if not at the usual one; and whether the users have a name and an address. */
interface Where {
  readonly clientId?: string
  readonly named?: boolean
}

/** So many logins of as many users, `user-0` and on, through the endpoint for trusted back ends. */
export async function makeLogins(system: Countersign, count: number, where: Where = {}): Promise<Login[]> {
  const authorization = await backEndAuthorization(system)
  const made: Login[] = []
  let next = 0
  const work = async (): Promise<void> => {
    while (next < count) made.push(await logIn(system, authorization, `user-${next++}`, where))
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return made
}

async function logIn(
  system: Countersign,
  authorization: string,
  user: string,
  { clientId = system.clientId, named = false }: Where,
): Promise<Login> {
  const response = await fetch(`${system.issuer}/v1/trusted/sessions`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({
      client_id: clientId,
      user: { external_id: user, ...(named && { email: `${user}@example.org`, name: 'Someone' }) },
    }),
  })
  if (response.status !== 201) throw new Error(`a login was answered ${response.status}: ${await response.text()}`)
  const answer = (await response.json()) as { refresh_token: string; access_token: string; session_id: string }
  return { refreshToken: answer.refresh_token, accessToken: answer.access_token, sessionId: answer.session_id }
}

/**
 * Binds each login to a key of its own, in the file of a stopped server. Logins with a proof need a password, and ten
 * thousand argon2 hashes would take longer than the benchmark.
 */
export function bindLogins(system: Countersign, logins: readonly Chain[]): Chain[] {
  const database = new DatabaseSync(system.database)
  const bind = database.prepare('UPDATE family SET jkt = ? WHERE key = ?')
  database.exec('BEGIN')
  const bound = logins.map(({ refreshToken }) => {
    const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
    // cs_rt_ ‖ version u8 ‖ key id u16 ‖ family id 16; a family's row number is the first half of its id.
    const familyKey = Buffer.from(refreshToken.slice(6), 'base64url').readBigInt64BE(3)
    const { changes } = bind.run(Buffer.from(thumbprint(key), 'base64url'), familyKey)
    if (changes !== 1) throw new Error('a login has no family')
    return { refreshToken, key }
  })
  database.exec('COMMIT')
  database.close()
  return bound
}
