import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { derToJose, joseToDer, signerOf, signJws, verifyJws } from './jws.ts'

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })

/** SEQUENCE { INTEGER, INTEGER } as X.690 §8.3 wants it, from two numbers. */
function der(r: bigint, s: bigint): Buffer {
  const integer = (value: bigint): Buffer => {
    const hex = value.toString(16)
    const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')
    const positive = (bytes[0] ?? 0) > 127 ? Buffer.concat([Buffer.alloc(1), bytes]) : bytes
    return Buffer.concat([Buffer.from([2, positive.length]), positive])
  }
  const body = Buffer.concat([integer(r), integer(s)])
  return Buffer.concat([Buffer.from([0x30, body.length]), body])
}

function jose(r: bigint, s: bigint): Buffer {
  return Buffer.from(r.toString(16).padStart(64, '0') + s.toString(16).padStart(64, '0'), 'hex')
}

describe('an ES256 signature', () => {
  test('is the same in both forms, for any r and s, short ones too (RFC 7518 §3.4)', () => {
    const number = fc.oneof(
      fc.bigInt(1n, 2n ** 256n - 1n),
      fc.bigInt(1n, 2n ** 200n),
      fc.bigInt(1n, 300n),
      fc.nat(255).map(bit => 1n << BigInt(bit)),
      fc.nat(255).map(bit => (1n << BigInt(bit)) - 1n || 1n),
    )
    return fc.assert(
      fc.property(number, number, (r, s) => {
        expect(derToJose(der(r, s))).toEqual(jose(r, s))
        expect(joseToDer(jose(r, s))).toEqual(der(r, s))
      }),
      { numRuns: 2000 },
    )
  })

  test('made and checked here agrees with the other form of the same library', () => {
    for (let n = 0; n < 300; n++) {
      const input = `header.${n}`
      const ours = derToJose(sign('sha256', Buffer.from(input), ec.privateKey))
      expect(ours).toHaveLength(64)
      const p1363 = { key: ec.publicKey, dsaEncoding: 'ieee-p1363' as const }
      expect(verify('sha256', Buffer.from(input), p1363, ours)).toBe(true)
      const theirs = sign('sha256', Buffer.from(input), { key: ec.privateKey, dsaEncoding: 'ieee-p1363' })
      expect(verifyJws('ES256', ec.publicKey, input, theirs)).toBe(true)
      expect(verifyJws('ES256', ec.publicKey, `${input}x`, theirs)).toBe(false)
    }
  })

  test('CVE-2022-21449: zeros are no signature, and other lengths do not throw', () => {
    const order = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'
    for (const signature of [Buffer.alloc(64), Buffer.alloc(64, 0xff), Buffer.from(order + order, 'hex')]) {
      expect(verifyJws('ES256', ec.publicKey, 'input', signature)).toBe(false)
    }
    const right = derToJose(sign('sha256', Buffer.from('input'), ec.privateKey))
    for (const signature of [right.subarray(0, 63), Buffer.concat([right, Buffer.alloc(1)])]) {
      expect(verifyJws('ES256', ec.publicKey, 'input', signature)).toBe(false)
    }
    for (const length of [0, 1, 63, 65, 70, 72, 4096]) {
      expect(verifyJws('ES256', ec.publicKey, 'input', Buffer.alloc(length, 1))).toBe(false)
    }
  })

  test('in DER form is no JOSE signature', () => {
    const signature = sign('sha256', Buffer.from('input'), ec.privateKey)
    expect(verifyJws('ES256', ec.publicKey, 'input', signature)).toBe(false)
  })
})

test.each([
  ['ES256', ec],
  ['EdDSA', generateKeyPairSync('ed25519')],
  ['RS256', generateKeyPairSync('rsa', { modulusLength: 2048 })],
] as const)('%s: a compact token holds header, payload and a right signature', (alg, { privateKey }) => {
  const publicKey = createPublicKey(privateKey)
  const token = signJws(signerOf('key-1', alg, privateKey, 'at+jwt'), { sub: 'maria' })
  const [header = '', payload = '', signature = ''] = token.split('.')
  expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toEqual({ alg, typ: 'at+jwt', kid: 'key-1' })
  expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toEqual({ sub: 'maria' })
  const bytes = Buffer.from(signature, 'base64url')
  expect(verifyJws(alg, publicKey, `${header}.${payload}`, bytes)).toBe(true)
  expect(verifyJws(alg, publicKey, `${header}.${payload}A`, bytes)).toBe(false)
})
