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
  const { privateKey, publicKey } = await subtle.generateKey(algorithm, false, ['sign'])
  const { x, y } = (await subtle.exportKey('jwk', publicKey)) as ProofKey['jwk']
  return { privateKey, jwk: { kty: 'EC', crv: 'P-256', x, y } }
}

/** SHA-256 of a text, base64url: `ath` (RFC 9449 §4.2) and PKCE's challenge (RFC 7636 §4.2). */
export async function sha256(subtle: SubtleCrypto, text: string): Promise<string> {
  return base64url(new Uint8Array(await subtle.digest('SHA-256', new TextEncoder().encode(text))))
}

/** What a proof says about its request. */
export interface ProofTerms {
  /** Absent: no proof is sent. */
  readonly key: ProofKey | undefined
  readonly method: string
  /** Without query and fragment. */
  readonly url: string
  /** Milliseconds from this device's clock to the server's. */
  readonly skew: number
  /** The token of type `DPoP` that goes along. */
  readonly accessToken?: string | undefined
}

export type FetchWithProof = (
  input: Request | string | URL,
  init: RequestInit & { readonly headers: Headers },
  terms: ProofTerms,
) => Promise<Response>

/** Milliseconds. A nonce that has gone stale costs a request; leaving it out costs one only where it is required. */
const nonceLife = 240_000

/** `fetch` with a DPoP proof on it. Remembers the last nonce of each origin for a while (RFC 9449 §8.2). */
export function createFetchWithProof(platform: Platform): FetchWithProof {
  const nonces = new Map<string, { readonly nonce: string; readonly end: number }>()
  return async (input, init, terms) => {
    const { origin } = new URL(terms.url)
    const known = nonces.get(origin)
    const now = platform.clock.monotonic()
    const last = known && now < known.end ? known.nonce : undefined
    if (terms.key) init.headers.set('DPoP', await createProof(platform, terms.key, terms, last))
    const response = await platform.fetch(input, init)
    const nonce = response.headers.get('DPoP-Nonce')
    if (nonce) nonces.set(origin, { nonce, end: now + nonceLife })
    return response
  }
}

/** One DPoP proof (RFC 9449 §4.2). */
async function createProof(
  { subtle, randomBytes, clock }: Platform,
  key: ProofKey,
  { method, url, skew, accessToken }: ProofTerms,
  nonce: string | undefined,
): Promise<string> {
  const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: key.jwk }
  const claims = {
    jti: base64url(randomBytes(16)),
    htm: method,
    htu: url,
    iat: Math.floor((clock.now() + skew) / 1000),
    nonce,
    ath: accessToken && (await sha256(subtle, accessToken)),
  }
  const signed = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(claims))}`
  const signature = await subtle.sign(
    { name: 'ECDSA', hash: 'SHA-256' },
    key.privateKey,
    new TextEncoder().encode(signed),
  )
  return `${signed}.${base64url(new Uint8Array(signature))}`
}
