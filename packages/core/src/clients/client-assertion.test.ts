import { describe, expect, test } from 'vitest'
import { sampleTime as now } from '../sample-rows.ts'
import { judgeClientAssertion } from './client-assertion.ts'

const issuer = 'https://login.example'
const audiences = [issuer, `${issuer}/token`]
const seconds = now / 1000
const good = { iss: 'job', sub: 'job', aud: issuer, jti: 'a-1', iat: seconds, exp: seconds + 60 }
const judge = (claims: object, header: object = {}) =>
  judgeClientAssertion(
    { header: { alg: 'ES256', ...header }, claims: { ...good, ...claims } },
    { clientId: 'job', audiences, now },
  )

test('an assertion for the issuer or its token endpoint is good, and names the row that uses it up', () => {
  expect(judge({})).toMatchObject({ expiresAt: now + 120_000, version: 0 })
  expect(judge({ aud: `${issuer}/token` })?.hash).toBe(judge({})?.hash)
  expect(judge({ jti: 'a-2' })?.hash).not.toBe(judge({})?.hash)
  expect(judge({ iat: undefined, nbf: seconds })).toBeDefined()
  for (const typ of ['JWT', 'client-authentication+jwt']) expect(judge({}, { typ })).toBeDefined()
})

test('the row is kept for as long as the assertion could be presented', () => {
  for (const exp of [seconds - 59, seconds + 360]) expect(judge({ exp })?.expiresAt).toBe((exp + 60) * 1000)
})

describe('nothing else is: ', () => {
  test.each<[string, object]>([
    ['of another client', { iss: 'other' }],
    ['about another client', { sub: 'other' }],
    ['without an issuer', { iss: undefined }],
    ['without a subject', { sub: undefined }],
    ['CVE-2025-27370, CVE-2025-27371: for two servers', { aud: [issuer, 'https://evil.example'] }],
    ['GHSA-3p3g-vpw6-4w66: for this server alone, but as a list', { aud: [issuer] }],
    ['for the token endpoint of another', { aud: 'https://evil.example/token' }],
    ['for another endpoint of ours', { aud: `${issuer}/revoke` }],
    ['for the issuer with a slash', { aud: `${issuer}/` }],
    ['for the issuer in capitals', { aud: issuer.toUpperCase() }],
    ['for nobody', { aud: undefined }],
    ['without an id', { jti: undefined }],
    ['with an empty id', { jti: '' }],
    ['with an id that is no text', { jti: 7 }],
    ['with an id without end', { jti: 'x'.repeat(257) }],
    ['without an end', { exp: undefined }],
    ['with an end that is no number', { exp: String(seconds + 60) }],
    ['past its end', { exp: seconds - 60 }],
    ['good for an hour', { exp: seconds + 3600 }],
    ['good for ever', { exp: 1e300 }],
    ['made in the future', { iat: seconds + 61 }],
    ['made at no time', { iat: 'now' }],
    ['not good yet', { nbf: seconds + 61 }],
  ])('%s', (_what, claims) => {
    expect(judge(claims)).toBeUndefined()
  })

  test.each(['dpop+jwt', 'at+jwt', 'logout+jwt', 7])('a token of another kind: %s', typ => {
    expect(judge({}, { typ })).toBeUndefined()
  })
})
