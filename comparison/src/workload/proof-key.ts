import { generateKeyPairSync, hash, randomUUID, sign } from 'node:crypto'

/** A key that makes DPoP proofs (RFC 9449 §4.2). */
export interface ProofKey {
  /** RFC 7638. */
  readonly thumbprint: string
  /** For one POST. `now`: milliseconds since 1970. */
  proof(request: { url: string; now: number; nonce: string | undefined }): string
}

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

export function createProofKey(): ProofKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { kty, crv, x, y } = publicKey.export({ format: 'jwk' })
  const header = part({ typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } })
  return {
    thumbprint: hash('sha256', JSON.stringify({ crv, kty, x, y }), 'base64url'),
    proof({ url, now, nonce }) {
      const text = `${header}.${part({ jti: randomUUID(), htm: 'POST', htu: url, iat: Math.floor(now / 1000), nonce })}`
      const signature = sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' })
      return `${text}.${signature.toString('base64url')}`
    },
  }
}
