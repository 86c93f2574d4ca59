import { createHmac } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { makeId } from '../ids.ts'
import { sampleRandom } from '../sample-rows.ts'
import { deriveRefreshToken, macMatches, openRefreshToken } from './refresh-token.ts'

const random = sampleRandom('refresh token')
const key = random(32)
const otherKey = random(32)
const family = { id: makeId(1_800_000_000_000, random), salt: random(16), generation: 7 }
const token = deriveRefreshToken({ id: 3, key }, family)
const keyById = (id: number): Buffer | undefined => (id === 3 ? key : undefined)

/** The token with other bytes, and the outer tag made right again by somebody who has the refresh key. */
function retagged(change: (bytes: Buffer) => void): string {
  const bytes = Buffer.from(token.slice(6), 'base64url')
  change(bytes)
  createHmac('sha256', key).update('countersign tag 1').update(bytes.subarray(0, 23)).digest().copy(bytes, 23, 0, 8)
  return `cs_rt_${bytes.toString('base64url')}`
}

describe('a refresh token', () => {
  test('is cs_rt_ and 84 characters: version, key id, family id, generation, tag and MAC as in the contract', () => {
    expect(token).toMatch(/^cs_rt_[A-Za-z0-9_-]{84}$/)
    const bytes = Buffer.from(token.slice(6), 'base64url')
    expect(bytes).toHaveLength(63)
    expect(bytes.readUInt8(0)).toBe(1)
    expect(bytes.readUInt16BE(1)).toBe(3)
    expect(bytes.toString('base64url', 3, 19)).toBe(family.id)
    expect(bytes.readUInt32BE(19)).toBe(7)
    const mac = createHmac('sha256', key)
      .update(
        Buffer.concat([Buffer.from('countersign refresh 1'), bytes.subarray(0, 1), bytes.subarray(3, 19), family.salt]),
      )
      .update(bytes.subarray(19, 23))
      .digest()
    expect(bytes.subarray(31)).toEqual(mac)
  })

  test('is derived: the same family and generation always give the same token, another generation another', () => {
    expect(deriveRefreshToken({ id: 3, key }, family)).toBe(token)
    expect(deriveRefreshToken({ id: 3, key }, { ...family, generation: 8 })).not.toBe(token)
    expect(deriveRefreshToken({ id: 3, key }, { ...family, salt: random(16) })).not.toBe(token)
  })

  test('opens to the family and generation that it was made for, whatever they are', () =>
    fc.assert(
      fc.property(
        fc.nat(65_535),
        fc.nat(0xffff_ffff),
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        (id, generation, familyId, saltBytes) => {
          const salt = Buffer.from(saltBytes)
          const made = { id: Buffer.from(familyId).toString('base64url'), salt, generation }
          const opened = openRefreshToken(deriveRefreshToken({ id, key }, made), asked =>
            asked === id ? key : undefined,
          )
          if (typeof opened === 'string') throw new Error(opened)
          expect([opened.familyId, opened.generation]).toEqual([made.id, generation])
          expect(macMatches(opened, salt)).toBe(true)
          expect(macMatches(opened, random(16))).toBe(false)
        },
      ),
    ))
})

describe('what is not a refresh token', () => {
  test('CVE-2026-27840: cut by one to all of its characters', () => {
    for (let cut = 1; cut <= token.length; cut++) {
      expect(openRefreshToken(token.slice(0, -cut), keyById)).toBe('malformed')
      expect(openRefreshToken(token.slice(cut), keyById)).toBe('malformed')
    }
  })

  test.each([
    ['empty', ''],
    ['longer by one', `${token}A`],
    ['padded', `${token}=`],
    ['with a line break after it', `${token}\n`],
    ['with a space before it', ` ${token}`],
    ['with another prefix', token.replace('cs_rt_', 'cs_at_')],
    ['with its prefix in capitals', token.replace('cs_rt_', 'CS_RT_')],
    ['without its prefix, filled up', `${token.slice(6)}AAAAAA`],
    ['in the other base64 alphabet', `cs_rt_${Buffer.alloc(63, 0xff).toString('base64')}`],
    ['with a NUL in it', `${token.slice(0, 50)}\0${token.slice(51)}`],
    ['of another version', retagged(bytes => bytes.writeUInt8(2, 0))],
    ['ninety times the same character', 'A'.repeat(90)],
  ])('%s', (_what, text) => {
    expect(openRefreshToken(text, keyById)).toBe('malformed')
  })

  test('any other spelling: one token has one text, and every changed character makes it another', () => {
    const characters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/='
    for (let index = 6; index < token.length; index++) {
      for (const character of characters) {
        if (character === token[index]) continue
        const opened = openRefreshToken(token.slice(0, index) + character + token.slice(index + 1), keyById)
        if (typeof opened !== 'string') expect(macMatches(opened, family.salt)).toBe(false)
      }
    }
  })

  test('any flipped bit before the MAC is refused without the store; in the MAC, by the family', () => {
    const bytes = Buffer.from(token.slice(6), 'base64url')
    for (let bit = 0; bit < 63 * 8; bit++) {
      const flipped = Buffer.from(bytes)
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      const opened = openRefreshToken(`cs_rt_${flipped.toString('base64url')}`, () => key)
      if (bit < 31 * 8) expect(opened).toBe('malformed')
      else expect(typeof opened !== 'string' && macMatches(opened, family.salt)).toBe(false)
    }
  })

  test('garbage never throws', () =>
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.base64String({ minLength: 84, maxLength: 84 })), text => {
        expect(openRefreshToken(text, () => key)).toBe('malformed')
        expect(openRefreshToken(`cs_rt_${text}`, () => key)).toBe('malformed')
      }),
    ))
})

describe('keys', () => {
  test('a token of a key that is not known here is told apart: another node may have made it', () => {
    expect(openRefreshToken(token, () => undefined)).toBe('unknown_key')
    expect(openRefreshToken(deriveRefreshToken({ id: 4, key: otherKey }, family), keyById)).toBe('unknown_key')
  })

  test('a token of another key under the same number is refused before the store is asked', () => {
    expect(openRefreshToken(deriveRefreshToken({ id: 3, key: otherKey }, family), keyById)).toBe('malformed')
  })

  test('a stolen key alone mints nothing: without the salt of the family the MAC is wrong', () => {
    for (const change of [(bytes: Buffer) => bytes.writeUInt32BE(8, 19), (bytes: Buffer) => bytes.fill(1, 3, 19)]) {
      const opened = openRefreshToken(retagged(change), keyById)
      if (typeof opened === 'string') throw new Error(opened)
      expect(macMatches(opened, family.salt)).toBe(false)
    }
  })

  test('a stolen database alone mints nothing: without the key even the tag is wrong', () => {
    expect(openRefreshToken(deriveRefreshToken({ id: 3, key: Buffer.alloc(32) }, family), keyById)).toBe('malformed')
  })
})
