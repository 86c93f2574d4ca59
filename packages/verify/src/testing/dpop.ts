import { createHash, randomUUID } from 'node:crypto'
import { canonicalJson } from '@countersign/protocol'
import type { Signer } from './signer.ts'

/** The thumbprint of a signer's key (RFC 7638), as it stands in `cnf.jkt`. */
export function thumbprint({ jwk }: Signer): string {
  const { kty, crv, x, y, n, e } = jwk
  const required = kty === 'RSA' ? { e, kty, n } : { crv, kty, x, ...(y === undefined ? {} : { y }) }
  return createHash('sha256').update(canonicalJson(required)).digest('base64url')
}

/** A DPoP proof, right unless a claim or header member says otherwise. */
export function makeProof(
  signer: Signer,
  request: { method: string; url: string; token: string; nowSeconds: number },
  more: { claims?: Record<string, unknown>; header?: Record<string, unknown> } = {},
): string {
  const { kid: _kid, alg: _alg, use: _use, ...jwk } = signer.jwk
  const claims = {
    jti: randomUUID(),
    htm: request.method,
    htu: request.url,
    iat: request.nowSeconds,
    ath: createHash('sha256').update(request.token).digest('base64url'),
    ...more.claims,
  }
  return signer.sign(claims, { typ: 'dpop+jwt', kid: undefined, jwk, ...more.header })
}
