import {
  constants,
  createHmac,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  randomUUID,
  sign,
} from 'node:crypto'

/** A signing key in a test's hand. */
export interface Signer {
  readonly kid: string
  readonly alg: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  /** As it would stand in a key set. */
  readonly jwk: JsonWebKey & Record<string, unknown>
  /** Signs any header and payload, right or wrong. */
  sign(payload: unknown, header?: Record<string, unknown>): string
}

export function makeSigner(alg: 'ES256' | 'EdDSA' | 'RS256' | 'PS256' = 'ES256', kid: string = randomUUID()): Signer {
  return signerOf(alg, kid, makePair(alg))
}

function makePair(alg: string): { privateKey: KeyObject; publicKey: KeyObject } {
  if (alg === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' })
  if (alg === 'EdDSA') return generateKeyPairSync('ed25519')
  return generateKeyPairSync('rsa', { modulusLength: 2048 })
}

export function signerOf(alg: string, kid: string, pair: { privateKey: KeyObject; publicKey: KeyObject }): Signer {
  const { privateKey, publicKey } = pair
  return {
    kid,
    alg,
    privateKey,
    publicKey,
    jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' },
    sign: (payload, header = {}) =>
      signText(alg, privateKey, encode({ alg, typ: 'at+jwt', kid, ...header }), encode(payload)),
  }
}

/** Signs two parts that are already text, for what no JSON writer would write. */
export function signText(alg: string, key: KeyObject, header: string, payload: string): string {
  const input = Buffer.from(`${header}.${payload}`, 'latin1')
  return `${header}.${payload}.${signatureOf(alg, key, input).toString('base64url')}`
}

function signatureOf(alg: string, key: KeyObject, input: Buffer): Buffer {
  switch (alg) {
    case 'ES256':
      return sign('sha256', input, { key, dsaEncoding: 'ieee-p1363' })
    case 'EdDSA':
      return sign(null, input, key)
    case 'PS256':
      return sign('sha256', input, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 })
    default:
      return sign('sha256', input, key)
  }
}

export function signWithSecret(
  secret: string | Uint8Array,
  payload: unknown,
  header: Record<string, unknown> = {},
): string {
  const input = `${encode({ alg: 'HS256', typ: 'at+jwt', ...header })}.${encode(payload)}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

export function encode(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value), 'utf8').toString('base64url')
}
