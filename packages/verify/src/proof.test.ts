import { isRefusal } from '@countersign/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createVerifier } from './create-verifier.ts'
import type { Presented } from './proof.ts'
import { makeProof, thumbprint } from './testing/dpop.ts'
import { holdTime } from './testing/held-time.ts'
import { startIssuer, type TestIssuer } from './testing/issuer.ts'
import { encode, makeSigner, type Signer, signText } from './testing/signer.ts'
import type { Verifier } from './verifier.ts'

const time = holdTime()
const url = 'https://api.example/notes'
let issuer: TestIssuer
let verifier: Verifier
let key: Signer

beforeAll(async () => {
  issuer = await startIssuer(time.nowSeconds)
  verifier = createVerifier({ issuer: issuer.url, audience: 'api', ...time.runtime })
  await verifier.ready()
  key = makeSigner('ES256')
})

afterAll(async () => {
  verifier.close()
  await issuer.close()
})

function boundTo(signer: Signer, more: Record<string, unknown> = {}): string {
  const now = time.nowSeconds()
  const claims = {
    iss: issuer.url,
    sub: 'user-1',
    aud: 'api',
    iat: now,
    exp: now + 900,
    cnf: { jkt: thumbprint(signer) },
  }
  return issuer.signer.sign({ ...claims, ...more })
}

function proofFor(token: string, more: Parameters<typeof makeProof>[2] = {}, signer = key): string {
  return makeProof(signer, { method: 'GET', url, token, nowSeconds: time.nowSeconds() }, more)
}

function reasonFor(token: string, presented?: Partial<Presented>): string {
  const full: Presented | undefined = presented && { scheme: 'DPoP', method: 'GET', url, ...presented }
  const verification = verifier.verify(token, {}, full)
  if (verification instanceof Promise) throw new Error('nothing had to be fetched')
  return isRefusal(verification) ? verification.reason : 'accepted'
}

test('a bound token passes with a fresh proof by its key, for every algorithm', () => {
  for (const alg of ['ES256', 'EdDSA', 'RS256', 'PS256'] as const) {
    const signer = makeSigner(alg)
    const token = boundTo(signer)
    for (let i = 0; i < 3; i++) expect(reasonFor(token, { proof: proofFor(token, {}, signer) })).toBe('accepted')
  }
})

test('24. a bound token as Bearer, without a proof, or by one who does not know its own address, is refused', () => {
  const token = boundTo(key)
  const proof = proofFor(token)
  expect(reasonFor(token)).toBe('token_bound')
  expect(reasonFor(token, { scheme: 'Bearer', proof })).toBe('token_bound')
  expect(reasonFor(token, {})).toBe('proof_required')
  const nowhere: Presented = { scheme: 'DPoP', method: 'GET', proof }
  expect(verifier.verify(token, {}, nowhere)).toMatchObject({ reason: 'token_bound' })
})

test('a token bound in a way that is not checked here is refused, alone or beside a proof', () => {
  for (const cnf of [{}, { 'x5t#S256': 'x' }, { jkt: thumbprint(key), 'x5t#S256': 'x' }, { jkt: 7 }, { jwk: {} }]) {
    const token = boundTo(key, { cnf })
    expect(reasonFor(token, { proof: proofFor(token) })).toBe('token_bound')
  }
  for (const cnf of [null, 'x', []]) expect(reasonFor(boundTo(key, { cnf }))).toBe('claims_invalid')
})

test('an unbound token is no DPoP token, and an endpoint can insist on bound ones', () => {
  const token = boundTo(key, { cnf: undefined })
  expect(reasonFor(token, { proof: proofFor(token) })).toBe('token_binding_mismatch')
  expect(reasonFor(token)).toBe('accepted')
  expect(verifier.verify(token, { bound: true })).toMatchObject({ reason: 'binding_required' })
})

test('24. CVE-2024-49755: a proof is for one token, one method and one URL (RFC 9449 §4.3)', () => {
  const token = boundTo(key)
  const wrong = [
    { ath: undefined },
    { ath: '' },
    { ath: 'x' },
    { htm: 'POST' },
    { htm: 'get' },
    { htm: undefined },
    { htu: undefined },
    { htu: 'https://api.example/NOTES' },
    { htu: 'https://api.example/notes/' },
    { htu: 'https://api.example:444/notes' },
    { htu: 'http://api.example/notes' },
    { htu: 'https://api.example.evil.example/notes' },
    { htu: 'https://api.example@evil.example/notes' },
    { htu: 'https://user@api.example/notes' },
    { htu: '/notes' },
    { htu: ['https://api.example/notes'] },
  ]
  for (const claims of wrong)
    expect([claims, reasonFor(token, { proof: proofFor(token, { claims }) })]).toEqual([claims, 'proof_invalid'])
  const alike = [
    'https://API.example/notes',
    'https://api.example:443/notes',
    `${url}?a=1`,
    `${url}#x`,
    'HTTPS://api.example/./notes',
  ]
  for (const htu of alike)
    expect([htu, reasonFor(token, { proof: proofFor(token, { claims: { htu } }) })]).toEqual([htu, 'accepted'])
  const other = boundTo(key, { jti: 'other' })
  expect(reasonFor(other, { proof: proofFor(token) })).toBe('proof_invalid')
})

