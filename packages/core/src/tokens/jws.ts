import { createHmac, type KeyObject, sign, timingSafeEqual, verify } from 'node:crypto'
import type { SigningAlgorithm } from '../keys/key-ring.ts'

/*
 * Bare KeyObjects and DER signatures are the fastest way into OpenSSL (docs: measured); JOSE wants r ‖ s (RFC 7518 §3.4), so
 * the two are converted here.
 */

/** `HS256` under a secret that is shared with one API, and nowhere else. */
export type JwsAlgorithm = SigningAlgorithm | 'HS256'

/** What signs: a key with its algorithm and its encoded header, made once. */
export interface Signer {
  readonly kid: string
  readonly alg: JwsAlgorithm
  readonly key: KeyObject
  /** base64url of the protected header. */
  readonly header: string
}

export function signerOf(kid: string, alg: JwsAlgorithm, key: KeyObject, typ: string): Signer {
  return { kid, alg, key, header: Buffer.from(JSON.stringify({ alg, typ, kid })).toString('base64url') }
}

/** Compact serialization (RFC 7515 §7.1). */
export function signJws(signer: Signer, payload: object): string {
  return signPayload(signer, JSON.stringify(payload))
}

/** The same for a payload that is text already. */
export function signPayload(signer: Signer, payload: string): string {
  const input = `${signer.header}.${Buffer.from(payload).toString('base64url')}`
  if (signer.alg === 'HS256') return `${input}.${hmacOf(signer.key, input).toString('base64url')}`
  const signature = sign(signer.alg === 'EdDSA' ? null : 'sha256', Buffer.from(input, 'latin1'), signer.key)
  return `${input}.${(signer.alg === 'ES256' ? derToJose(signature) : signature).toString('base64url')}`
}

function hmacOf(key: KeyObject, input: string): Buffer {
  return createHmac('sha256', key).update(input, 'latin1').digest()
}

/** True if `signature` (JOSE form) over `input` is right under the public key, or the shared secret. */
export function verifyJws(alg: JwsAlgorithm, key: KeyObject, input: string, signature: Buffer): boolean {
  if (alg === 'HS256') return signature.length === 32 && timingSafeEqual(hmacOf(key, input), signature)
  if (alg !== 'ES256') return verify(alg === 'EdDSA' ? null : 'sha256', Buffer.from(input), key, signature)
  return signature.length === 64 && verify('sha256', Buffer.from(input), key, joseToDer(signature))
}

/** SEQUENCE { INTEGER r, INTEGER s } → r ‖ s, 32 bytes each. */
export function derToJose(der: Buffer): Buffer {
  const jose = Buffer.alloc(64)
  let offset = 2
  for (const end of [32, 64]) {
    const length = der[offset + 1] ?? 0
    const integer = der.subarray(offset + 2, offset + 2 + length)
    const magnitude = integer.length > 32 ? integer.subarray(integer.length - 32) : integer
    magnitude.copy(jose, end - magnitude.length)
    offset += 2 + length
  }
  return jose
}

/** r ‖ s → SEQUENCE { INTEGER r, INTEGER s }. */
export function joseToDer(jose: Buffer): Buffer {
  const integers = [derInteger(jose.subarray(0, 32)), derInteger(jose.subarray(32, 64))]
  const body = Buffer.concat(integers)
  return Buffer.concat([Buffer.from([0x30, body.length]), body])
}

function derInteger(bytes: Buffer): Buffer {
  let start = 0
  while (start < bytes.length - 1 && bytes[start] === 0) start++
  const magnitude = bytes.subarray(start)
  const sign = (magnitude[0] ?? 0) & 0x80 ? Buffer.from([0]) : Buffer.alloc(0)
  return Buffer.concat([Buffer.from([0x02, sign.length + magnitude.length]), sign, magnitude])
}
