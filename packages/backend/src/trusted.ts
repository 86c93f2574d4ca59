import { isRefusal, type Refusal, refuse, type TokenAnswer } from '@countersign/protocol'
import { CallFailure } from './call-failure.ts'
import { askIssuer, type IssuerAnswer } from './issuer-call.ts'
import type { MachineTokens } from './machine-tokens.ts'
import { type Platform, systemPlatform } from './platform.ts'

/** Whom the session is for: a user known here, or one of yours, who is made here if new. */
export type TrustedUser =
  | { readonly id: string }
  | { readonly externalId: string; readonly email?: string; readonly name?: string }

/** What session to open. */
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
  /**
   * Opens a session. Not repeated after a network failure: it might have been opened. Refused: `user_unknown`, `user_disabled`, `external_id_taken` (the address is
   * somebody else's), `client_not_allowed` (another's application, or one that must prove a key), `scope_invalid`, `email_invalid`, `parameter_invalid`.
   */
  createSession(session: NewSession): Promise<SessionTokens | Refusal>
  /** The live sessions of a user. Refused: `user_unknown`. */
  listSessions(userId: string): Promise<readonly ListedSession[] | Refusal>
  /** Ends one session. Refused: `user_unknown`, `session_unknown`. */
  endSession(userId: string, sessionId: string): Promise<'ended' | Refusal>
  /** Ends all sessions of a user. Refused: `user_unknown`. */
  endSessions(userId: string): Promise<'ended' | Refusal>
  /**
   * A user's access token at the provider that they sign in with, good for a minute at least; to call the provider now, and never to be handed on or kept. Refused: `user_unknown`,
   * `connection_unknown`, `provider_token_missing`, and `unavailable` or `connection_unavailable` with `retryAfterSeconds`. Needs the scope `connections:tokens`.
   */
  getProviderToken(userId: string, connection: string): Promise<ProviderToken | Refusal>
  /** What a user may do, all of it: what is left out is none. Applications whose tokens tell of it get new ones. Refused: `user_unknown`, `parameter_invalid`. Needs the scope `users:manage`. */
  setRights(userId: string, rights: Partial<UserRights>): Promise<UserRights | Refusal>
  /**
   * Invites an address to make an account, in the place of an earlier invitation. Refused: `email_taken`, `email_invalid`, `signup_closed`, `mail_not_configured`,
   * `too_many_attempts`. Needs the scope `users:invite`, as do the two below.
   */
  invite(invitation: NewInvitation): Promise<Invitation | Refusal>
  /** The invitations that can be accepted, a thousand at most. */
  listInvitations(): Promise<readonly Invitation[] | Refusal>
  /** Takes one back. Refused: `invitation_unknown`. */
  withdrawInvitation(id: string): Promise<'withdrawn' | Refusal>
}

/** Whom to invite. */
export interface NewInvitation {
  readonly email: string
  /** `link`: you get the link and hand it on, and no mail is sent; the address is then not shown to be theirs. Default `mail`. */
  readonly delivery?: 'mail' | 'link'
  /** Default: what the server is configured with, seven days. */
  readonly lifetimeSeconds?: number
  /** Of the mail (BCP 47). */
  readonly language?: string
  /** The application to whose page (its `uri`) they go on; else it is their account page. One that has none, or that the operator has not set up: `parameter_invalid`. */
  readonly clientId?: string
}

/** An invitation as the API tells it. Times are RFC 3339. */
export interface Invitation {
  readonly id: string
  readonly email: string
  readonly delivery: 'mail' | 'link'
  readonly client_id?: string
  readonly created_at: string
  readonly expires_at: string
  /** In the answer to who has asked for it; nobody else is told. */
  readonly link?: string
}

/** A token of somebody else's server. */
export interface ProviderToken {
  readonly access_token: string
  /** RFC 3339; absent: the provider has not said. */
  readonly expires_at?: string
  readonly scope?: string
}

