import { generateKeyPairSync, sign } from 'node:crypto'
import { type AccessTokenClaims, canonicalJson } from '@countersign/protocol'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sampleRandom, sampleSignIn, sampleTime } from '../sample-rows.ts'
import { machineClaims, mintAccessToken, openAccessToken, userClaims } from './access-token.ts'
import { countersign, countersignMatches } from './countersign.ts'
import { derToJose, type Signer, signerOf, signJws } from './jws.ts'
import type { PublishedKey } from './open-jws.ts'

const random = sampleRandom('access token')
const countersignKey = random(32)
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const signer = signerOf('key-1', 'ES256', privateKey, 'at+jwt')
const keys = (kid: string): PublishedKey | undefined =>
  kid === 'key-1' ? { kid, alg: 'ES256', key: publicKey } : undefined
const open = (token: string) => openAccessToken(token, keys, countersignKey)

const { client, session, family } = sampleSignIn()
const issuer = 'https://login.example'
const epochs = { all: 1, user: 2, client: 3 }
const common = {
  issuer,
  client,
  sub: session.userId,
  sid: session.id,
  apiLifetimes: new Map(),
  scope: 'account',
  own: { claims: {} },
  schemaVersion: 1,
  epochs,
  now: sampleTime + 999,
}
const claims = userClaims({ ...common, session, family, jkt: undefined })
const token = mintAccessToken({ issuer, signer, countersignKey, random }, claims)
const signed = (payload: object, by: Signer = signer): string => signJws(by, payload)

function claimsOf(text: string): AccessTokenClaims {
  return JSON.parse(Buffer.from(text.split('.')[1] ?? '', 'base64url').toString()) as AccessTokenClaims
}

/** The token with another header, signed again with the real key. */
function withHeader(header: object): string {
  return signed(claimsOf(token), { ...signer, header: Buffer.from(JSON.stringify(header)).toString('base64url') })
}

describe('an access token', () => {
  test('carries the claims of RFC 9068 §2.2 and ours, and the type of §2.1 (RFC 9068 §2.1)', () => {
    const seconds = Math.floor(sampleTime / 1000)
    expect(claimsOf(token)).toEqual({
      iss: issuer,
      sub: session.userId,
      aud: [issuer, 'https://api.example'],
      exp: seconds + 900,
      iat: seconds,
      jti: expect.stringMatching(/^[A-Za-z0-9_-]{38}$/),
      client_id: 'demo',
      scope: 'account',
      auth_time: seconds,
      acr: 'urn:countersign:acr:1fa',
      amr: ['pwd'],
      sid: session.id,
      fam: family.id,
      epo: { all: 1, user: 2, client: 3 },
      ver: 1,
    })
  })

  test('of a bound family names the key, where the client wants it so (RFC 9449 §6.1)', () => {
    expect(userClaims({ ...common, session, family, jkt: 'thumbprint' }).cnf).toEqual({ jkt: 'thumbprint' })
    expect(claims.cnf).toBeUndefined()
  })

  test('tells what an operator wants told of the user, and none of it takes the place of what it says of itself', () => {
    const wanted = { roles: ['editor'], sub: 'evil', epo: { all: 99 }, ver: 99, exp: 1 }
    const told = userClaims({ ...common, session, family, jkt: undefined, own: { claims: wanted, epoch: 4 } })
    expect(told).toEqual({ ...claims, roles: ['editor'], epo: { ...claims.epo, claims: 4 } })
  })

  test('of a machine has the client as its subject, and no session', () => {
    const machine = machineClaims({ ...common, jkt: undefined })
    expect(machine).toMatchObject({ sub: 'demo', client_id: 'demo', aud: [issuer, 'https://api.example'] })
    expect(Object.keys(machine)).not.toContain('sid')
    expect(open(mintAccessToken({ issuer, signer, countersignKey, random }, machine))?.claims.sub).toBe('demo')
  })

  test('lives no longer than an API that it reaches wants it, a user’s and a machine’s; the issuer is an API too', () => {
    for (const audience of ['https://api.example', issuer]) {
      const shorter = { ...common, apiLifetimes: new Map([[audience, 60]]), jkt: undefined }
      for (const { exp, iat } of [userClaims({ ...shorter, session, family }), machineClaims(shorter)]) {
        expect(exp - iat).toBe(60)
      }
    }
  })

  test('opens to its claims and key', () => {
    expect(open(token)).toEqual({ claims: claimsOf(token), kid: 'key-1' })
  })

  test('differs from the next one, with the same claims, by its jti', () => {
    const next = mintAccessToken({ issuer, signer, countersignKey, random }, claims)
    expect(claimsOf(next).jti).not.toBe(claimsOf(token).jti)
    expect(open(next)).toBeDefined()
  })
})

