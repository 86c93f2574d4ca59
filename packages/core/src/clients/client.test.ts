import { expect, test } from 'vitest'
import { authenticationMethods, declareClient, defaultRefreshPolicy, isPublic, showsFreshProof } from './client.ts'
import { hashClientSecret } from './client-secret.ts'

test('a client without secret and key is public, and so is one that says so', () => {
  expect(isPublic(declareClient({ id: 'app' }))).toBe(true)
  expect(
    isPublic(declareClient({ id: 'app', authenticationMethod: 'none', jwksUri: 'https://app.example/jwks' })),
  ).toBe(true)
  for (const has of [{ secretHashes: ['x'] }, { jwks: [{}] }, { jwksUri: 'https://app.example/jwks' }]) {
    expect(isPublic(declareClient({ id: 'app', ...has }))).toBe(false)
  }
})

test('a client authenticates in the one way that it has chosen, or in those that fit what it has', () => {
  const secretHashes = [hashClientSecret('a secret')]
  const methods = (more: Parameters<typeof declareClient>[0]) => authenticationMethods(declareClient(more))
  expect(methods({ id: 'app' })).toEqual(['none'])
  expect(methods({ id: 'app', secretHashes })).toEqual(['client_secret_basic', 'client_secret_post'])
  expect(methods({ id: 'app', jwks: [{}] })).toEqual(['private_key_jwt'])
  expect(methods({ id: 'app', secretHashes, jwksUri: 'https://app.example/jwks' })).toHaveLength(3)
  expect(methods({ id: 'app', secretHashes, authenticationMethod: 'client_secret_post' })).toEqual([
    'client_secret_post',
  ])
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

test('only a client that has no other way than a key shows a fresh proof with every request', () => {
  const secretHashes = [hashClientSecret('a secret')]
  expect(showsFreshProof(declareClient({ id: 'app', jwks: [{}] }))).toBe(true)
  for (const more of [
    {},
    { secretHashes },
    { secretHashes, jwks: [{}] },
    { jwks: [{}], authenticationMethod: 'none' } as const,
  ]) {
    expect(showsFreshProof(declareClient({ id: 'app', ...more }))).toBe(false)
  }
})
