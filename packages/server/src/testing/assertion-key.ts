import { constants, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto'
import { derToJose } from '@countersign/core'
import { issuer } from './given.ts'

export type AssertionAlgorithm = 'ES256' | 'EdDSA' | 'RS256' | 'PS256'

/** A client's key (RFC 7523 §2.2), with all that is needed to make good and bad assertions. */
export interface AssertionKey {
  /** The public key, as the client registers it. */
  readonly jwk: Readonly<Record<string, unknown>>
  /** A good assertion, unless a claim or header member says otherwise (`undefined` leaves it out). */
  assertion(clientId: string, more?: AssertionMembers): string
}

interface AssertionMembers {
  readonly claims?: Readonly<Record<string, unknown>>
  readonly header?: Readonly<Record<string, unknown>>
}

export function assertionKey(clock: () => number, alg: AssertionAlgorithm = 'ES256', kid = 'k1'): AssertionKey {
  const { privateKey, publicKey } = keyPair(alg)
  return {
    jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' },
    assertion(clientId, { claims, header } = {}) {
      const seconds = Math.floor(clock() / 1000)
      const standard = { iss: clientId, sub: clientId, aud: issuer, jti: randomUUID(), iat: seconds, exp: seconds + 60 }
      const input = [
        { alg, kid, ...header },
        { ...standard, ...claims },
      ]
        .map(part => Buffer.from(JSON.stringify(part)).toString('base64url'))
        .join('.')
      return `${input}.${signature(alg, privateKey, Buffer.from(input)).toString('base64url')}`
    },
  }
}

/** The parameters that an assertion comes in. */
export function assertionFields(assertion: string): { client_assertion_type: string; client_assertion: string } {
  return {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
  }
}

function keyPair(alg: AssertionAlgorithm): { privateKey: KeyObject; publicKey: KeyObject } {
  if (alg === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return alg === 'EdDSA' ? generateKeyPairSync('ed25519') : generateKeyPairSync('rsa', { modulusLength: 2048 })
}

function signature(alg: AssertionAlgorithm, key: KeyObject, input: Buffer): Buffer {
  if (alg === 'ES256') return derToJose(sign('sha256', input, key))
  if (alg === 'EdDSA') return sign(null, input, key)
  if (alg === 'RS256') return sign('sha256', input, key)
  return sign('sha256', input, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 })
}
