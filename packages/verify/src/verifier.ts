import type { Refusal } from '@countersign/protocol'
import type { VerifiedClaims } from './claims.ts'
import type { FeedStatus } from './feed-follower.ts'
import type { KeysStatus } from './issuer-keys.ts'
import type { Policy } from './policy.ts'
import type { Presented } from './proof.ts'

/** A token that was found good. Frozen, with its claims: it is shared by all requests that bear the token. */
export interface Verified {
  readonly refused: false
  readonly claims: VerifiedClaims
  /** True if the feed has been silent for 10 s and nobody was asked: the token could have been revoked since. */
  readonly stale: boolean
}

/** Never an exception: a refusal is a value. A promise only when something has to be fetched first. */
export type Verification = Verified | Refusal

export interface VerifierStatus {
  /** Undefined with a shared secret. */
  readonly keys: KeysStatus | undefined
  /** Undefined without `revocations`. */
  readonly revocations: FeedStatus | undefined
  readonly cache: { readonly tokens: number; readonly bytes: number }
}

/** Checks access tokens for one API. */
export interface Verifier {
  /** As it stands in `iss`. */
  readonly issuer: string
  /**
   * Judges a token for an endpoint. Order: shape, header, key, signature, claims, age by `iat`, revocation, binding,
   * scope. Refuses with `token_malformed`, `algorithm_not_allowed`, `token_type_unexpected`, `key_unknown`,
   * `keys_unavailable`, `signature_invalid`, `issuer_mismatch`, `audience_mismatch`, `claims_invalid`, `token_expired`,
   * `token_not_yet_valid`, `token_inactive`, `token_issued_in_future`, `token_too_old`, `authentication_insufficient`, `token_revoked`, `token_outdated`,
   * `revocations_stale`, `token_bound`, `binding_required`, `token_binding_mismatch`, `proof_required`, `proof_invalid`,
   * `proof_replayed`, `scope_insufficient`.
   *
   * Throws a TypeError for a policy that is itself wrong.
   */
  verify(token: unknown, policy?: Policy, presented?: Presented): Verification | Promise<Verification>
  /** True once keys and, if configured, revocations are there; false if closed before. */
  ready(): Promise<boolean>
  /** Stops following and fetching. Tokens are still judged by what is known, as stale. */
  close(): void
  status(): VerifierStatus
}
