import { expect, test } from 'vitest'
import { clientSecretMatches, declareClient, defaultRefreshPolicy, hashClientSecret, isPublic } from './client.ts'

test('a secret matches its client, also the second one while it is being changed', () => {
  const client = declareClient({ id: 'api', secretHashes: ['old secret', 'new secret'].map(hashClientSecret) })
  expect(clientSecretMatches(client, 'old secret')).toBe(true)
  expect(clientSecretMatches(client, 'new secret')).toBe(true)
  for (const wrong of ['', 'old secret ', 'Old secret', hashClientSecret('old secret')]) {
    expect(clientSecretMatches(client, wrong)).toBe(false)
  }
})

test('a public client matches no secret, and a broken hash matches none either', () => {
  expect(clientSecretMatches(declareClient({ id: 'app' }), '')).toBe(false)
  expect(clientSecretMatches(declareClient({ id: 'app', secretHashes: ['', 'short'] }), '')).toBe(false)
  expect(isPublic(declareClient({ id: 'app' }))).toBe(true)
})

test('by default a client may do little: no direct login, no redirect, no scope, and reuse ends its login', () => {
  expect(declareClient({ id: 'app' })).toMatchObject({
    name: 'app',
    directLogin: false,
    firstParty: false,
    redirectUris: [],
    scopes: [],
    epoch: 1,
    version: 0,
  })
})

test('the minimum life of an unbound token is at least twice the grace', () => {
  expect(defaultRefreshPolicy.minimumLifeSeconds).toBeGreaterThanOrEqual(2 * defaultRefreshPolicy.graceSeconds)
})
