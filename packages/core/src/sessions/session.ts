import type { Epochs } from '@countersign/protocol'
import type { Instant } from '../ids.ts'
import type { ClaimsRequest } from '../tokens/claims-request.ts'

/** Why a session or family is over. Stored, audited, shown to the user. */
export type EndReason =
  | 'signed_out'
  | 'ended_by_user'
  | 'ended_by_operator'
  | 'superseded'
  | 'password_changed'
  | 'refresh_token_reused'
  | 'code_reused'
  | 'replay_flagged'
  | 'grant_withdrawn'
  | 'ended_by_provider'

/** Where a request came from, as far as it can be told. */
export interface Device {
  /** "Chrome on Windows": at most 40 characters, never a raw User-Agent. */
  readonly label: string
  readonly ip: string
}

/** One login of a user in one browser or app install. */
export interface Session {
  readonly id: string
  readonly userId: string
  /** The client that opened it by direct or trusted login; null: the hosted pages, where several clients share it. */
  readonly clientId: string | null
  readonly createdAt: Instant
  /** When the user last proved who they are (OpenID Connect `auth_time`). */
  readonly authenticatedAt: Instant
  /** RFC 8176. */
  readonly amr: readonly string[]
  readonly device: Device
  /** Half of the cookie's secret; null for sessions without a cookie. */
  readonly cookieSalt: Buffer | null
  readonly absoluteEndAt: Instant
  /** What it was authorised under; if one of these has been raised, it is over. */
  readonly epochs: Epochs
  readonly endedAt: Instant | null
  readonly endReason: EndReason | null
  readonly version: number
}

/** When and how a user has shown who they are. */
export interface Authentication {
  readonly at: Instant
  /** RFC 8176. */
  readonly amr: readonly string[]
}

/** The lineage of one refresh token. */
export interface Family {
  readonly id: string
  readonly sessionId: string
  readonly userId: string
  readonly clientId: string
  /** Half of the refresh token's secret. */
  readonly salt: Buffer
  readonly generation: number
  /**
   * The last rotation, spent credit, fast-forward or noted use; the login for generation 0. Grace, H and idleness count
   * from here.
   */
  readonly rotatedAt: Instant
  readonly createdAt: Instant
  readonly absoluteEndAt: Instant
  /** Thumbprint (RFC 7638) of the key that it is bound to; null: unbound. */
  readonly jkt: string | null
  readonly scope: string
  readonly audiences: readonly string[]
  /** Single claims that were asked for (OpenID Connect Core §5.5); null: none. */
  readonly claims: ClaimsRequest | null
  /** What its tokens tell of the sign-in; null: the session's, which a login of one client never changes. */
  readonly authentication: Authentication | null
  readonly epochs: Epochs
  /** The generation at which the predecessor was last repeated late: the credit is spent (row 9), or it is written down (row 7). Null: in none of the last eight. */
  readonly creditSpentAt: number | null
  /** When a flagged replay was audited last (row 7): at most once an hour. */
  readonly flaggedAt: Instant | null
  /** When a leak was audited last (row 2): at most once an hour. */
  readonly leakedAt: Instant | null
  readonly endedAt: Instant | null
  readonly endReason: EndReason | null
  readonly version: number
}

/** Nobody has refreshed it: the answer that began it was lost, or its client forgot it, or it is young. */
export function isUnused(family: Family): boolean {
  return family.generation === 0 && family.rotatedAt === family.createdAt
}

export function isBound(family: Family): boolean {
  return family.jkt !== null
}
