import { createHash, createPublicKey, type JsonWebKey, verify } from 'node:crypto'
import type { Reason } from '@countersign/protocol'

export interface CheckedProof {
  readonly thumbprint: string
  readonly claims: Record<string, unknown>
}

/** Checks a DPoP proof as RFC 9449 §4.3 says, strictly. `seen` holds the ids of proofs that were used. */
export function checkProof(
  proof: string,
  expected: {
    readonly method: string
    readonly url: string
    readonly now: number
    readonly nonce?: string | undefined
    readonly accessToken?: string
    readonly seen: Set<string>
  },
): CheckedProof | Reason {
  const [head = '', body = '', signature = '', ...rest] = proof.split('.')
  if (rest.length > 0) return 'proof_invalid'
  const header = decode(head)
  const claims = decode(body)
  const jwk = header.jwk as JsonWebKey & { d?: string }
  if (header.typ !== 'dpop+jwt' || header.alg !== 'ES256' || !jwk || jwk.d) return 'proof_invalid'
  const key = createPublicKey({ key: jwk, format: 'jwk' })
  const signed = Buffer.from(`${head}.${body}`)
  if (!verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'))) {
    return 'proof_invalid'
  }
  if (claims.htm !== expected.method || claims.htu !== expected.url) return 'proof_invalid'
  if (Math.abs(Number(claims.iat) * 1000 - expected.now) > 60_000) return 'proof_invalid'
  if (expected.accessToken && claims.ath !== sha256(expected.accessToken)) return 'proof_invalid'
  if (expected.nonce && claims.nonce !== expected.nonce) return 'proof_nonce_required'
  if (typeof claims.jti !== 'string' || expected.seen.has(claims.jti)) return 'proof_replayed'
  expected.seen.add(claims.jti)
  const thumbprint = sha256(JSON.stringify({ crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y }))
  return { thumbprint, claims }
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}

function decode(part: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(part, 'base64url').toString())
}
