import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import type { RandomBytes } from '../ids.ts'

/** The one secret that is not in the store: 32 bytes. Everything else is derived from it or sealed under it. */
export type MasterKey = Buffer

/**
 * A key for HMAC or for sealing. As a KeyObject it is several times as fast as raw bytes: before Node takes those, it finds out by two exceptions that
 * they are no key of another kind, and each exception writes down the stack.
 */
export type MacKey = KeyObject | Buffer

/** Derives a key for one purpose (RFC 5869). Different labels give unrelated keys. */
export function deriveKey(master: MacKey, label: string, salt: Uint8Array = new Uint8Array()): KeyObject {
  return createSecretKey(new Uint8Array(hkdfSync('sha256', master, salt, `countersign ${label}`, 32)))
}

const nonceBytes = 12
const tagBytes = 16

/** Encrypts for storage: AES-256-GCM, nonce ‖ ciphertext ‖ tag, base64url. `label` binds the text to its place. */
export function seal(key: MacKey, label: string, text: string | Buffer, random: RandomBytes): string {
  const nonce = random(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(label))
  return Buffer.concat([nonce, cipher.update(text), cipher.final(), cipher.getAuthTag()]).toString('base64url')
}

/** Opens what `seal` made; `undefined` if the key or label is another, or the text was changed. */
export function unseal(key: MacKey, label: string, sealed: string): Buffer | undefined {
  const bytes = Buffer.from(sealed, 'base64url')
  if (bytes.length < nonceBytes + tagBytes) return undefined
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, nonceBytes))
    .setAAD(Buffer.from(label))
    .setAuthTag(bytes.subarray(bytes.length - tagBytes))
  try {
    return Buffer.concat([decipher.update(bytes.subarray(nonceBytes, bytes.length - tagBytes)), decipher.final()])
  } catch {
    return undefined
  }
}
