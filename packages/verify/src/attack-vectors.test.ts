import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { isRefusal } from '@countersign/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { VerifierOptions } from './configuration.ts'
import { createVerifier } from './create-verifier.ts'
import { holdTime } from './testing/held-time.ts'
import { startIssuer, type TestIssuer } from './testing/issuer.ts'
import { encode, makeSigner, type Signer, signerOf, signText, signWithSecret } from './testing/signer.ts'
import type { Verifier } from './verifier.ts'

const time = holdTime()
const rsa = makeSigner('RS256', 'rsa-1')
let issuer: TestIssuer
let signer: Signer
let verifier: Verifier
const opened: Verifier[] = []

beforeAll(async () => {
  issuer = await startIssuer(time.nowSeconds)
  signer = issuer.signer
  issuer.jwks = { keys: [signer.jwk, rsa.jwk] }
  verifier = await open()
})

afterAll(async () => {
  for (const each of opened) each.close()
  await issuer.close()
})

async function open(more: Partial<VerifierOptions> = {}): Promise<Verifier> {
  const made = createVerifier({ issuer: issuer.url, audience: 'api', ...time.runtime, ...more })
  opened.push(made)
  await made.ready()
  return made
}

/** A verifier for a key set of its own. */
async function openWithKeys(keys: readonly unknown[], more: Partial<VerifierOptions> = {}): Promise<Verifier> {
  const path = `/keys-${opened.length}`
  issuer.broken.set(path, response => response.end(JSON.stringify({ keys })))
  return open({ jwksUri: issuer.url + path, ...more })
}

function claims(more: Record<string, unknown> = {}): Record<string, unknown> {
  const now = time.nowSeconds()
  return { iss: issuer.url, sub: 'user-1', aud: 'api', iat: now, exp: now + 900, jti: 'token-1', ...more }
}

async function reasonFor(token: unknown, by: Verifier = verifier): Promise<string> {
  const verification = await by.verify(token)
  return isRefusal(verification) ? verification.reason : 'accepted'
}

test('a good token of every algorithm passes, and the same token with one bit changed does not', async () => {
  for (const alg of ['ES256', 'EdDSA', 'RS256', 'PS256'] as const) {
    const each = makeSigner(alg)
    const by = await openWithKeys([each.jwk])
    for (let i = 0; i < 20; i++) {
      const token = each.sign(claims({ jti: `${i}` }))
      expect(await reasonFor(token, by)).toBe('accepted')
      const changed = Buffer.from(token.slice(token.lastIndexOf('.') + 1), 'base64url')
      changed[i] = (changed[i] as number) ^ 1
      const forged = `${token.slice(0, token.lastIndexOf('.'))}.${changed.toString('base64url')}`
      expect(await reasonFor(forged, by)).toBe('signature_invalid')
    }
  }
})

test('ES256 signatures of zeros, or of other lengths, are wrong and break nothing', async () => {
  const input = signer.sign(claims()).split('.').slice(0, 2).join('.')
  for (const length of [1, 63, 64, 65, 72, 200]) {
    for (const byte of [0, 0x7f, 0x80, 0xff]) {
      expect(await reasonFor(`${input}.${Buffer.alloc(length, byte).toString('base64url')}`)).toBe('signature_invalid')
    }
  }
})