describe('forged with the real signing key, a token', () => {
  test.each<[string, Partial<AccessTokenClaims>]>([
    ['for another user', { sub: 'somebody-else' }],
    ['with more scope', { scope: 'account admin' }],
    ['that lives longer', { exp: claims.exp + 1 }],
    ['for another API', { aud: 'https://bank.example' }],
    ['with a later epoch', { epo: { all: 1, user: 3, client: 3 } }],
    ['without its session', { sid: undefined as never }],
    ['with a claim more', { acr: 'high' }],
    ['with a key of its own', { cnf: { jkt: 'thumbprint' } }],
  ])('%s does not open', (_what, change) => {
    expect(open(signed({ ...claimsOf(token), ...change }))).toBeUndefined()
  })

  test('with a jti of its own making does not open', () => {
    const random28 = random(28).toString('base64url')
    for (const jti of [
      random28,
      countersign(random(32), canonicalJson(claims), random(12)),
      '',
      'x',
      claimsOf(token).jti.slice(0, -1),
      7,
      null,
    ]) {
      expect(open(signed({ ...claims, jti }))).toBeUndefined()
    }
    expect(open(signed(claims))).toBeUndefined()
  })

  test('does open when the countersign key was stolen too: the claim is as strong as that, and no stronger', () => {
    const forged = { ...claims, sub: 'somebody-else' }
    expect(open(mintAccessToken({ issuer, signer, countersignKey, random }, forged))).toBeDefined()
  })
})

describe('a countersign', () => {
  const plain = claimsOf(token)

  test('does not depend on the order in which the claims are written', () => {
    const reversed = Object.fromEntries(Object.entries(plain).reverse()) as unknown as AccessTokenClaims
    expect(countersignMatches(countersignKey, reversed)).toBe(true)
  })

  test('fails when any claim is altered, left out or added', () => {
    for (const name of Object.keys(plain)) {
      const { [name as keyof AccessTokenClaims]: was, ...rest } = plain
      if (name !== 'jti') expect(countersignMatches(countersignKey, rest as AccessTokenClaims)).toBe(false)
      if (name === 'jti') continue
      expect(countersignMatches(countersignKey, { ...plain, [name]: [was] })).toBe(false)
      expect(countersignMatches(countersignKey, { ...plain, [name]: `${String(was)} ` })).toBe(false)
    }
    return fc.assert(
      fc.property(fc.string(), fc.jsonValue(), (name, value) => {
        if (JSON.stringify((plain as unknown as Record<string, unknown>)[name]) === JSON.stringify(value)) return
        if (name === 'jti' || name === '__proto__') return
        expect(countersignMatches(countersignKey, { ...plain, [name]: value })).toBe(false)
      }),
    )
  })

  test('fails when a bit of it is flipped, or spelled otherwise', () => {
    const bytes = Buffer.from(plain.jti, 'base64url')
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes)
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      expect(countersignMatches(countersignKey, { ...plain, jti: flipped.toString('base64url') })).toBe(false)
    }
    const last = plain.jti.slice(-1)
    for (const other of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_') {
      const jti = plain.jti.slice(0, -1) + other
      expect(countersignMatches(countersignKey, { ...plain, jti })).toBe(other === last)
    }
    expect(countersignMatches(countersignKey, { ...plain, jti: `${plain.jti}=` })).toBe(false)
  })

  test('fails under another key', () => {
    expect(countersignMatches(random(32), plain)).toBe(false)
  })
})

