import type { Reason, TokenAnswer } from '@countersign/protocol'
import type { ProofKey } from './dpop.ts'

/** Why nobody is signed in: `none` (nobody was), `signed_out` (by the user, in any tab), or what the server said. */
export type SignedOutReason = 'none' | 'signed_out' | Reason

/** What the tabs of one install share while somebody is signed in. */
export interface LiveSession {
  /** Random, new with every write: what `compareAndSet` compares. Nothing is ever ordered by it. */
  readonly version: string
  /** Random, new with every sign-in, kept through refreshes: a request is never replayed under another login. */
  readonly login: string
  readonly sessionId?: string | undefined
  readonly accessToken: string
  readonly tokenType: TokenAnswer['token_type']
  readonly refreshToken?: string | undefined
  /** Milliseconds since 1970 by *this device's* clock when the request for the tokens was sent. */
  readonly sentAt: number
  readonly lifetimeSeconds: number
  /** Milliseconds to add to this device's clock to get the server's. Used in proofs only, never for deadlines. */
  readonly skew: number
  /** The key that the refresh token is bound to. Absent: unbound. */
  readonly key?: ProofKey | undefined
}

/** What a sign-out leaves: a tombstone, which a refresh in flight cannot overwrite. */
export interface EndedSession {
  readonly version: string
  readonly ended: SignedOutReason
  /** The login that the user has ended: another one is not meant. */
  readonly login?: string | undefined
  /** The refresh token that the server has not been told about yet (signed out while offline). */
  readonly unrevoked?: string | undefined
  /** Its key: without a proof nobody can end a bound login. Goes together with the token. */
  readonly key?: ProofKey | undefined
}

export type StoredSession = LiveSession | EndedSession

export function isLive(session: StoredSession | undefined): session is LiveSession {
  return session !== undefined && !('ended' in session)
}

/**
 * Where the one record of an install lives. Every method may reject: that means "unavailable", never "signed out".
 * A write that rejects may have happened.
 */
export interface TokenStorage {
  /** Names the record among all tabs that share it; also the name of the Web Lock. */
  readonly name: string
  /** True if other tabs see the same record, so that a lock saves work. */
  readonly shared: boolean
  /** True if a `CryptoKey` can be stored, so that the refresh token can be bound to it. */
  readonly holdsKeys: boolean
  get(): Promise<StoredSession | undefined>
  /** Writes `next` if the stored version is still `expected` (undefined: nothing is stored). False: it is not. */
  compareAndSet(expected: string | undefined, next: StoredSession): Promise<boolean>
  /** Removes the record if its version is still `expected`. False: it is not. */
  remove(expected: string): Promise<boolean>
  /** Calls `changed` after another tab has written. Says that something changed, never what. Returns the end of it. */
  subscribe(changed: () => void): () => void
}