describe('1. a public key as an HS256 secret', () => {
  test('CVE-2023-48223: HS256 over the public key, in any form, is not allowed', async () => {
    for (const { publicKey, kid, jwk } of [signer, rsa]) {
      const pem = publicKey.export({ format: 'pem', type: 'spki' }) as string
      for (const secret of [pem, ` ${pem}`, `\ufeff${pem}`, `x\n${pem}\nx`, JSON.stringify(jwk)]) {
        expect(await reasonFor(signWithSecret(secret, claims(), { kid }))).toBe('algorithm_not_allowed')
      }
    }
  })

  test('CVE-2026-34950, GHSA-ww5h-9m49-7xx4, GHSA-g3jj-5cmm-3hxx, CVE-2026-48526: what looks like a key is refused as a secret', () => {
    const pem = rsa.publicKey.export({ format: 'pem', type: 'spki' }) as string
    const der = rsa.publicKey.export({ format: 'der', type: 'spki' })
    const cases = [
      pem,
      ` ${pem}`,
      `\ufeff${pem}`,
      `junk\n${pem}`,
      JSON.stringify(rsa.jwk),
      JSON.stringify({ keys: [rsa.jwk] }),
      der,
      Buffer.from(pem),
    ]
    for (const secret of cases) {
      expect(() => createVerifier({ issuer: 'urn:x', audience: 'api', secret })).toThrow('looks like a key')
    }
    const jwk = rsa.jwk as unknown as string
    expect(() => createVerifier({ issuer: 'urn:x', audience: 'api', secret: jwk })).toThrow(TypeError)
  })

  test('HS256 cannot be allowed beside public keys, nor public keys beside a secret', () => {
    const options = { issuer: issuer.url, audience: 'api' }
    expect(() => createVerifier({ ...options, algorithms: ['HS256'] })).toThrow(TypeError)
    expect(() => createVerifier({ ...options, algorithms: ['ES256', 'HS256'] })).toThrow(TypeError)
    const secret = 's'.repeat(32)
    expect(() => createVerifier({ ...options, secret, algorithms: ['RS256'] })).toThrow(TypeError)
    expect(() => createVerifier({ ...options, secret, jwksUri: `${issuer.url}/jwks` })).toThrow(TypeError)
  })
})

describe('2. no key, no algorithm', () => {
  test('GHSA-8wpc-h4q6-8fxv: an empty, null or short secret is refused', () => {
    for (const secret of ['', null, 0, false, 'short', new Uint8Array(31)]) {
      const options = { issuer: 'urn:x', audience: 'api', secret } as unknown as VerifierOptions
      expect(() => createVerifier(options)).toThrow(TypeError)
    }
  })

  test('GHSA-gmvf-9v4p-v8jc, CVE-2022-23540: none in any spelling, with and without a signature', async () => {
    for (const alg of [
      'none',
      'None',
      'nOnE',
      'NONE',
      '',
      ' ES256',
      'es256',
      null,
      undefined,
      0,
      ['ES256'],
      { a: 1 },
    ]) {
      const unsigned = `${encode({ alg, typ: 'at+jwt', kid: signer.kid })}.${encode(claims())}.`
      expect(await reasonFor(unsigned)).toBe('token_malformed')
      expect(await reasonFor(`${unsigned}AA`)).toBe('algorithm_not_allowed')
      expect(await reasonFor(signer.sign(claims(), { alg }))).toBe('algorithm_not_allowed')
    }
    expect(() => createVerifier({ issuer: 'urn:x', audience: 'a', algorithms: ['none' as 'ES256'] })).toThrow(TypeError)
    expect(() => createVerifier({ issuer: 'urn:x', audience: 'a', algorithms: [] })).toThrow(TypeError)
  })
})

describe('3. CVE-2026-22817, CVE-2026-22818: the key fixes the algorithm, not the header', () => {
  test('an RSA key without alg checks RS256 only, though PS256 is allowed too', async () => {
    const { alg: _, ...jwk } = rsa.jwk
    const by = await openWithKeys([jwk])
    expect(await reasonFor(rsa.sign(claims()), by)).toBe('accepted')
    const asPss = signerOf('PS256', rsa.kid, rsa)
    expect(await reasonFor(asPss.sign(claims()), by)).toBe('algorithm_not_allowed')
  })

  test('a token that names another algorithm than its key is refused before the signature (RFC 8725 §3.1)', async () => {
    for (const alg of ['RS256', 'EdDSA', 'PS256']) {
      expect(await reasonFor(signer.sign(claims(), { alg }))).toBe('algorithm_not_allowed')
    }
  })

  test('a key whose alg does not fit its type, or that is made for encryption, is no key', async () => {
    const wrong = [
      { alg: 'HS256' },
      { alg: 'RS256' },
      { alg: 'none' },
      { use: 'enc' },
      { key_ops: ['sign'] },
      { crv: 'P-384' },
    ]
    for (const more of wrong) {
      const by = await openWithKeys([{ ...signer.jwk, ...more }])
      expect(await reasonFor(signer.sign(claims()), by)).toBe('key_unknown')
    }
  })

  test('symmetric keys in a key set are passed over', async () => {
    const k = Buffer.from('s'.repeat(32))
    const by = await openWithKeys([{ kty: 'oct', kid: 'shared', alg: 'HS256', k: k.toString('base64url') }, signer.jwk])
    expect(await reasonFor(signWithSecret(k, claims(), { kid: 'shared' }), by)).toBe('algorithm_not_allowed')
    expect(by.status().keys?.count).toBe(1)
  })
})

