import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { type Signer, signerOf, signJws } from './jws.ts'
import { openIdToken } from './open-id-token.ts'

const issuer = 'https://login.example'
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
const keys = (kid: string) => (kid === 'k1' ? { kid, alg: 'ES256' as const, key: publicKey } : undefined)
const signer = (typ: string): Signer => signerOf('k1', 'ES256', privateKey, typ)
const otherHeader = signerOf('k1', 'RS256', privateKey, 'JWT').header
const claims = { iss: issuer, sub: 'maria', aud: 'app', exp: 1, iat: 1, sid: 's' }

test('an ID token of our own says for whom it was made, however long ago it expired', () => {
  const token = signJws(signer('JWT'), claims)
  expect(openIdToken(token, keys, issuer)).toEqual({ sub: 'maria', audiences: ['app'], sid: 's' })
  const several = signJws(signer('JWT'), { ...claims, aud: ['app', 'api'], sid: undefined })
  expect(openIdToken(several, keys, issuer)).toEqual({ sub: 'maria', audiences: ['app', 'api'], sid: undefined })
})

test.each([
  ['an access token (attack 14)', () => signJws(signer('at+jwt'), claims)],
  ['a logout token (attack 14)', () => signJws(signer('logout+jwt'), claims)],
  ['a logout token that does not say so', () => signJws(signer('JWT'), { ...claims, events: {} })],
  ['one of another issuer', () => signJws(signer('JWT'), { ...claims, iss: 'https://else.example' })],
  ['one of several issuers (CVE-2025-30144)', () => signJws(signer('JWT'), { ...claims, iss: [issuer, 'x'] })],
  ['one without sub', () => signJws(signer('JWT'), { ...claims, sub: undefined })],
  ['one without aud', () => signJws(signer('JWT'), { ...claims, aud: undefined })],
  ['one whose aud is none', () => signJws(signer('JWT'), { ...claims, aud: ['app', 1] })],
  ['one under another key', () => signJws(signerOf('k1', 'ES256', stranger, 'JWT'), claims)],
  ['one under an unknown key (CVE-2025-31123)', () => signJws(signerOf('k2', 'ES256', privateKey, 'JWT'), claims)],
  ['one whose header names another algorithm', () => signJws({ ...signer('JWT'), header: otherHeader }, claims)],
  ['one that is cut', () => signJws(signer('JWT'), claims).slice(0, -1)],
  ['one with a stray character', () => `${signJws(signer('JWT'), claims)} `],
  ['two parts', () => 'a.b'],
  ['nothing', () => ''],
  ['much', () => 'x'.repeat(100_000)],
])('%s is none', (_name, make) => {
  expect(openIdToken(make(), keys, issuer)).toBeUndefined()
})
