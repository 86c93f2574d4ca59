import { isRefusal, type Refusal, refuse, type TokenAnswer } from '@countersign/protocol'
import { CallFailure } from './call-failure.ts'
import { askIssuer, type IssuerAnswer } from './issuer-call.ts'
import type { MachineTokens } from './machine-tokens.ts'
import { type Platform, systemPlatform } from './platform.ts'

/** Whom the session is for: a user known here, or one of yours, who is made here if new. */
export type TrustedUser =
  | { readonly id: string }
  | { readonly externalId: string; readonly email?: string; readonly name?: string }

export interface NewSession {
  /** The application that gets the tokens. */
  readonly clientId: string
  readonly user: TrustedUser
  /** Scopes, separated by spaces. Default: what the client has. */
  readonly scope?: string
  /** How you have authenticated the user (RFC 8176), for the tokens' `amr`. */
  readonly amr?: readonly string[]
}

/** The answer of the token endpoint, and the session's id. Hand it to the application as it is. */
export type SessionTokens = TokenAnswer & { readonly session_id: string }

/** A session as the API lists it (contract: first-party API). Times are RFC 3339. */
export interface ListedSession {
  readonly id: string
  readonly client_id: string
  readonly current: boolean
  readonly device: string | null
  readonly ip: string | null
  readonly created_at: string
  readonly last_seen_at: string
}

/**
 * Calls that a trusted back end makes for users whom it has authenticated itself. A refusal comes back as a value;
 * whatever else goes wrong is thrown as `CallFailure`.
 */
export interface Trusted {
  /** Opens a session. Not repeated after a network failure: it might have been opened. */
  createSession(session: NewSession): Promise<SessionTokens | Refusal>
  /** The live sessions of a user. Refused: `user_unknown`. */
  listSessions(userId: string): Promise<readonly ListedSession[] | Refusal>
  /** Ends one session. Refused: `user_unknown`, `session_unknown`. */
  endSession(userId: string, sessionId: string): Promise<'ended' | Refusal>
  /** Ends all sessions of a user. Refused: `user_unknown`. */
  endSessions(userId: string): Promise<'ended' | Refusal>
}

const trustedScope = 'sessions:manage'
const requestLimitMilliseconds = 15_000

/** `tokens`: of a client that may have the scope `sessions:manage`. */
export function createTrusted(options: { tokens: MachineTokens; platform?: Partial<Platform> }): Trusted {
  const { tokens } = options
  const { deadline } = { ...systemPlatform, ...options.platform }

  async function call(method: string, path: string, body?: unknown): Promise<IssuerAnswer> {
    const init: RequestInit = {
      method,
      headers: { Accept: 'application/json', ...(body !== undefined && { 'Content-Type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      redirect: 'error',
      signal: deadline(requestLimitMilliseconds),
    }
    try {
      const url = `${tokens.issuer}/v1/trusted/${path}`
      // Not the path: it names a user.
      return await askIssuer(`${method} trusted sessions at ${tokens.issuer}`, () =>
        tokens.fetch(url, init, { scope: trustedScope }),
      )
    } catch (failure) {
      if (failure instanceof CallFailure && failure.refusal !== undefined) return failure.refusal
      throw failure
    }
  }

  async function end(path: string): Promise<'ended' | Refusal> {
    const answer = await call('DELETE', path)
    return isRefusal(answer) ? answer : 'ended'
  }

  return {
    async createSession({ clientId, user, scope, amr }) {
      const answer = await call('POST', 'sessions', { client_id: clientId, user: wireUser(user), scope, amr })
      return isRefusal(answer) ? answer : readSessionTokens(answer.body)
    },
    async listSessions(userId) {
      if (!isSegment(userId)) return refuse('user_unknown')
      const answer = await call('GET', `users/${encodeURIComponent(userId)}/sessions`)
      return isRefusal(answer) ? answer : readSessions(answer.body)
    },
    async endSession(userId, sessionId) {
      if (!isSegment(userId)) return refuse('user_unknown')
      if (!isSegment(sessionId)) return refuse('session_unknown')
      return end(`users/${encodeURIComponent(userId)}/sessions/${encodeURIComponent(sessionId)}`)
    },
    async endSessions(userId) {
      if (!isSegment(userId)) return refuse('user_unknown')
      return end(`users/${encodeURIComponent(userId)}/sessions`)
    },
  }
}

/** An empty id, `.` or `..` would name another endpoint: without a session's id, the one that ends them all. */
function isSegment(id: string): boolean {
  return id !== '' && id !== '.' && id !== '..'
}

function wireUser(user: TrustedUser): object {
  if ('id' in user) return { id: user.id }
  return { external_id: user.externalId, email: user.email, name: user.name }
}

function readSessionTokens(body: unknown): SessionTokens {
  const { access_token: token, session_id: id } = (body ?? {}) as Partial<SessionTokens>
  if (typeof token !== 'string' || typeof id !== 'string') {
    throw new CallFailure('POST trusted sessions: the answer holds no session')
  }
  return body as SessionTokens
}

function readSessions(body: unknown): readonly ListedSession[] {
  const { sessions } = (body ?? {}) as { sessions?: readonly ListedSession[] }
  if (!Array.isArray(sessions)) throw new CallFailure('GET trusted sessions: the answer holds no list')
  return sessions
}
