import { describe, expect, test } from 'vitest'
import { readSignedJwt } from './signed-jwt.ts'
import { encode, makeSigner, signWithSecret } from './testing/signer.ts'

const signer = makeSigner('ES256', 'k1')
const other = makeSigner('ES256', 'k2')
const claims = { iss: 'job' }

describe('a JWT of somebody else', () => {
  test('is signed by the key that has signed it, and by no other', () => {
    const jwt = readSignedJwt(signer.sign(claims))
    expect(jwt?.claims).toEqual(claims)
    expect(jwt?.isSignedBy([other.jwk, signer.jwk])).toBe(true)
    expect(jwt?.isSignedBy([{ ...other.jwk, kid: 'k1' }])).toBe(false)
    expect(jwt?.isSignedBy([])).toBe(false)
  })

  test('a kid narrows the choice; without one all keys are tried, and keys without one always', () => {
    const { kid: _, ...nameless } = signer.jwk
    expect(readSignedJwt(signer.sign(claims, { kid: 'k2' }))?.isSignedBy([signer.jwk])).toBe(false)
    expect(readSignedJwt(signer.sign(claims, { kid: undefined }))?.isSignedBy([other.jwk, signer.jwk])).toBe(true)
    expect(readSignedJwt(signer.sign(claims))?.isSignedBy([nameless])).toBe(true)
  })

  test('of many keys that could all be meant only a few are tried', () => {
    const jwt = readSignedJwt(signer.sign(claims))
    const decoys = Array.from({ length: 8 }, () => ({ ...other.jwk, kid: 'k1' }))
    expect(jwt?.isSignedBy([...decoys, signer.jwk])).toBe(false)
  })

  test('attack 3 (CVE-2026-22817): the header does not choose the algorithm of a key', () => {
    const rsa = makeSigner('RS256', 'k1')
    const pss = readSignedJwt(makeSigner('PS256', 'k1').sign(claims))
    expect(pss?.isSignedBy([rsa.jwk])).toBe(false)
    expect(readSignedJwt(rsa.sign(claims))?.isSignedBy([rsa.jwk], ['PS256'])).toBe(false)
    expect(readSignedJwt(rsa.sign(claims, { alg: 'PS256' }))?.isSignedBy([rsa.jwk])).toBe(false)
  })

  test('attack 1: a public key is no secret', () => {
    const pem = signer.publicKey.export({ format: 'pem', type: 'spki' }).toString()
    expect(readSignedJwt(signWithSecret(pem, claims))).toBeUndefined()
  })

  test.each<[string, unknown]>([
    ['none', `${encode({ alg: 'none' })}.${encode(claims)}.`],
    ['crit', signer.sign(claims, { crit: ['x'] })],
    ['b64', signer.sign(claims, { b64: false })],
    ['a kid that is none', signer.sign(claims, { kid: 1 })],
    ['a list', signer.sign([1])],
    ['a doubled member', signer.sign('{"iss":"a","iss":"b"}')],
    ['padding', `${signer.sign(claims)}=`],
    ['two parts', 'a.b'],
    ['9 KiB', signer.sign({ iss: 'x'.repeat(9_000) })],
    ['nothing', undefined],
    ['no text', 7],
  ])('is none: %s', (_what, text) => {
    expect(readSignedJwt(text)).toBeUndefined()
  })
})
