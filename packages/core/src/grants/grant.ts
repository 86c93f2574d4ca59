import type { Instant } from '../ids.ts'

/**
 * What a user has allowed a client: the authorization record, one row per (user, client), for ever. Withdrawing it raises its epoch, which
 * kills every token that was made under it; allowing the client again goes on with the same row, so that no epoch comes twice.
 * First-party clients have none, unless they want at most one live authorization per user.
 */
export interface Grant {
  readonly userId: string
  readonly clientId: string
  /** What the user has allowed: the words of a scope (RFC 6749 §3.3). */
  readonly scopes: readonly string[]
  /** The APIs that they have allowed it for (RFC 8707). */
  readonly audiences: readonly string[]
  readonly createdAt: Instant
  /** When the user last said yes. */
  readonly allowedAt: Instant
  /** When it was withdrawn; null while it stands. */
  readonly withdrawnAt: Instant | null
  readonly epoch: number
  readonly version: number
}
