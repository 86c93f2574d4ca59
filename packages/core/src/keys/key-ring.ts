import type { Instant } from '../ids.ts'

/**
 * `next` (published, not used) → `active` → `retiring` (published and accepted, not used) → `retired` (gone).
 * A key that was retired in an emergency skips `retiring`.
 */
export type KeyState = 'next' | 'active' | 'retiring' | 'retired'

interface KeyLife {
  readonly state: KeyState
  readonly createdAt: Instant
  readonly activatedAt: Instant | null
  readonly retiringAt: Instant | null
  readonly retiredAt: Instant | null
}

export type SigningAlgorithm = 'ES256' | 'EdDSA' | 'RS256'

export const signingAlgorithms: readonly SigningAlgorithm[] = ['ES256', 'EdDSA', 'RS256']

/** Of every access token. ID tokens are signed with the one that their client wants. */
export const accessTokenAlgorithm = 'ES256'

/** Signs tokens. Key and algorithm belong together for good (RFC 8725 §3.1). */
export interface SigningKey extends KeyLife {
  readonly kid: string
  readonly alg: SigningAlgorithm
  /** Public JWK (RFC 7517) without `kid`, `alg`, `use`. */
  readonly publicJwk: Readonly<Record<string, string>>
  /** PKCS #8 DER, sealed under the master key; null once retired. */
  readonly sealedPrivate: string | null
}

/** Makes refresh tokens. Derived from the master key by its number; nothing secret is stored. */
export interface RefreshKey extends KeyLife {
  /** 1 to 65535, as in the token. */
  readonly id: number
}

/**
 * Shared with one API: signs its access tokens, and checks them there (HS256). Derived from the master key by audience and `kid`; nothing secret is
 * stored. While `active` it is the primary one, else a secondary one.
 */
export interface SharedSecret extends KeyLife {
  readonly kid: string
  /** Of the API. */
  readonly audience: string
}

/** All keys of the issuer, one row. */
export interface KeyRing {
  readonly signing: readonly SigningKey[]
  readonly refresh: readonly RefreshKey[]
  /** Absent where there have never been any. */
  readonly secrets?: readonly SharedSecret[]
  /**
   * Counts the changes, wherever the ring has been kept: of two that differ, the higher one is later. Absent in rings of before: then the
   * version counts.
   */
  readonly edition?: number
  /** Of the place where it was read. */
  readonly version: number
}

export function editionOf({ edition, version }: KeyRing): number {
  return edition ?? version
}

/** Which keys there are, and when they turn. Seconds. */
export interface KeyPolicy {
  /** What there are keys for from the start, besides access tokens'. An algorithm that the ring has once is kept, and turns like the others. */
  readonly algorithms: readonly SigningAlgorithm[]
  /** The APIs, by their audience, that there are shared secrets for. One that the ring has once is kept, too. */
  readonly secretAudiences?: readonly string[]
  /** How long a signing key or a shared secret is used. */
  readonly rotationSeconds: number
  /** `next` is published at least so long before use: the max-age of the JWKS answer, and how long another node may not know of it. */
  readonly publishAheadSeconds: number
  /** `retiring` lasts so long: the longest token that the key can have signed, and a margin. */
  readonly signingTailSeconds: number
  readonly refreshRotationSeconds: number
  /** The longest family. */
  readonly refreshTailSeconds: number
}

export const defaultKeyPolicy: KeyPolicy = {
  algorithms: [],
  rotationSeconds: 30 * 86_400,
  publishAheadSeconds: 360,
  signingTailSeconds: 86_400,
  refreshRotationSeconds: 365 * 86_400,
  refreshTailSeconds: 3_650 * 86_400,
}

export function activeSigningKey(
  ring: KeyRing,
  algorithm: SigningAlgorithm = accessTokenAlgorithm,
): SigningKey | undefined {
  return ring.signing.find(key => key.state === 'active' && key.alg === algorithm)
}

export function activeSharedSecret(ring: KeyRing, audience: string): SharedSecret | undefined {
  return ring.secrets?.find(secret => secret.state === 'active' && secret.audience === audience)
}

export function activeRefreshKey(ring: KeyRing): RefreshKey | undefined {
  return ring.refresh.find(key => key.state === 'active')
}

/** The keys that are in the JWKS: signatures under them are accepted. */
export function publishedSigningKeys(ring: KeyRing): readonly SigningKey[] {
  return ring.signing.filter(key => key.state !== 'retired')
}