test('24. a proof is good once, also under another name for its signature', () => {
  const token = boundTo(key)
  const proof = proofFor(token)
  expect(reasonFor(token, { proof })).toBe('accepted')
  expect(reasonFor(token, { proof })).toBe('proof_replayed')
  const again = proofFor(token, {
    claims: { jti: JSON.parse(Buffer.from(proof.split('.')[1] as string, 'base64url').toString()).jti },
  })
  expect(again).not.toBe(proof)
  expect(reasonFor(token, { proof: again })).toBe('proof_replayed')
  time.advance(30_000)
  expect(reasonFor(token, { proof })).toBe('proof_replayed')
  time.advance(31_000)
  expect(reasonFor(token, { proof })).toBe('proof_invalid')
})

test('a proof that is refused is not used up', () => {
  const token = boundTo(key)
  const proof = proofFor(token)
  expect(reasonFor(token, { proof, method: 'POST' })).toBe('proof_invalid')
  expect(reasonFor(token, { proof })).toBe('accepted')
})

test('a proof is a minute old at most, and hardly from the future', () => {
  const token = boundTo(key)
  const now = time.nowSeconds()
  const ages = [
    [-11, 'proof_invalid'],
    [-10, 'accepted'],
    [60, 'accepted'],
    [61, 'proof_invalid'],
  ] as const
  for (const [age, expected] of ages) {
    expect([age, reasonFor(token, { proof: proofFor(token, { claims: { iat: now - age } }) })]).toEqual([age, expected])
  }
  for (const iat of [undefined, null, `${now}`, {}]) {
    expect(reasonFor(token, { proof: proofFor(token, { claims: { iat } }) })).toBe('proof_invalid')
  }
  for (const jti of [undefined, '', 7, 'x'.repeat(257)]) {
    expect(reasonFor(token, { proof: proofFor(token, { claims: { jti } }) })).toBe('proof_invalid')
  }
})

test('a proof by another key is refused, whichever key its header shows', () => {
  const thief = makeSigner('ES256')
  const token = boundTo(key)
  expect(reasonFor(token, { proof: proofFor(token, {}, thief) })).toBe('token_binding_mismatch')
  const { kid: _, use: __, alg: ___, ...jwk } = key.jwk
  expect(reasonFor(token, { proof: proofFor(token, { header: { jwk } }, thief) })).toBe('proof_invalid')
})

test('CVE-2026-54431: a header that is not exactly that of a proof, or shows a private key, is refused (RFC 9449 §4.2)', () => {
  const token = boundTo(key)
  const d = key.privateKey.export({ format: 'jwk' }).d
  const { kid: _, use: __, alg: ___, ...jwk } = key.jwk
  const headers: Record<string, unknown>[] = [
    { typ: 'at+jwt' },
    { typ: 'JWT' },
    { typ: undefined },
    { alg: 'none' },
    { alg: 'HS256' },
    { alg: 'RS256' },
    { jwk: undefined },
    { jwk: null },
    { jwk: [] },
    { jwk: { ...jwk, d } },
    { jwk: { kty: 'oct', k: 'c2VjcmV0' } },
    { crit: ['x'] },
    { b64: false },
  ]
  for (const header of headers) {
    expect([header, reasonFor(token, { proof: proofFor(token, { header }) })]).toEqual([header, 'proof_invalid'])
  }
})

test('46. rubbish instead of a proof is refused and breaks nothing', () => {
  const token = boundTo(key)
  const header = encode({ typ: 'dpop+jwt', alg: 'ES256', jwk: key.jwk })
  for (const proof of [
    '',
    '.',
    '..',
    'x',
    'a.b.c',
    '.'.repeat(10_000),
    'x'.repeat(100_000),
    '\0.\0.\0',
    'é.é.é',
    token,
  ]) {
    expect(reasonFor(token, { proof })).toBe('proof_invalid')
  }
  for (const text of ['[]', 'null', '{', '{"jti":"a","jti":"b"}', '{"__proto__":{}}']) {
    const proof = signText('ES256', key.privateKey, header, encode(text))
    expect(reasonFor(token, { proof })).toBe('proof_invalid')
  }
})
