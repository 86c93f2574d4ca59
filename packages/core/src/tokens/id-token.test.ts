import { expect, test } from 'vitest'
import { sampleSignIn, sampleTime, sampleUser } from '../sample-rows.ts'
import { idTokenClaims } from './id-token.ts'

const rows = sampleSignIn({ user: sampleUser({ emailVerifiedAt: sampleTime, profile: { givenName: 'Maria' } }) })
const request = {
  ...rows,
  issuer: 'https://login.example',
  sub: 'maria',
  sid: 's-1',
  nonce: null,
  accessToken: 'a.b.c',
  own: {},
}

test('the nonce stands in it to the letter, if there was one', () => {
  expect(idTokenClaims({ ...request, nonce: 'n-0S6_WzA2Mj ✓' }).nonce).toBe('n-0S6_WzA2Mj ✓')
  expect(idTokenClaims(request)).not.toHaveProperty('nonce')
})

test('at_hash is the left half of the SHA-256 of the access token (the example of OpenID Connect Core A.3)', () => {
  const accessToken = 'jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y'
  expect(idTokenClaims({ ...request, accessToken }).at_hash).toBe('77QmUPtjPfzWtF2AnpK9RQ')
})

test('claims that were asked for in the ID token stand in it as far as they are known, those for UserInfo do not', () => {
  const claims = {
    id_token: { email: null, email_verified: { essential: true }, given_name: null, phone_number: null, nobody: null },
    userinfo: { name: null },
  }
  const client = { ...rows.client, scopes: ['openid', 'email', 'profile', 'phone'] }
  const family = { ...rows.family, claims }
  const told = idTokenClaims({ ...request, client, family })
  expect(told).toMatchObject({ email: 'maria@example.com', email_verified: true, given_name: 'Maria' })
  for (const name of ['phone_number', 'nobody', 'name', 'profile']) expect(told).not.toHaveProperty(name)
  // What the client may not have any more, its older logins do not tell it either.
  expect(idTokenClaims({ ...request, family })).not.toHaveProperty('email')
})

test('nothing that was asked for takes the place of what it says of itself', () => {
  const names = [
    'iss',
    'sub',
    'aud',
    'exp',
    'iat',
    'auth_time',
    'acr',
    'amr',
    'at_hash',
    'sid',
    '__proto__',
    'constructor',
  ]
  const claims = { id_token: Object.fromEntries(names.map(name => [name, { value: 'evil' }])) }
  expect(idTokenClaims({ ...request, family: { ...rows.family, claims } })).toEqual(idTokenClaims(request))
  const own = Object.fromEntries(names.slice(0, -2).map(name => [name, 'evil']))
  expect(idTokenClaims({ ...request, own })).toEqual(idTokenClaims(request))
})

test('it outlives neither its client’s access tokens nor the login', () => {
  const seconds = sampleTime / 1000
  expect(idTokenClaims(request).exp).toBe(seconds + 900)
  const family = { ...rows.family, absoluteEndAt: sampleTime + 60_000 }
  expect(idTokenClaims({ ...request, family }).exp).toBe(seconds + 60)
})