test('4. CVE-2026-32597, CVE-2025-59420, CVE-2026-35042: crit is refused, correctly signed or not', async () => {
  for (const crit of [['x'], ['exp'], [], 'x', null, ['b64']]) {
    expect(await reasonFor(signer.sign(claims(), { crit, x: 1 }))).toBe('token_malformed')
  }
  expect(await reasonFor(signer.sign(claims(), { b64: false }))).toBe('token_malformed')
})

test('5. CVE-2026-35039: two good tokens in turn never get the claims of each other', async () => {
  const tokens = Array.from({ length: 300 }, (_, i) => ({
    sub: `user-${i}`,
    token: signer.sign(claims({ sub: `user-${i}` })),
  }))
  const small = await open({ cacheBytes: 100_000 })
  for (let round = 0; round < 3; round++) {
    for (const { sub, token } of tokens) {
      for (const by of [verifier, small]) {
        const fresh = Buffer.from(token, 'latin1').toString('latin1')
        expect(await by.verify(fresh)).toMatchObject({ refused: false, claims: { sub } })
      }
    }
  }
  expect(small.status().cache.bytes).toBeLessThanOrEqual(100_000)
})

test('5. CVE-2026-35039: a forged token that ends like one in the cache is checked by itself', async () => {
  const good = signer.sign(claims())
  expect(await reasonFor(good)).toBe('accepted')
  const [header, , signature] = good.split('.')
  expect(await reasonFor(`${header}.${encode(claims({ sub: 'admin' }))}.${signature}`)).toBe('signature_invalid')
  expect(await reasonFor(good)).toBe('accepted')
})

test('6. CVE-2026-35041, CVE-2026-35040: a regular expression is refused as audience', () => {
  for (const audience of [/^api/, /(a+)+$/g, [/api/], [], '', undefined, null, [''], { includes: () => true }]) {
    const options = { issuer: issuer.url, audience } as unknown as VerifierOptions
    expect(() => createVerifier(options)).toThrow(TypeError)
  }
})

test('7. CVE-2025-30144, CVE-2024-53861: the issuer is compared as a whole (RFC 8725 §3.8)', async () => {
  const good = issuer.url
  for (const iss of [
    [good],
    [good, 'evil'],
    `${good}/`,
    `${good}.evil`,
    good.slice(0, -1),
    good.toUpperCase(),
    '',
    null,
    undefined,
    { toString: good },
  ]) {
    expect(await reasonFor(signer.sign(claims({ iss })))).toBe('issuer_mismatch')
  }
  expect(() => createVerifier({ issuer: [good] as unknown as string, audience: 'api' })).toThrow(TypeError)
})

