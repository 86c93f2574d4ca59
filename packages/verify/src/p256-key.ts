import { createPublicKey, type KeyObject } from 'node:crypto'
import { decodeBase64url } from './compact-token.ts'

const coordinateBytes = 32

/** SubjectPublicKeyInfo of a P-256 key up to its point (RFC 5480 §2), with the mark of an uncompressed one: 27 bytes, so it ends where base64 does. */
const spkiBeforePoint = 'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE'

/**
 * A P-256 public key by its coordinates as a JWK has them: 32 bytes each, leading zeros and all (RFC 7518 §6.2.1.2).
 * Undefined for any other text. Throws what OpenSSL throws for a point that is not on the curve.
 *
 * As PEM, because that is read in a third of the time that a JWK or DER takes, and each new client's proof brings a key.
 */
export function p256KeyOf(x: unknown, y: unknown): KeyObject | undefined {
  const [first, second] = [coordinateOf(x), coordinateOf(y)]
  if (first === undefined || second === undefined) return undefined
  const point = Buffer.concat([first, second]).toString('base64')
  return createPublicKey(`-----BEGIN PUBLIC KEY-----\n${spkiBeforePoint}${point}\n-----END PUBLIC KEY-----\n`)
}

function coordinateOf(value: unknown): Buffer | undefined {
  const bytes = typeof value === 'string' ? decodeBase64url(value) : undefined
  return bytes?.length === coordinateBytes ? bytes : undefined
}
