import type { ShortLived } from '../grant-types/short-lived-row.ts'
import type { Instant } from '../ids.ts'

/**
 * A browser has been sent to a connection and is to come back. The hash is that of the `state` (RFC 6749 §10.12); nonce and PKCE verifier are derived
 * from it and stored nowhere.
 */
export interface ConnectionSignIn extends ShortLived {
  readonly connection: string
  /** Says in which browser it was begun; only that one has the cookie that it belongs to. */
  readonly browserMark: string
  /** A path of ours. */
  readonly returnTo: string
  /** The session that wants another way to sign in; null: somebody signs in. */
  readonly linksSession: string | null
  /** What the connection wants to be told again, sealed; null: nothing. */
  readonly sealedKeep: string | null
  readonly usedAt: Instant | null
  /** The invitation that is accepted so, as its link had it; absent: none is. */
  readonly invitation?: { readonly hash: string; readonly secretHash: string }
}

/** So long may people take there: they look for a password or a second factor. */
export const connectionSignInSeconds: number = 15 * 60
