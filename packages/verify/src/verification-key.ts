import { createHash } from 'node:crypto'
import {
  type Algorithm,
  checkWith,
  checkWithSecret,
  publicKeyOfJwk,
  type SignatureCheck,
  secretOfJwk,
} from './signature.ts'

/** A key that tokens are checked with. */
export interface VerificationKey {
  readonly kid: string | undefined
  readonly algorithm: Algorithm
  readonly check: SignatureCheck
  /** Seconds since 1970; infinite unless the key set says when the key ends. */
  readonly expiresSeconds: number
  /** Turns false when the issuer publishes the key no more; tokens in the cache hold on to this record. */
  live: boolean
}

export type KeysById = ReadonlyMap<string | undefined, VerificationKey>

const keysAtMost = 200

/**
 * Reads a key set (RFC 7517 §5); undefined if it is none. Keys that cannot be used here are passed over. Two different
 * keys under one id are both left out: which one is meant would be a guess.
 */
export function readKeySet(
  document: unknown,
  allowed: readonly Algorithm[],
  known: KeysById | undefined,
): KeysById | undefined {
  const list = (document as { keys?: unknown } | null)?.keys
  if (!Array.isArray(list) || list.length > keysAtMost) return undefined
  const keys = new Map<string | undefined, VerificationKey>()
  const fingerprints = new Map<string | undefined, string>()
  const ambiguous = new Set<string | undefined>()
  for (const jwk of list) {
    const read = readKey(jwk, allowed)
    if (read === undefined) continue
    const { key, fingerprint } = read
    const other = fingerprints.get(key.kid)
    if (other !== undefined && other !== fingerprint) ambiguous.add(key.kid)
    fingerprints.set(key.kid, fingerprint)
    // A key that stays keeps its record, and with it the tokens that were checked under it.
    const before = known?.get(key.kid)
    keys.set(key.kid, before !== undefined && fingerprintOf.get(before) === fingerprint ? before : key)
  }
  for (const kid of ambiguous) keys.delete(kid)
  return keys
}

const fingerprintOf = new WeakMap<VerificationKey, string>()

function readKey(
  value: unknown,
  allowed: readonly Algorithm[],
): { key: VerificationKey; fingerprint: string } | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const jwk = value as Readonly<Record<string, unknown>>
  if (jwk.kid !== undefined && typeof jwk.kid !== 'string') return undefined
  if (jwk.revoked !== undefined) return undefined
  if (jwk.exp !== undefined && typeof jwk.exp !== 'number') return undefined
  const usable = readMaterial(jwk, allowed)
  if (usable === undefined) return undefined
  const { kty, crv, x, y, n, e, exp } = jwk
  const k = typeof jwk.k === 'string' ? createHash('sha256').update(jwk.k).digest('base64') : undefined
  const fingerprint = JSON.stringify([usable.algorithm, kty, crv, x, y, n, e, k, exp])
  const key: VerificationKey = {
    ...usable,
    kid: jwk.kid,
    expiresSeconds: jwk.exp ?? Number.POSITIVE_INFINITY,
    live: true,
  }
  fingerprintOf.set(key, fingerprint)
  return { key, fingerprint }
}

/** Secrets are read where nothing else is allowed: from a key set that is for us alone, never from one that everybody can read. */
function readMaterial(
  jwk: Readonly<Record<string, unknown>>,
  allowed: readonly Algorithm[],
): Pick<VerificationKey, 'algorithm' | 'check'> | undefined {
  if (allowed.includes('HS256')) {
    const secret = secretOfJwk(jwk)
    return secret && { algorithm: 'HS256', check: checkWithSecret(secret) }
  }
  const read = publicKeyOfJwk(jwk, allowed)
  return read && { algorithm: read.algorithm, check: checkWith(read.key, read.algorithm) }
}
