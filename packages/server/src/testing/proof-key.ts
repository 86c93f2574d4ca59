import { createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { derToJose } from '@countersign/core'
import { canonicalJson } from '@countersign/protocol'

/** A client's DPoP key (RFC 9449), with all that is needed to make good and bad proofs. */
export interface ProofKey {
  /** RFC 7638 thumbprint. */
  readonly jkt: string
  /** A good proof, unless a claim or header member says otherwise (`undefined` leaves it out). */
  proof(method: string, url: string, more?: ProofMembers): string
}

export interface ProofMembers {
  /** The access token that `ath` is made from. */
  readonly token?: string
  readonly claims?: Readonly<Record<string, unknown>>
  readonly header?: Readonly<Record<string, unknown>>
}

export function proofKey(clock: () => number): ProofKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = publicKey.export({ format: 'jwk' })
  return {
    jkt: createHash('sha256').update(canonicalJson(jwk)).digest('base64url'),
    proof(method, url, { token, claims, header } = {}) {
      const ath = token === undefined ? undefined : createHash('sha256').update(token).digest('base64url')
      const payload = { jti: randomUUID(), htm: method, htu: url, iat: Math.floor(clock() / 1000), ath, ...claims }
      const input = [{ typ: 'dpop+jwt', alg: 'ES256', jwk, ...header }, payload]
        .map(part => Buffer.from(JSON.stringify(part)).toString('base64url'))
        .join('.')
      return `${input}.${derToJose(sign('sha256', Buffer.from(input), privateKey)).toString('base64url')}`
    },
  }
}
