import { createHash, generateKeyPair, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { type MacKey, type NewSigningKey, type RandomBytes, type SigningAlgorithm, seal } from '@countersign/core'
import { canonicalJson } from '@countersign/protocol'

interface KeyPair {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

/** RFC 7518 §3.3 asks for 2048 at least; more makes every ID token dearer. */
const rsaBits = 2048

/** A fresh key for one algorithm, for good (RFC 8725 §3.1). Its id is its thumbprint (RFC 7638). */
export async function makeSigningKey(
  alg: SigningAlgorithm,
  sealingKey: MacKey,
  random: RandomBytes,
): Promise<NewSigningKey> {
  const { publicKey, privateKey } = await pairs[alg]()
  // What Node writes of a public key are the members that the thumbprint is made of.
  const publicJwk = publicKey.export({ format: 'jwk' }) as Record<string, string>
  const kid = createHash('sha256').update(canonicalJson(publicJwk)).digest('base64url')
  const der = privateKey.export({ format: 'der', type: 'pkcs8' })
  return { kid, alg, publicJwk, sealedPrivate: seal(sealingKey, kid, der, random) }
}

const pairs: Readonly<Record<SigningAlgorithm, () => KeyPair | Promise<KeyPair>>> = {
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: () => generateKeyPairSync('ed25519'),
  RS256: makeRsaPair,
}

/** Looking for primes takes a tenth of a second and more: beside the main thread. */
function makeRsaPair(): Promise<KeyPair> {
  return new Promise((resolve, reject) => {
    generateKeyPair('rsa', { modulusLength: rsaBits }, (error, publicKey, privateKey) =>
      error ? reject(error) : resolve({ publicKey, privateKey }),
    )
  })
}