describe('8. texts that could be read in two ways', () => {
  test('white space, padding, foreign letters and stray bits in any segment', async () => {
    const parts = signer.sign(claims()).split('.') as [string, string, string]
    for (let part = 0; part < 3; part++) {
      for (const change of ['\n', ' ', '=', '==', '+', '/', '\0', 'é', '\ud800', '.']) {
        for (const text of [parts[part] + change, change + parts[part]]) {
          const token = parts.with(part, text).join('.')
          expect(await reasonFor(token)).toMatch(/^(token_malformed|signature_invalid)$/)
          if (change !== '+' && change !== '/') expect(await reasonFor(token)).toBe('token_malformed')
        }
      }
    }
    // 64 bytes end in a letter of which only two bits count.
    const last = parts[2].at(-1) as string
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const stray = alphabet[alphabet.indexOf(last) ^ 1] as string
    expect(Buffer.from(parts[2].slice(0, -1) + stray, 'base64url')).toEqual(Buffer.from(parts[2], 'base64url'))
    expect(await reasonFor(`${parts[0]}.${parts[1]}.${parts[2].slice(0, -1)}${stray}`)).toBe('token_malformed')
  })

  test('CVE-2026-107723: a payload or header that is no object, though correctly signed', async () => {
    const header = encode({ alg: 'ES256', typ: 'at+jwt', kid: signer.kid })
    for (const text of ['[]', '"text"', 'null', '1', 'true', '{', '', ' ', '[{"iss":"x"}]', '\ufeff{}']) {
      expect(await reasonFor(signText('ES256', signer.privateKey, header, encode(text)))).toBe('token_malformed')
      expect(await reasonFor(signText('ES256', signer.privateKey, encode(text), encode(claims())))).toBe(
        'token_malformed',
      )
    }
  })

  test('duplicate members, in header, payload or deep inside, however they are spelled', async () => {
    const header = encode({ alg: 'ES256', typ: 'at+jwt', kid: signer.kid })
    const rest = JSON.stringify(claims()).slice(1)
    for (const first of ['"sub":"admin"', '"s\\u0075b":"admin"', '"x":{"a":1,"a":2}', '"x":[{"a":1,"\\u0061":1}]']) {
      expect(await reasonFor(signText('ES256', signer.privateKey, header, encode(`{${first},${rest}`)))).toBe(
        'token_malformed',
      )
    }
    const twice = encode(`{"alg":"none","alg":"ES256","typ":"at+jwt","kid":"${signer.kid}"}`)
    expect(await reasonFor(signText('ES256', signer.privateKey, twice, encode(claims())))).toBe('token_malformed')
  })

  test('46. __proto__, lone surrogates, overlong UTF-8 and endless depth', async () => {
    const header = encode({ alg: 'ES256', typ: 'at+jwt', kid: signer.kid })
    const rest = JSON.stringify(claims()).slice(1)
    const texts = [
      `{"__proto__":{"admin":true},${rest}`,
      `{"x":"\\ud800",${rest}`,
      `{"\\udfff":1,${rest}`,
      `{"x":${'['.repeat(40)}${']'.repeat(40)},${rest}`,
    ]
    for (const text of texts) {
      expect(await reasonFor(signText('ES256', signer.privateKey, header, encode(text)))).toBe('token_malformed')
    }
    const overlong = Buffer.concat([Buffer.from(`{"x":"`), Buffer.from([0xc0, 0xaf]), Buffer.from(`",${rest}`)])
    const token = signText('ES256', signer.privateKey, header, overlong.toString('base64url'))
    expect(await reasonFor(token)).toBe('token_malformed')
  })

  test('46. colons, quotes and names in the values of a good token are no duplicates', async () => {
    const odd = {
      a: ':":\\"',
      b: ['"sub":', { sub: '::' }],
      '\\"': '\\',
      'e\u0301': '\u202e\u0000',
      constructor: 1,
      toString: 2,
    }
    expect(await reasonFor(signer.sign(claims({ odd })))).toBe('accepted')
  })

  test('46. things that are no text at all', async () => {
    for (const thing of [
      undefined,
      null,
      0,
      true,
      {},
      [],
      ['a.b.c'],
      Buffer.from('a.b.c'),
      () => 'a.b.c',
      Symbol('x'),
    ]) {
      expect(await reasonFor(thing)).toBe('token_malformed')
    }
  })
})