/** Words of yours, and JSON of yours. */
export interface UserRights {
  readonly roles: readonly string[]
  readonly groups: readonly string[]
  readonly permissions: readonly string[]
  readonly attributes: Readonly<Record<string, unknown>>
}

/** What each call needs. */
type TrustedScope = 'sessions:manage' | 'connections:tokens' | 'users:manage' | 'users:invite'
const requestLimitMilliseconds = 15_000

/** `tokens`: of a client that may have the scope `sessions:manage`, and those that single calls need besides. */
export function createTrusted(options: { tokens: MachineTokens; platform?: Partial<Platform> }): Trusted {
  const { tokens } = options
  const { deadline } = { ...systemPlatform, ...options.platform }

  async function call(
    method: string,
    path: string,
    { body, scope = 'sessions:manage' }: { body?: unknown; scope?: TrustedScope } = {},
  ): Promise<IssuerAnswer> {
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
      return await askIssuer(`${method} ${callOf[scope]} at ${tokens.issuer}`, () => tokens.fetch(url, init, { scope }))
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
      const answer = await call('POST', 'sessions', {
        body: { client_id: clientId, user: wireUser(user), scope, amr },
      })
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
    async getProviderToken(userId, connection) {
      if (!isSegment(userId)) return refuse('user_unknown')
      if (!isSegment(connection)) return refuse('connection_unknown')
      const path = `users/${encodeURIComponent(userId)}/connections/${encodeURIComponent(connection)}/token`
      const answer = await call('GET', path, { scope: 'connections:tokens' })
      return isRefusal(answer) ? answer : readProviderToken(answer.body)
    },
    async setRights(userId, rights) {
      if (!isSegment(userId)) return refuse('user_unknown')
      const path = `users/${encodeURIComponent(userId)}/rights`
      const answer = await call('PUT', path, { scope: 'users:manage', body: rights })
      return isRefusal(answer) ? answer : (answer.body as UserRights)
    },
    async invite({ email, delivery, lifetimeSeconds, language, clientId }) {
      const body = { email, delivery, expires_in: lifetimeSeconds, language, client_id: clientId }
      const answer = await call('POST', 'invitations', { scope: 'users:invite', body })
      return isRefusal(answer) ? answer : readInvitation(answer.body)
    },
    async listInvitations() {
      const answer = await call('GET', 'invitations', { scope: 'users:invite' })
      return isRefusal(answer) ? answer : readInvitations(answer.body)
    },
    async withdrawInvitation(id) {
      if (!isSegment(id)) return refuse('invitation_unknown')
      const answer = await call('DELETE', `invitations/${encodeURIComponent(id)}`, { scope: 'users:invite' })
      return isRefusal(answer) ? answer : 'withdrawn'
    },
  }
}

/** For messages. */
const callOf: Readonly<Record<TrustedScope, string>> = {
  'sessions:manage': 'trusted sessions',
  'connections:tokens': 'provider tokens',
  'users:manage': 'rights of users',
  'users:invite': 'invitations',
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

function readProviderToken(body: unknown): ProviderToken {
  const token = (body ?? {}) as Partial<ProviderToken>
  if (typeof token.access_token !== 'string') throw new CallFailure('GET provider tokens: the answer holds no token')
  return token as ProviderToken
}

function readInvitation(body: unknown): Invitation {
  const { id } = (body ?? {}) as Partial<Invitation>
  if (typeof id !== 'string') throw new CallFailure('POST invitations: the answer holds no invitation')
  return body as Invitation
}

function readInvitations(body: unknown): readonly Invitation[] {
  const { invitations } = (body ?? {}) as { invitations?: readonly Invitation[] }
  if (!Array.isArray(invitations)) throw new CallFailure('GET invitations: the answer holds no list')
  return invitations
}

function readSessions(body: unknown): readonly ListedSession[] {
  const { sessions } = (body ?? {}) as { sessions?: readonly ListedSession[] }
  if (!Array.isArray(sessions)) throw new CallFailure('GET trusted sessions: the answer holds no list')
  return sessions
}
