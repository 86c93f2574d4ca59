import type { Platform } from './platform.ts'

/** A key that signs proofs and cannot be copied out of the browser, with its public half. */
export interface ProofKey {
  readonly privateKey: CryptoKey
  readonly jwk: { readonly kty: string; readonly crv: string; readonly x: string; readonly y: string }
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }

/** Bytes or text as base64url without padding (RFC 7515 §2). */
export function base64url(value: Uint8Array | string): string {
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}

/** A new ES256 key. Its private half is not extractable: a script can use it while it runs, but not carry it away. */
export async function createProofKey(subtle: SubtleCrypto): Promise<ProofKey> {
  const { privateKey, publicKey } = await subtle.generateKey(algorithm, false, ['sign', 'verify'])
  const { kty, crv, x, y } = (await subtle.exportKey('jwk', publicKey)) as ProofKey['jwk']
  return { privateKey, jwk: { kty, crv, x, y } }
}

/** SHA-256 of a text, base64url: `ath` (RFC 9449 §4.2) and PKCE's challenge (RFC 7636 §4.2). */
export async function sha256(subtle: SubtleCrypto, text: string): Promise<string> {
  return base64url(new Uint8Array(await subtle.digest('SHA-256', new TextEncoder().encode(text))))
}

/** One DPoP proof (RFC 9449 §4.2) for one request. `skew` is in milliseconds. */
export async function createProof(
  { subtle, randomBytes, clock }: Platform,
  key: ProofKey,
  request: { method: string; url: string; skew: number; nonce?: string | undefined; accessToken?: string | undefined },
): Promise<string> {
  const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: key.jwk }
  const claims = {
    jti: base64url(randomBytes(16)),
    htm: request.method,
    htu: request.url.replace(/[?#].*/s, ''),
    iat: Math.floor((clock.now() + request.skew) / 1000),
    nonce: request.nonce,
    ath: request.accessToken && (await sha256(subtle, request.accessToken)),
  }
  const signed = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(claims))}`
  const signature = await subtle.sign(
    { name: 'ECDSA', hash: 'SHA-256' },
    key.privateKey,
    new TextEncoder().encode(signed),
  )
  return `${signed}.${base64url(new Uint8Array(signature))}`
}
