import { expect, test } from 'vitest'
import { describeResource } from './resource-metadata.ts'

const verifier = { issuer: 'https://login.example' }

function ask(resource: string, target: string, method = 'GET') {
  return describeResource(verifier, { resource }).answer({ target, method, header: () => [] })
}

test.each([
  ['https://api.example', 'https://api.example/.well-known/oauth-protected-resource'],
  ['https://api.example/', 'https://api.example/.well-known/oauth-protected-resource'],
  ['https://api.example/v1/notes', 'https://api.example/.well-known/oauth-protected-resource/v1/notes'],
  ['https://api.example:8443/a', 'https://api.example:8443/.well-known/oauth-protected-resource/a'],
  ['http://127.0.0.1:3000/a', 'http://127.0.0.1:3000/.well-known/oauth-protected-resource/a'],
])('the description of %s is at %s (RFC 9728 §3.1)', (resource, url) => {
  expect(describeResource(verifier, { resource }).url).toBe(url)
  const answer = ask(resource, new URL(url).pathname)
  expect(JSON.parse(answer?.body ?? '')).toMatchObject({ resource, authorization_servers: ['https://login.example'] })
})

test('it is there for GET and HEAD, with any query, and for the preflight of a page (RFC 9728 §3)', () => {
  const path = '/.well-known/oauth-protected-resource'
  for (const method of ['GET', 'HEAD']) expect(ask('https://api.example', `${path}?x=1`, method)?.status).toBe(200)
  const preflight = ask('https://api.example', path, 'OPTIONS')
  expect([preflight?.status, preflight?.body]).toEqual([204, ''])
  expect(preflight?.headers['access-control-allow-headers']).toBe('*')
  expect(ask('https://api.example', path, 'POST')).toBeUndefined()
  for (const other of [`${path}/`, `${path}/x`, `/x${path}`, `${path}%2f`, path.toUpperCase(), '/']) {
    expect(ask('https://api.example', other)).toBeUndefined()
  }
})

test('what is not said is not there, what is said is', () => {
  const answer = describeResource(verifier, {
    resource: 'https://api.example',
    authorizationServers: ['https://one.example', 'https://two.example'],
    documentation: 'https://docs.example',
    policyUri: 'https://api.example/policy',
    termsUri: 'https://api.example/terms',
    bound: true,
  }).answer({ target: '/.well-known/oauth-protected-resource', method: 'GET', header: () => [] })
  const document = JSON.parse(answer?.body ?? '')
  expect(document).toMatchObject({
    authorization_servers: ['https://one.example', 'https://two.example'],
    resource_documentation: 'https://docs.example',
    resource_policy_uri: 'https://api.example/policy',
    resource_tos_uri: 'https://api.example/terms',
    dpop_bound_access_tokens_required: true,
  })
  for (const name of ['scopes_supported', 'resource_name']) expect(document).not.toHaveProperty(name)
})

test.each([
  '',
  'api',
  'urn:notes',
  '/api',
  'http://api.example',
  'https://api.example/a?b',
  'https://api.example/a#b',
  'https://user@api.example/',
  'https://api.example/"',
  'javascript:alert(1)',
  undefined as unknown as string,
])('%j is no address of an API', resource => {
  expect(() => describeResource(verifier, { resource })).toThrow(TypeError)
})

test('an option that does not exist is a mistake', () => {
  const wrong = { resource: 'https://api.example', scope: 'x' } as { resource: string }
  expect(() => describeResource(verifier, wrong)).toThrow(/scope/)
})