describe('9. claims', () => {
  test('CVE-2024-51744: a forged token is called forged, whatever else is wrong with it', async () => {
    const stranger = makeSigner('ES256')
    for (const wrong of [
      {},
      { exp: 1 },
      { nbf: 9e9 },
      { iss: 'https://evil.example' },
      { aud: 'else' },
      { exp: undefined },
    ]) {
      const token = stranger.sign(claims(wrong), { kid: signer.kid })
      expect([wrong, await reasonFor(token)]).toEqual([wrong, 'signature_invalid'])
    }
  })

  test('CVE-2026-55669, GHSA-wxg7-w2v3-w38g, CVE-2024-47077: no, foreign or odd aud', async () => {
    for (const aud of [
      undefined,
      null,
      '',
      'API',
      'api2',
      'ap',
      [],
      ['other'],
      [['api']],
      { 0: 'api' },
      ['api', 1],
      true,
    ]) {
      expect(await reasonFor(signer.sign(claims({ aud })))).toBe('audience_mismatch')
    }
    expect(await reasonFor(signer.sign(claims({ aud: ['other', 'api'] })))).toBe('accepted')
  })

  test('no exp, no iat, or of another type', async () => {
    const past = time.nowSeconds() - 60
    for (const value of [undefined, null, '9999999999', 'soon', true, [9_999_999_999], {}]) {
      expect(await reasonFor(signer.sign(claims({ exp: value })))).toBe('claims_invalid')
      expect(await reasonFor(signer.sign(claims({ iat: value })))).toBe('claims_invalid')
      if (value !== undefined) expect(await reasonFor(signer.sign(claims({ nbf: value })))).toBe('claims_invalid')
    }
    expect(await reasonFor(signer.sign(claims({ exp: time.nowSeconds() })))).toBe('token_expired')
    expect(await reasonFor(signer.sign(claims({ exp: past })))).toBe('token_expired')
    expect(await reasonFor(signer.sign(claims({ iat: time.nowSeconds() + 11 })))).toBe('token_issued_in_future')
    expect(await reasonFor(signer.sign(claims({ iat: time.nowSeconds() + 10 })))).toBe('accepted')
    expect(await reasonFor(signer.sign(claims({ nbf: time.nowSeconds() + 11 })))).toBe('token_not_yet_valid')
  })

  test('a name that a revocation would look for must be text', async () => {
    for (const name of ['jti', 'sid', 'fam', 'client_id', 'scope']) {
      expect(await reasonFor(signer.sign(claims({ [name]: 1 })))).toBe('claims_invalid')
    }
    const vias = [
      {},
      'x',
      [1],
      [{ client_id: 'a' }],
      [{ client_id: 'a', jti: 1 }],
      [{ client_id: 'a', jti: 'b', client: '1' }],
    ]
    const wrong = [1, [], { all: '1' }, {}, { all: 1, user: null }, { all: 1, client: '9' }]
    for (const epo of [...wrong, ...vias.map(via => ({ all: 1, via }))]) {
      expect(await reasonFor(signer.sign(claims({ epo })))).toBe('claims_invalid')
    }
    for (const sub of [undefined, '', 1, null])
      expect(await reasonFor(signer.sign(claims({ sub })))).toBe('claims_invalid')
  })

  test('a token in the cache expires all the same, and is judged by each endpoint anew', async () => {
    const token = signer.sign(claims({ exp: time.nowSeconds() + 60, scope: 'read' }))
    expect(await reasonFor(token)).toBe('accepted')
    expect(await verifier.verify(token, { scope: 'write' })).toMatchObject({ reason: 'scope_insufficient' })
    time.advance(30_000)
    expect(await verifier.verify(token, { maxAgeSeconds: 29 })).toMatchObject({ reason: 'token_too_old' })
    expect(await verifier.verify(token, { maxAgeSeconds: 30 })).toMatchObject({ refused: false })
    time.advance(30_000)
    expect(await reasonFor(token)).toBe('token_expired')
  })

  test('claims are frozen: what one request does to them, another never sees', async () => {
    const verified = await verifier.verify(signer.sign(claims({ roles: ['user'] })))
    if (verified.refused) throw new Error(verified.reason)
    expect(() => (verified.claims.roles as string[]).push('admin')).toThrow(TypeError)
    expect(() => Object.assign(verified.claims, { sub: 'admin' })).toThrow(TypeError)
    expect(() => Object.assign(verified, { stale: true })).toThrow(TypeError)
  })
})

test('10. CVE-2026-27840: a token cut by one or more letters, at either end', async () => {
  const token = signer.sign(claims())
  expect(await reasonFor(token)).toBe('accepted')
  for (let cut = 1; cut < token.length; cut++) {
    expect(await reasonFor(token.slice(0, -cut))).not.toBe('accepted')
    expect(await reasonFor(token.slice(cut))).not.toBe('accepted')
  }
})

