import { createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { call } from './http-call.ts'

/** A key that makes DPoP proofs (RFC 9449 §4.2). */
export interface ProofKey {
  readonly privateText: string
  proof(request: { method: string; url: string; nonce?: string | undefined; accessToken?: string }): string
}

export function createProofKey(): ProofKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = publicKey.export({ format: 'jwk' })
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return {
    privateText: String(privateKey.export({ format: 'jwk' }).d),
    proof({ method, url, nonce, accessToken }) {
      const ath = accessToken && createHash('sha256').update(accessToken).digest('base64url')
      const claims = { jti: randomUUID(), htm: method, htu: url, iat: Math.floor(Date.now() / 1000), nonce, ath }
      const text = `${part({ typ: 'dpop+jwt', alg: 'ES256', jwk })}.${part(claims)}`
      const signature = sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' })
      return `${text}.${signature.toString('base64url')}`
    },
  }
}

/**
 * The header for one request, with a nonce of the server as it runs now (RFC 9449 §8): right after a start it asks for one,
 * and a test that counts steps wants one request, not two. A client that the server does not know gets none.
 */
export async function proofFor(
  issuer: string,
  key: ProofKey | undefined,
  { clientId = 'app', ...request }: { method: string; url: string; accessToken?: string; clientId?: string },
  patience?: number,
): Promise<Readonly<Record<string, string>>> {
  if (key === undefined) return {}
  const refused = await call(`${issuer}/token`, {
    patience,
    headers: { dpop: 'none yet' },
    form: { grant_type: 'refresh_token', client_id: clientId, refresh_token: 'none' },
  })
  return { dpop: key.proof({ ...request, nonce: refused.headers['dpop-nonce']?.toString() }) }
}
