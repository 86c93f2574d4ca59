/**
 * What is done with an account besides signing in with a password: `@countersign/app/account`.
 *
 * @module
 */
import type { TokenAnswer } from '@countersign/protocol'
import type { Countersign } from './create-countersign.ts'
import { ageOf, type Holding, hold, inTurn, readStorage, recordOf, writeStorage } from './holding.ts'
import { type IssuerAnswer, isTokenAnswer } from './issuer-answer.ts'
import { askIssuer } from './issuer-request.ts'
import { schedule, waitForToken } from './refresh.ts'
import { revokeToken } from './revocation.ts'
import { beginLogin, refusalOf, type SignInRefusal, type SignInResult } from './sign-in.ts'
import { isLive, type LiveSession } from './stored-session.ts'

/** Who signs up. */
export interface NewPerson {
  readonly email: string
  readonly password: string
  readonly name?: string
}

/** `created`: sign in now. `pending`: the person has to follow the mail first. */
export type SignUpResult = { readonly refused: false; readonly status: 'created' | 'pending' } | SignInRefusal

/** `POST /v1/users`. Refused with `email_taken`, `signup_closed`, `invitation_required`, `passwords_off`, `password_unacceptable`, … */
export async function signUp({ holding }: Countersign, { email, password, name }: NewPerson): Promise<SignUpResult> {
  const answer = await askIssuer(holding, { path: '/v1/users', body: { email, password, name } })
  if (answer.status === 201) return { refused: false, status: 'created' }
  if (answer.status === 202) return { refused: false, status: 'pending' }
  return refusalOf(answer)
}

/** Both as the user typed them. */
export interface Passwords {
  readonly currentPassword: string
  readonly newPassword: string
}

/**
 * `POST /v1/password`. Every other login of the user ends; this one goes on with a fresh access token. A wrong current
 * password is refused (`login_failed`), and asked for once only. Throws a `TokenFailure` like `getToken`.
 */
export async function changePassword({ holding }: Countersign, passwords: Passwords): Promise<SignInResult> {
  const body = { current_password: passwords.currentPassword, new_password: passwords.newPassword }
  let stale: string | undefined
  for (;;) {
    const session = await waitForToken(holding, stale)
    const { accessToken, tokenType, key, sessionId } = session
    const request = {
      path: '/v1/password',
      body,
      headers: { Authorization: `${tokenType} ${accessToken}` },
      ...(tokenType === 'DPoP' && { key, accessToken }),
    }
    const answer = await renewBy(holding, session, () => askIssuer(holding, request))
    if (answer.status === 200) return { refused: false, sessionId }
    // The token was at fault, not the password: once more with another.
    if (!stale && answer.status === 401 && answer.body.error === 'invalid_token') stale = accessToken
    else return refusalOf(answer)
  }
}

/** Puts what `work` gets into the record of the same login; if that is over here, nobody is to have them. */
async function renewBy(
  holding: Holding,
  { login, key, refreshToken }: LiveSession,
  work: () => Promise<IssuerAnswer>,
): Promise<IssuerAnswer> {
  const { acts } = holding
  const answer = await inTurn(holding, async () => {
    const fresh = await work()
    for (let attempt = 0; attempt < 5 && fresh.status === 200 && isTokenAnswer(fresh.body); attempt++) {
      const base = await readStorage(holding).catch(() => holding.held)
      if (acts !== holding.acts || !isLive(base) || base.login !== login) {
        const { refresh_token: orphan = refreshToken } = fresh.body
        await revokeToken(holding, `${orphan}`, key).catch(() => {})
        break
      }
      const next = recordOf(holding, base, fresh)
      const written = await writeStorage(holding, base.version, next).catch(() => undefined)
      if (written === false || acts !== holding.acts) continue
      holding.unsavedOver = written ? undefined : base.version
      hold(holding, next, ageOf(holding, fresh))
      break
    }
    return fresh
  })
  schedule(holding)
  return answer
}

/**
 * Takes tokens that came another way (`POST /v1/trusted/sessions`, asked for by the application's own back end). Their
 * lifetime is counted from now, and they are unbound.
 */
export function adopt({ holding }: Countersign, tokens: TokenAnswer): Promise<SignInResult> {
  const { clock } = holding.platform
  const sent = { now: clock.now(), monotonic: clock.monotonic() }
  if (tokens.server_time > 0) holding.skew = tokens.server_time * 1000 - sent.now
  const answer = { status: 200, body: { ...tokens }, retryAfter: 0, sent }
  return beginLogin(holding, answer, undefined, ++holding.acts)
}
