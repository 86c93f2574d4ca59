import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { p256KeyOf } from './p256-key.ts'

const sample = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
const { x = '', y = '' } = sample

test('a key is the same as the one that its JWK names', () => {
  for (let n = 0; n < 20; n++) {
    const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
    expect(p256KeyOf(jwk.x, jwk.y)?.equals(createPublicKey({ key: jwk, format: 'jwk' }))).toBe(true)
  }
})

test('a point that is not on the curve is refused when it is read (CVE-2015-7940)', () => {
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
  expect(() => p256KeyOf(x, other.y)).toThrow()
  expect(() => p256KeyOf(y, x)).toThrow()
  const zero = Buffer.alloc(32).toString('base64url')
  expect(() => p256KeyOf(zero, zero)).toThrow()
  // Not smaller than the field's prime: a second name for a number that has one already.
  const large = Buffer.alloc(32, 0xff).toString('base64url')
  expect(() => p256KeyOf(large, y)).toThrow()
})

test('a coordinate is 32 bytes in base64url and nothing else (RFC 7518 §6.2.1.2)', () => {
  const bytes = Buffer.from(x, 'base64url')
  const wrong = [
    undefined,
    7,
    '',
    bytes.subarray(1).toString('base64url'),
    Buffer.concat([Buffer.alloc(1), bytes]).toString('base64url'),
    `${x}=`,
    ` ${x}`,
    `${x}\n`,
    bytes.toString('hex'),
  ]
  for (const text of wrong) {
    expect(p256KeyOf(text, y)).toBeUndefined()
    expect(p256KeyOf(x, text)).toBeUndefined()
  }
})