describe('what is no access token of ours', () => {
  test('a right countersign with a signature of another key', () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    expect(open(signed(claimsOf(token), signerOf('key-1', 'ES256', other.privateKey, 'at+jwt')))).toBeUndefined()
  })

  test('a key that is not published (CVE-2025-31123: retired keys are not)', () => {
    expect(openAccessToken(token, () => undefined, countersignKey)).toBeUndefined()
  })

  test.each([
    ['an ID token', { alg: 'ES256', typ: 'JWT', kid: 'key-1' }],
    ['its type in capitals', { alg: 'ES256', typ: 'AT+JWT', kid: 'key-1' }],
    ['no type', { alg: 'ES256', kid: 'key-1' }],
    ['CVE-2022-23540: alg none', { alg: 'none', typ: 'at+jwt', kid: 'key-1' }],
    ['alg in lower case', { alg: 'es256', typ: 'at+jwt', kid: 'key-1' }],
    ['CVE-2023-48223: alg HS256', { alg: 'HS256', typ: 'at+jwt', kid: 'key-1' }],
    ['another algorithm than the key has (CVE-2026-22817)', { alg: 'RS256', typ: 'at+jwt', kid: 'key-1' }],
    ['no kid', { alg: 'ES256', typ: 'at+jwt' }],
    ['a kid that is no text', { alg: 'ES256', typ: 'at+jwt', kid: ['key-1'] }],
    ['CVE-2026-32597: crit', { alg: 'ES256', typ: 'at+jwt', kid: 'key-1', crit: ['x'] }],
    ['a header that is a list', ['ES256']],
  ])('%s', (_what, header) => {
    expect(open(withHeader(header))).toBeUndefined()
  })

  test('an unsigned or cut token, or one with more parts, spaces, padding or stray bits', () => {
    const [header = '', payload = '', signature = ''] = token.split('.')
    const stray = signature.slice(0, -1) + { A: 'B', Q: 'R', g: 'h', w: 'x' }[signature.slice(-1) as 'A']
    const broken = [
      '',
      '.',
      '..',
      `${header}.${payload}`,
      `${header}.${payload}.`,
      `${token}.`,
      `${token}.${signature}`,
      ` ${token}`,
      `${token}\n`,
      `${token}=`,
      `${header}.${payload}=.${signature}`,
      `${header}.${payload}.${stray}`,
      `${header}\n.${payload}.${signature}`,
      '.'.repeat(1_000_000),
    ]
    for (const text of broken) expect(open(text)).toBeUndefined()
    for (let cut = 1; cut < 120; cut++) expect(open(token.slice(0, -cut))).toBeUndefined()
  })

  test('a header or payload in another spelling, even if the real key signed it so', () => {
    const [header = '', payload = ''] = token.split('.')
    for (const input of [
      `${header}=.${payload}`,
      `${header}.${payload}=`,
      `${header}.${payload}\n`,
      ` ${header}.${payload}`,
    ]) {
      const signature = derToJose(sign('sha256', Buffer.from(input), privateKey)).toString('base64url')
      expect(open(`${input}.${signature}`)).toBeUndefined()
    }
  })

  test('more than 8 KiB', () => {
    const long = { ...claims, scope: 'x'.repeat(7_000) }
    expect(open(mintAccessToken({ issuer, signer, countersignKey, random }, long))).toBeUndefined()
  })

  test('a payload that is no object', () => {
    for (const payload of [[], 'text', null, 7]) expect(open(signed(payload as object))).toBeUndefined()
  })
})
