import { createHmac, timingSafeEqual } from 'node:crypto'
import { type AccessTokenClaims, canonicalJson } from '@countersign/protocol'
import type { MacKey } from '../keys/master-key.ts'

const randomBytes = 12
const markBytes = 16

/**
 * The second mark of an access token: `jti` = base64url(12 random bytes ‖ 16 bytes of HMAC(countersign key, random ‖ the
 * other claims in canonical JSON)). Its key never leaves the server and is not the signing key, so a token forged with a
 * stolen signing key is told from ours although nothing was stored.
 *
 * @param canonicalClaims all claims but `jti`, in canonical JSON.
 */
export function countersign(key: MacKey, canonicalClaims: string, random: Buffer): string {
  return Buffer.concat([random, mark(key, random, canonicalClaims)]).toString('base64url')
}

/** True if `claims.jti` is the countersign of the other claims. */
export function countersignMatches(key: MacKey, claims: AccessTokenClaims): boolean {
  const { jti, ...others } = claims
  const bytes = Buffer.from(jti, 'base64url')
  if (bytes.length !== randomBytes + markBytes || bytes.toString('base64url') !== jti) return false
  const random = bytes.subarray(0, randomBytes)
  return timingSafeEqual(mark(key, random, canonicalJson(others)), bytes.subarray(randomBytes))
}

function mark(key: MacKey, random: Buffer, canonicalClaims: string): Buffer {
  return createHmac('sha256', key).update(random).update(canonicalClaims).digest().subarray(0, markBytes)
}

export const countersignRandomBytes: number = randomBytes
