import type { KeyObject } from 'node:crypto'
import { expect, test } from 'vitest'
import { sampleRandom } from '../sample-rows.ts'
import { deriveKey, seal, unseal } from './master-key.ts'

const random = sampleRandom('master key')
const master = random(32)

test('what was sealed opens with the same key and label, and only so', () => {
  const sealed = seal(master, 'signing key k1', 'a private key', random)
  expect(unseal(master, 'signing key k1', sealed)?.toString()).toBe('a private key')
  expect(unseal(master, 'signing key k2', sealed)).toBeUndefined()
  expect(unseal(random(32), 'signing key k1', sealed)).toBeUndefined()
  expect(sealed).not.toContain('private')
})

test('sealing twice gives two texts', () => {
  expect(seal(master, 'label', 'text', random)).not.toBe(seal(master, 'label', 'text', random))
})

test('bytes come back as they were, also none at all', () => {
  for (const bytes of [Buffer.alloc(0), Buffer.from([0, 255, 128]), random(5000)]) {
    expect(unseal(master, 'label', seal(master, 'label', bytes, random))).toEqual(bytes)
  }
})

test('a changed or cut text does not open, and does not throw', () => {
  const sealed = Buffer.from(seal(master, 'label', 'a private key', random), 'base64url')
  for (let index = 0; index < sealed.length; index++) {
    const changed = Buffer.from(sealed)
    changed.writeUInt8(changed.readUInt8(index) ^ 1, index)
    expect(unseal(master, 'label', changed.toString('base64url'))).toBeUndefined()
    expect(unseal(master, 'label', sealed.subarray(0, index).toString('base64url'))).toBeUndefined()
  }
  for (const text of ['', '!', 'AAAA', 'A'.repeat(38)]) expect(unseal(master, 'label', text)).toBeUndefined()
})

test('keys for different purposes, salts and masters are unrelated, and the same ones always equal', () => {
  const keys = [
    deriveKey(master, 'refresh key 1'),
    deriveKey(master, 'refresh key 2'),
    deriveKey(master, 'refresh key 1', Buffer.from('salt')),
    deriveKey(random(32), 'refresh key 1'),
  ]
  expect(new Set(keys.map(key => key.export().toString('hex'))).size).toBe(4)
  expect(deriveKey(master, 'refresh key 1').equals(keys[0] as KeyObject)).toBe(true)
  for (const key of keys) expect(key.symmetricKeySize).toBe(32)
})
