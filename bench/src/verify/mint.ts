import { createPrivateKey, randomBytes, sign } from 'node:crypto'
import { type AccessTokenClaims, accessTokenType } from '@countersign/protocol'
import { joseSignature } from '../load/proofs.ts'
import type { IssuerFacts } from './issuer.ts'

/** So many access tokens, each of another session, as the bytes that come off a socket. */
export function mintTokens({ issuer, audience, signingKey, kid }: IssuerFacts, count: number): Buffer[] {
  const key = createPrivateKey({ key: signingKey, format: 'jwk' })
  const header = encode({ alg: 'ES256', typ: accessTokenType, kid })
  const iat = Math.floor(Date.now() / 1000)
  return Array.from({ length: count }, () => {
    const claims: AccessTokenClaims = {
      iss: issuer,
      sub: randomBytes(16).toString('base64url'),
      aud: [issuer, audience],
      exp: iat + 3600,
      iat,
      jti: randomBytes(28).toString('base64url'),
      client_id: 'demo',
      scope: 'account',
      auth_time: iat,
      sid: randomBytes(16).toString('base64url'),
      fam: randomBytes(16).toString('base64url'),
      epo: { all: 1, user: 1, client: 1, grant: 1 },
      ver: 1,
    }
    const signed = `${header}.${encode(claims)}`
    const signature = joseSignature(sign('sha256', Buffer.from(signed), key))
    return Buffer.from(`${signed}.${signature.toString('base64url')}`)
  })
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
