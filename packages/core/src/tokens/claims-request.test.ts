import { describe, expect, test } from 'vitest'
import { narrowClaims, readClaimsRequest, scopesOfClaims } from './claims-request.ts'

test('reads single claims, and leaves out what it does not know (OpenID Connect Core §5.5)', () => {
  const text = JSON.stringify({
    userinfo: { given_name: { essential: true }, picture: null, 'https://x.example/y': {} },
    id_token: { acr: { values: ['a', 'b'], more: 1 }, sub: { value: 'me' } },
    other: { x: 1 },
  })
  expect(readClaimsRequest(text)).toEqual({
    userinfo: { given_name: { essential: true }, picture: null, 'https://x.example/y': {} },
    id_token: { acr: { values: ['a', 'b'] }, sub: { value: 'me' } },
  })
  expect(readClaimsRequest('{}')).toEqual({})
  expect(readClaimsRequest('{"userinfo":null,"id_token":{}}')).toEqual({})
})

test.each([
  '',
  'x',
  'null',
  '[]',
  '"userinfo"',
  '{"userinfo":1}',
  '{"userinfo":[]}',
  '{"userinfo":{"name":1}}',
  '{"userinfo":{"name":[]}}',
  '{"userinfo":{"name":{"essential":"yes"}}}',
  '{"id_token":{"acr":{"values":"a"}}}',
  '{"id_token":{"acr":{"values":[]}}}',
  '{"id_token":{},"id_token":{"acr":null}}',
  '{"id_token":{"acr":null,"acr":null}}',
  '{"id_token":{"__proto__":null}}',
  '{"id_token":{"a\\u0000":null}}',
  `{"userinfo":${'{"a":'.repeat(2_000)}null${'}'.repeat(2_000)}}`,
  JSON.stringify({ userinfo: Object.fromEntries(Array.from({ length: 101 }, (_, n) => [n, null])) }),
  JSON.stringify({ userinfo: { name: { value: 'x'.repeat(4_096) } } }),
])('refuses %.60s', text => {
  expect(readClaimsRequest(text)).toBeUndefined()
})

describe('claims and scopes (§5.4)', () => {
  const claims = readClaimsRequest(
    '{"userinfo":{"email":null,"nickname":null,"toString":null},"id_token":{"acr":null}}',
  )

  test('a claim about a person stands in a scope', () => {
    expect(scopesOfClaims(claims ?? null)).toEqual(['email', 'profile'])
    expect(scopesOfClaims(null)).toEqual([])
  })

  test('without the scope the claim is not asked for', () => {
    expect(narrowClaims(claims ?? {}, ['email'])).toEqual({
      userinfo: { email: null, toString: null },
      id_token: { acr: null },
    })
  })
})