describe('11. GHSA-869p-cjfg-cm3x: nothing in the token chooses where keys come from', () => {
  test('embedded jwk, jku, x5u and x5c are not looked at', async () => {
    const evil = makeSigner('ES256', signer.kid)
    const { length } = issuer.asked
    const baits = [{ jwk: evil.jwk }, { jku: `${issuer.url}/evil` }, { x5u: `${issuer.url}/evil` }, { x5c: ['AAAA'] }]
    for (const bait of baits) expect(await reasonFor(evil.sign(claims(), bait))).toBe('signature_invalid')
    expect(await reasonFor(signer.sign(claims(), { jku: 'https://evil.example' }))).toBe('accepted')
    expect(issuer.asked.slice(length)).toEqual([])
  })

  test('a kid that is a path, a query, a prototype member or of another case is just unknown', async () => {
    const by = await open({ cooldownSeconds: 1_000 })
    const kids = [
      '../../dev/null',
      "' OR 1=1 --",
      '__proto__',
      'constructor',
      'toString',
      '',
      signer.kid.toUpperCase(),
      ` ${signer.kid}`,
      undefined,
    ]
    for (const kid of kids) expect(await reasonFor(signer.sign(claims(), { kid }), by)).toBe('key_unknown')
    for (const kid of [1, null, ['key-1'], {}, 'k'.repeat(1_000)]) {
      expect(await reasonFor(signer.sign(claims(), { kid }), by)).toBe('token_malformed')
    }
  })

  test('two different keys under one id are both left out', async () => {
    const other = makeSigner('ES256', signer.kid)
    const by = await openWithKeys([signer.jwk, other.jwk, rsa.jwk])
    expect(await reasonFor(signer.sign(claims()), by)).toBe('key_unknown')
    expect(await reasonFor(other.sign(claims()), by)).toBe('key_unknown')
    expect(await reasonFor(rsa.sign(claims()), by)).toBe('accepted')
  })
})

test('12. CVE-2024-28176, CVE-2022-36083, CVE-2025-30204: encrypted tokens, p2c and a million dots cost nothing', async () => {
  const header = { alg: 'PBES2-HS256+A128KW', enc: 'A128GCM', zip: 'DEF', p2c: 2 ** 31 - 1, p2s: 'AAAA' }
  expect(await reasonFor(`${encode(header)}.AAAA.AAAA.AAAA.AAAA`)).toBe('token_malformed')
  expect(await reasonFor(`${encode({ ...header, typ: 'at+jwt' })}.AAAA.AAAA`)).toBe('token_malformed')
  expect(await reasonFor('.'.repeat(1_000_000))).toBe('token_malformed')
  expect(await reasonFor(`a.${'.'.repeat(5_000)}`)).toBe('token_malformed')
  expect(await reasonFor(signer.sign(claims({ x: 'x'.repeat(10_000) })))).toBe('token_malformed')
  const roomy = await open({ longestToken: 20_000 })
  expect(await reasonFor(signer.sign(claims({ x: 'x'.repeat(10_000) })), roomy)).toBe('accepted')
})

describe('13. CVE-2025-31123: keys that have gone', () => {
  test('a token of a key that the issuer publishes no more is refused, though it is in the cache', async () => {
    const [old, fresh] = [makeSigner('ES256', 'old'), makeSigner('ES256', 'fresh')]
    const before = issuer.jwks
    issuer.jwks = { keys: [old.jwk] }
    const by = await open()
    const token = old.sign(claims())
    expect(await reasonFor(token, by)).toBe('accepted')
    issuer.jwks = { keys: [fresh.jwk] }
    expect(await reasonFor(fresh.sign(claims()), by)).toBe('accepted')
    expect(await reasonFor(token, by)).toBe('key_unknown')
    issuer.jwks = before
  })

  test('a key that says when it ends is used no longer, and one that is marked as revoked never', async () => {
    const ending = makeSigner('ES256', 'ending')
    const revoked = makeSigner('ES256', 'revoked')
    const by = await openWithKeys([
      { ...ending.jwk, exp: time.nowSeconds() + 60 },
      { ...revoked.jwk, revoked: { revoked_at: time.nowSeconds() } },
    ])
    const token = ending.sign(claims())
    expect(await reasonFor(token, by)).toBe('accepted')
    expect(await reasonFor(revoked.sign(claims()), by)).toBe('key_unknown')
    time.advance(61_000)
    expect(await reasonFor(token, by)).toBe('key_unknown')
    expect(await reasonFor(ending.sign(claims()), by)).toBe('key_unknown')
  })
})

