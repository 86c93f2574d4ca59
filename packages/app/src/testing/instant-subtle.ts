import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

/**
 * WebCrypto's ES256 and SHA-256 for real, but finished within the turn: with threads in it, no run would be like
 * another. A key is a plain object that cannot be exported.
 */
export function instantSubtle(): SubtleCrypto {
  const secrets = new WeakMap<object, KeyObject>()
  const publics = new WeakMap<object, KeyObject>()
  const subtle = {
    async generateKey() {
      const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const keys = { privateKey: { extractable: false }, publicKey: { extractable: true } }
      secrets.set(keys.privateKey, pair.privateKey)
      publics.set(keys.publicKey, pair.publicKey)
      return keys
    },
    exportKey: async (_: string, key: object) => publics.get(key)?.export({ format: 'jwk' }),
    async sign(_: unknown, key: object, bytes: Uint8Array) {
      const secret = secrets.get(key)
      if (!secret) throw new TypeError('not a private key')
      return new Uint8Array(sign('sha256', bytes, { key: secret, dsaEncoding: 'ieee-p1363' })).buffer
    },
    digest: async (_: string, bytes: Uint8Array) => new Uint8Array(createHash('sha256').update(bytes).digest()).buffer,
  }
  return subtle as unknown as SubtleCrypto
}
