import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  hkdfSync,
  type KeyObject,
  timingSafeEqual,
} from 'node:crypto'
import type { WebPlatform } from '../platform.ts'

/** The key that refresh tokens are bound to (RFC 9449): all processes with the same secret have it, and it is stored nowhere. */
export interface WebProofKey {
  readonly privateKey: KeyObject
  readonly jwk: Readonly<Record<string, unknown>>
  /** Its thumbprint (RFC 7638), for `dpop_jkt`. */
  readonly thumbprint: string
}

/** All that is made from the app's secrets: the first one makes, any of them reads. */
export interface Secrets {
  /** The name of the first one; says nothing about it. */
  readonly newestKeyId: string
  proofKey(keyId: string): WebProofKey | undefined
  /** Encrypts (AES-256-GCM). What was sealed for one purpose, or beside one salt, does not open for another. */
  seal(purpose: string, value: unknown, salt?: string): string
  /** `undefined`: not sealed here, by a secret that is not named any more, or changed on its way. */
  open(purpose: string, text: string, salt?: string): unknown
  /** The anti-forgery token that belongs to a login. */
  antiForgeryOf(loginId: string): string
  antiForgeryIsOf(loginId: string, presented: string): boolean
}

const characterLeast = 32

/** `secrets`: newest first, of at least 32 characters each. Throws `TypeError` for what is too short to be one. */
export function createSecrets(secrets: readonly string[], { randomBytes }: WebPlatform): Secrets {
  if (secrets.length === 0) throw new TypeError('secrets: at least one is needed')
  if (secrets.some(secret => secret.length < characterLeast)) {
    throw new TypeError(`secrets: each must have at least ${characterLeast} characters`)
  }
  const rings = secrets.map(ringOf)
  const [newest] = rings as [Ring]
  const byId = new Map(rings.map(ring => [ring.id, ring]))

  return {
    newestKeyId: newest.id,
    proofKey: keyId => byId.get(keyId)?.proofKey,
    seal(purpose, value, salt = '') {
      const iv = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', derive(newest.secret, 'seal 1', salt), iv).setAAD(
        Buffer.from(purpose),
      )
      const sealed = Buffer.concat([iv, cipher.update(JSON.stringify(value)), cipher.final(), cipher.getAuthTag()])
      return `${newest.id}.${sealed.toString('base64url')}`
    },
    open(purpose, text, salt = '') {
      const [id = '', sealed = ''] = text.split('.')
      const ring = byId.get(id)
      const bytes = Buffer.from(sealed, 'base64url')
      if (ring === undefined || bytes.length < 28) return undefined
      try {
        const key = derive(ring.secret, 'seal 1', salt)
        const opened = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12)).setAAD(Buffer.from(purpose))
        opened.setAuthTag(bytes.subarray(-16))
        return JSON.parse(Buffer.concat([opened.update(bytes.subarray(12, -16)), opened.final()]).toString())
      } catch {
        return undefined
      }
    },
    antiForgeryOf: loginId => newest.antiForgeryOf(loginId),
    antiForgeryIsOf: (loginId, presented) => rings.some(ring => equal(ring.antiForgeryOf(loginId), presented)),
  }
}

interface Ring {
  readonly id: string
  readonly secret: string
  readonly proofKey: WebProofKey
  antiForgeryOf(loginId: string): string
}

function ringOf(secret: string): Ring {
  const forgeryKey = derive(secret, 'anti-forgery 1')
  return {
    id: derive(secret, 'key id 1').toString('base64url').slice(0, 8),
    secret,
    proofKey: proofKeyOf(derive(secret, 'proof key 1')),
    antiForgeryOf: loginId => createHmac('sha256', forgeryKey).update(loginId).digest('base64url'),
  }
}

function derive(secret: string, purpose: string, salt = ''): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, salt, `countersign token handler ${purpose}`, 32))
}

/** What stands before the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410 §7). */
const pkcs8Beginning = Buffer.from('302e020100300506032b657004220420', 'hex')

function proofKeyOf(seed: Buffer): WebProofKey {
  const privateKey = createPrivateKey({
    key: Buffer.concat([pkcs8Beginning, seed]),
    format: 'der',
    type: 'pkcs8',
  })
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' })
  // Members in the order of RFC 7638 §3.2 (RFC 8037 §2), so that their hash is the thumbprint.
  const jwk = { crv: 'Ed25519', kty: 'OKP', x }
  return { privateKey, jwk, thumbprint: createHash('sha256').update(JSON.stringify(jwk)).digest('base64url') }
}

/** In time that depends on the length alone. */
function equal(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}
