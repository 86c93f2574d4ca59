import { createHmac, timingSafeEqual } from 'node:crypto'
import { refreshTokenPrefix } from '@countersign/protocol'
import type { MacKey } from '../keys/master-key.ts'

/*
 * version u8 ‖ key id u16 ‖ family id 16 ‖ generation u32 ‖ outer tag 8 ‖ MAC 32: 63 bytes, 84 characters.
 *
 * The outer tag is keyed by the refresh key alone: garbage is refused without a read of the store. The MAC also takes
 * the family's salt: a stolen database mints nothing, a stolen key mints nothing without the database.
 */
const version = 1
const familyOffset = 3
const generationOffset = 19
const tagOffset = 23
const macOffset = 31
const tokenBytes = 63
const tokenCharacters = 84

export interface RefreshKeyMaterial {
  readonly id: number
  readonly key: MacKey
}

/** A presented refresh token whose outer tag is right: somebody who had the refresh key made its first 23 bytes. */
export interface OpenedRefreshToken {
  readonly familyId: string
  readonly generation: number
  readonly bytes: Buffer
  readonly key: MacKey
}

/** Derives the token of a generation. The same arguments always give the same token; nothing is stored. */
export function deriveRefreshToken(
  material: RefreshKeyMaterial,
  family: { readonly id: string; readonly salt: Buffer; readonly generation: number },
): string {
  const bytes = Buffer.allocUnsafe(tokenBytes)
  bytes.writeUInt8(version, 0)
  bytes.writeUInt16BE(material.id, 1)
  bytes.write(family.id, familyOffset, 'base64url')
  bytes.writeUInt32BE(family.generation, generationOffset)
  outerTag(material.key, bytes).copy(bytes, tagOffset)
  innerMac(material.key, bytes, family.salt).copy(bytes, macOffset)
  return refreshTokenPrefix + bytes.toString('base64url')
}

/**
 * Reads a presented token as far as that goes without the store.
 * `malformed`: not ours (row 1). `unknown_key`: perhaps made under a key that this node has not read yet.
 */
export function openRefreshToken(
  token: string,
  keyById: (id: number) => MacKey | undefined,
): OpenedRefreshToken | 'malformed' | 'unknown_key' {
  if (token.length !== refreshTokenPrefix.length + tokenCharacters || !token.startsWith(refreshTokenPrefix)) {
    return 'malformed'
  }
  const text = token.slice(refreshTokenPrefix.length)
  const bytes = Buffer.from(text, 'base64url')
  // 63 bytes are 84 characters exactly: no padding and no stray bits, so one token has one spelling.
  if (bytes.length !== tokenBytes || bytes.toString('base64url') !== text || bytes[0] !== version) return 'malformed'
  const key = keyById(bytes.readUInt16BE(1))
  if (key === undefined) return 'unknown_key'
  if (!timingSafeEqual(outerTag(key, bytes), bytes.subarray(tagOffset, macOffset))) return 'malformed'
  return {
    familyId: bytes.toString('base64url', familyOffset, generationOffset),
    generation: bytes.readUInt32BE(generationOffset),
    bytes,
    key,
  }
}

/** True if the token's MAC is that of the family's salt: we made it. */
export function macMatches(token: OpenedRefreshToken, salt: Buffer): boolean {
  return timingSafeEqual(innerMac(token.key, token.bytes, salt), token.bytes.subarray(macOffset))
}

function outerTag(key: MacKey, bytes: Buffer): Buffer {
  return createHmac('sha256', key)
    .update('countersign tag 1')
    .update(bytes.subarray(0, tagOffset))
    .digest()
    .subarray(0, 8)
}

function innerMac(key: MacKey, bytes: Buffer, salt: Buffer): Buffer {
  return createHmac('sha256', key)
    .update('countersign refresh 1')
    .update(bytes.subarray(0, 1))
    .update(bytes.subarray(familyOffset, generationOffset))
    .update(salt)
    .update(bytes.subarray(generationOffset, tagOffset))
    .digest()
}
