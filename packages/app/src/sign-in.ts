import type { Reason } from '@countersign/protocol'
import { createProofKey, type ProofKey } from './dpop.ts'
import { tokenFailure } from './failure.ts'
import { ageOf, anything, type Holding, hold, newId, recordOf } from './holding.ts'
import { type IssuerAnswer, isTokenAnswer } from './issuer-answer.ts'
import { askIssuer } from './issuer-request.ts'
import { revokeToken } from './revocation.ts'
import { persist } from './sign-out.ts'
import { isLive } from './stored-session.ts'

/** An expected "no": a value, never an exception. */
export interface SignInRefusal {
  readonly refused: true
  /** The issuer's word, or ours: `signed_out` (the user changed his mind meanwhile), `…_mismatch` (redirect). */
  readonly reason: Reason | 'signed_out' | 'state_mismatch' | 'issuer_mismatch'
  /** One sentence for a developer. */
  readonly description: string
  /** 0: nothing was said. */
  readonly retryAfterSeconds: number
}

/** The login stands, in every tab. */
export interface SignedIn {
  readonly refused: false
  /** Names this login in the account page and in the revocation feed. */
  readonly sessionId: string | undefined
}

export type SignInResult = SignedIn | SignInRefusal

/** For a direct login. */
export interface Credentials {
  readonly email: string
  readonly password: string
  /** Scopes, separated by spaces (RFC 6749 §3.3). Default: what the client has. */
  readonly scope?: string
}

/** `POST /v1/sessions`. The earlier login of this install, if any, is named, so that it ends with this one. */
export async function signIn(holding: Holding, ready: Promise<void>, credentials: Credentials): Promise<SignInResult> {
  await ready
  const { held, clientId } = holding
  const supersedes = isLive(held) ? held.refreshToken : held?.unrevoked
  return startLogin(holding, '/v1/sessions', { ...credentials, client_id: clientId, supersedes })
}

/**
 * Asks for the tokens of a new login, bound to a new key, and puts them in the place of whatever login there was.
 * A sign-out that the user has asked for in the meantime wins.
 */
export async function startLogin(
  holding: Holding,
  path: string,
  body: URLSearchParams | object,
): Promise<SignInResult> {
  const act = ++holding.acts
  const { platform, bind } = holding
  const key = bind ? await createProofKey(platform.subtle) : undefined
  const answer = await askIssuer(holding, { path, body, key })
  if (answer.status >= 300 || !isTokenAnswer(answer.body)) return refusalOf(answer)
  return beginLogin(holding, answer, key, act)
}

/** Puts the tokens of a new login in the place of whatever there is, unless a later act has come in between. */
export async function beginLogin(
  holding: Holding,
  answer: IssuerAnswer,
  key: ProofKey | undefined,
  act: number,
): Promise<SignInResult> {
  const base = { login: newId(holding), sessionId: undefined, refreshToken: undefined, key }
  const session = recordOf(holding, base, answer)
  if (act !== holding.acts) {
    if (session.refreshToken) await revokeToken(holding, session.refreshToken, key).catch(() => {})
    return { refused: true, reason: 'signed_out', description: 'Overtaken.', retryAfterSeconds: 0 }
  }
  const before = holding.held
  // A refresh that is under way belongs to the login before.
  holding.inflight = undefined
  holding.unsavedOver = anything
  hold(holding, session, ageOf(holding, answer))
  await persist(holding)
  // Somebody else's login, which this one did not supersede, must not stay behind without an owner.
  const old = isLive(before) ? before.refreshToken : before?.unrevoked
  if (old) void revokeToken(holding, old, before?.key).catch(() => {})
  return { refused: false, sessionId: session.sessionId }
}

/** The issuer's "no" as a value. What is not the issuer's own answer is a failure: thrown, and worth another try. */
export function refusalOf({ status, reason, body, retryAfter }: IssuerAnswer): SignInRefusal {
  if (!reason || status >= 500) throw tokenFailure('unavailable', `Status ${status}`)
  return { refused: true, reason, description: `${body.error_description}`, retryAfterSeconds: retryAfter / 1000 }
}
