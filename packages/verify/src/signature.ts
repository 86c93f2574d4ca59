import {
  constants,
  createHmac,
  createPublicKey,
  createSecretKey,
  type KeyObject,
  timingSafeEqual,
  verify,
} from 'node:crypto'
import { p256KeyOf } from './p256-key.ts'

export type Algorithm = 'ES256' | 'EdDSA' | 'RS256' | 'PS256' | 'HS256'
export type PublicKeyAlgorithm = Exclude<Algorithm, 'HS256'>

export const publicKeyAlgorithms: readonly PublicKeyAlgorithm[] = ['ES256', 'EdDSA', 'RS256', 'PS256']

/** Checks signatures with one key and the one algorithm that the key was made for; never another. */
export type SignatureCheck = (signedBytes: Buffer, signature: Buffer) => boolean

/** The bare KeyObject is the fastest way into `verify`; every option object costs a fifth more. */
export function checkWith(key: KeyObject, algorithm: PublicKeyAlgorithm): SignatureCheck {
  switch (algorithm) {
    case 'ES256':
      return (signedBytes, signature) =>
        signature.length === 64 && verify('sha256', signedBytes, key, derOfConcatenated(signature))
    case 'EdDSA':
      return (signedBytes, signature) => signature.length === 64 && verify(null, signedBytes, key, signature)
    case 'RS256':
      return (signedBytes, signature) => verify('sha256', signedBytes, key, signature)
    case 'PS256': {
      const options = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
      return (signedBytes, signature) => verify('sha256', signedBytes, options, signature)
    }
  }
}

/** HS256 with a secret of at least 32 bytes (RFC 7518 §3.2); compared in constant time. */
export function checkWithSecret(secret: KeyObject): SignatureCheck {
  return (signedBytes, signature) =>
    signature.length === 32 && timingSafeEqual(createHmac('sha256', secret).update(signedBytes).digest(), signature)
}

/**
 * ES256 as JOSE has it is r ‖ s (RFC 7518 §3.4); OpenSSL wants a DER sequence of two integers. Byte by byte: for 32 of
 * them a call of `copy` costs more than the copying.
 */
function derOfConcatenated(signature: Buffer): Buffer {
  const rLength = integerLength(signature, 0)
  const sLength = integerLength(signature, 32)
  const der = Buffer.allocUnsafe(6 + rLength + sLength)
  der[0] = 0x30
  der[1] = 4 + rLength + sLength
  writeInteger(der, 2, signature, 32, rLength)
  writeInteger(der, 4 + rLength, signature, 64, sLength)
  return der
}

/** Without leading zeros; but an integer whose first bit is set would be negative, so one goes before it. */
function integerLength(signature: Buffer, start: number): number {
  let first = start
  while (first < start + 31 && signature[first] === 0) first++
  return start + 32 - first + ((signature[first] as number) >> 7)
}

function writeInteger(der: Buffer, start: number, signature: Buffer, end: number, length: number): void {
  der[start] = 0x02
  der[start + 1] = length
  der[start + 2] = 0
  for (let left = Math.min(length, 32); left > 0; left--)
    der[start + 2 + length - left] = signature[end - left] as number
}

/** A public key of a JWK, with the algorithm that the *key* is for (RFC 8725 §3.1: the header never chooses). */
export interface PublicKey {
  readonly key: KeyObject
  readonly algorithm: PublicKeyAlgorithm
}

const shortestRsaBits = 2048
const longestRsaBits = 8192
/** A check costs by the length of the exponent: one as long as the modulus takes milliseconds, and anybody may send a key. */
const largestRsaExponent = 0xffff_ffffn

/**
 * Reads a public key out of a JWK (RFC 7517). Undefined for symmetric keys, other curves, keys for encryption, an
 * `alg` that does not fit the key type, RSA below 2048 bits, and whatever OpenSSL cannot read.
 * A key that names no `alg` gets the first of `allowed` that its type can do.
 */
export function publicKeyOfJwk(
  jwk: Readonly<Record<string, unknown>>,
  allowed: readonly Algorithm[],
): PublicKey | undefined {
  const possible = algorithmsOfType(jwk)
  const algorithm =
    jwk.alg === undefined
      ? possible.find(candidate => allowed.includes(candidate))
      : possible.find(candidate => candidate === jwk.alg && allowed.includes(candidate))
  if (algorithm === undefined || !isForSignatures(jwk)) return undefined
  // Only the public members are handed on: a private key published by mistake is still only checked with.
  const { kty, crv, x, y, n, e } = jwk
  try {
    const key =
      algorithm === 'ES256'
        ? p256KeyOf(x, y)
        : createPublicKey({ key: { kty, crv, x, n, e } as JsonWebKeyInput, format: 'jwk' })
    return key !== undefined && isStrongEnough(key) ? { key, algorithm } : undefined
  } catch {
    return undefined
  }
}

/** HS256 wants as many bytes as its digest has (RFC 7518 §3.2). */
export const shortestSecretBytes = 32

/** Reads a secret out of a JWK (RFC 7518 §6.4) that is for HS256; undefined for anything else, and for one that is too short. */
export function secretOfJwk(jwk: Readonly<Record<string, unknown>>): KeyObject | undefined {
  const { kty, alg, k } = jwk
  if (kty !== 'oct' || alg !== 'HS256' || typeof k !== 'string' || !isForSignatures(jwk)) return undefined
  const secret = Buffer.from(k, 'base64url')
  return secret.length < shortestSecretBytes ? undefined : createSecretKey(secret)
}

type JsonWebKeyInput = import('node:crypto').JsonWebKey

function algorithmsOfType(jwk: Readonly<Record<string, unknown>>): readonly PublicKeyAlgorithm[] {
  if (jwk.kty === 'EC' && jwk.crv === 'P-256') return ['ES256']
  if (jwk.kty === 'OKP' && jwk.crv === 'Ed25519') return ['EdDSA']
  if (jwk.kty === 'RSA') return ['RS256', 'PS256']
  return []
}

function isForSignatures(jwk: Readonly<Record<string, unknown>>): boolean {
  if (jwk.use !== undefined && jwk.use !== 'sig') return false
  return jwk.key_ops === undefined || (Array.isArray(jwk.key_ops) && jwk.key_ops.includes('verify'))
}

function isStrongEnough(key: KeyObject): boolean {
  if (key.asymmetricKeyType !== 'rsa') return true
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {}
  const isUsual = publicExponent >= 3n && publicExponent <= largestRsaExponent
  return modulusLength >= shortestRsaBits && modulusLength <= longestRsaBits && isUsual
}