describe('14. CVE-2022-23539, CVE-2022-23541, CVE-2023-48309: keys of the wrong kind, tokens of the wrong kind', () => {
  test('RSA below 2048 bits, and a public exponent of one', async () => {
    const short = signerOf('RS256', 'short', generateKeyPairSync('rsa', { modulusLength: 1024 }))
    const by = await openWithKeys([
      short.jwk,
      { ...rsa.jwk, kid: 'one', e: 'AQ' },
      { ...rsa.jwk, kid: 'junk', n: 'AA' },
    ])
    expect(by.status().keys?.count).toBe(0)
    expect(await reasonFor(short.sign(claims()), by)).toBe('key_unknown')
    expect(await reasonFor(rsa.sign(claims(), { kid: 'one' }), by)).toBe('key_unknown')
  })

  test('a public exponent as long as the modulus costs milliseconds to use: the key is none', async () => {
    const huge = Buffer.from(rsa.jwk.n as string, 'base64url')
      .fill(0xff, 1)
      .toString('base64url')
    const by = await openWithKeys([{ ...rsa.jwk, kid: 'huge', e: huge }])
    expect(by.status().keys?.count).toBe(0)
  })

  test('an EC key of another curve checks nothing', async () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'secp256k1' })
    const jwk = { ...other.publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'ES256' }
    const by = await openWithKeys([jwk])
    expect(await reasonFor(signerOf('ES256', 'k1', other).sign(claims()), by)).toBe('key_unknown')
  })

  test('an ID token, a logout token, a refresh token or anything else is no access token (RFC 8725 §3.11)', async () => {
    for (const typ of [
      'JWT',
      'jwt',
      'AT+JWT',
      'at+JWT',
      'logout+jwt',
      'dpop+jwt',
      undefined,
      null,
      '',
      ['at+jwt'],
      'at+jwt ',
    ]) {
      expect(await reasonFor(signer.sign(claims(), { typ }))).toBe('token_type_unexpected')
    }
    expect(await reasonFor(signer.sign(claims(), { typ: 'application/at+jwt' }))).toBe('accepted')
    const lax = await open({ types: ['JWT', null] })
    expect(await reasonFor(signer.sign(claims(), { typ: 'JWT' }), lax)).toBe('accepted')
    expect(await reasonFor(signer.sign(claims(), { typ: undefined }), lax)).toBe('accepted')
    for (const mark of [{ at_hash: 'x' }, { c_hash: 'x' }, { events: {} }]) {
      expect(await reasonFor(signer.sign(claims(mark), { typ: 'JWT' }), lax)).toBe('token_type_unexpected')
    }
  })

  test('an issuer that tells its kinds of token apart by a claim is asked for that claim', async () => {
    const by = await open({ types: [null], requiredClaims: { token_use: 'access' } })
    const typ = undefined
    expect(await reasonFor(signer.sign(claims({ token_use: 'access' }), { typ }), by)).toBe('accepted')
    expect(await reasonFor(signer.sign(claims({ token_use: 'id' }), { typ }), by)).toBe('claims_invalid')
    expect(await reasonFor(signer.sign(claims(), { typ }), by)).toBe('claims_invalid')
  })
})

test('a shared secret is exchanged by way of two: both are good, and no third', async () => {
  const [primary, secondary] = ['p'.repeat(32), Buffer.alloc(32, 7)]
  const by = await open({ issuer: 'urn:service', secret: { primary, secondary } })
  const payload = claims({ iss: 'urn:service' })
  expect(await reasonFor(signWithSecret(primary, payload), by)).toBe('accepted')
  expect(await reasonFor(signWithSecret(secondary, payload, { kid: 'any' }), by)).toBe('accepted')
  expect(await reasonFor(signWithSecret('x'.repeat(32), payload), by)).toBe('signature_invalid')
  expect(await reasonFor(signer.sign(payload), by)).toBe('algorithm_not_allowed')
  const short = `${signWithSecret(primary, payload).split('.').slice(0, 2).join('.')}.AAAA`
  expect(await reasonFor(short, by)).toBe('signature_invalid')
  expect(await by.ready()).toBe(true)
})

test('a signature in DER, as other libraries make it, is not taken for one in JOSE form', async () => {
  const input = `${encode({ alg: 'ES256', typ: 'at+jwt', kid: signer.kid })}.${encode(claims())}`
  const der = sign('sha256', Buffer.from(input), signer.privateKey)
  expect(await reasonFor(`${input}.${der.toString('base64url')}`)).toBe('signature_invalid')
  const digest = createHash('sha256').update(input).digest('base64url')
  expect(await reasonFor(`${input}.${digest}`)).toBe('signature_invalid')
})
