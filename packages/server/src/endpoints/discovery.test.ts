import { afterEach, expect, test } from 'vitest'
import { browser } from '../testing/browser.ts'
import { asApi, call, get, postForm } from '../testing/calls.ts'
import { closeGiven, given, issuer, sampleClients } from '../testing/given.ts'
import { claimsOf, openidClients, signInAt } from '../testing/openid-clients.ts'

afterEach(closeGiven)

test('discovery names every endpoint, and each one answers (RFC 8414 §2)', async () => {
  const to = await given.server()
  const first = await get(to, '/.well-known/oauth-authorization-server')
  const second = await get(to, '/.well-known/openid-configuration')
  expect(second.text).toBe(first.text)
  expect(first.headers['cache-control']).toBe('public, max-age=300')
  expect(first.body.issuer).toBe(issuer)
  for (const [name, url] of Object.entries(first.body)) {
    if (!/(_endpoint|_uri)$/.test(name)) continue
    expect(String(url).startsWith(`${issuer}/`)).toBe(true)
    const answer = await call(to, { method: 'OPTIONS', url: new URL(String(url)).pathname })
    expect([name, answer.status]).toEqual([name, 204])
  }
})

test('GHSA-9h47-pqcx-hjr4: what it says of methods and algorithms is so, and no signature may be left out', async () => {
  const to = await given.server()
  const { body } = await get(to, '/.well-known/openid-configuration')
  for (const grant_type of body.grant_types_supported as string[]) {
    const answer = await postForm(to, '/token', { grant_type, client_id: 'app' })
    expect(answer.body.reason).not.toBe('grant_type_unsupported')
  }
  expect(body).toMatchObject({
    response_types_supported: ['code'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    token_endpoint_auth_signing_alg_values_supported: ['ES256', 'EdDSA', 'RS256', 'PS256'],
    dpop_signing_alg_values_supported: ['ES256', 'EdDSA', 'RS256', 'PS256'],
    authorization_response_iss_parameter_supported: true,
  })
})

test('what it says of OpenID Connect is so: each algorithm signs, each scope and claim can be told', async () => {
  const to = await given.server({ clients: [...sampleClients, ...openidClients] })
  const { body } = await get(to, '/.well-known/openid-configuration')
  expect(body).toMatchObject({
    subject_types_supported: ['public', 'pairwise'],
    claims_parameter_supported: true,
    request_parameter_supported: false,
    request_uri_parameter_supported: false,
    backchannel_logout_supported: true,
    backchannel_logout_session_supported: true,
  })
  const algorithms = new Set<unknown>()
  const page = browser(to)
  for (const id of ['portal', 'rsa', 'edwards']) {
    const { body: tokens } = await signInAt(to, id, { page, scope: 'openid profile email address phone account' })
    const [header = ''] = String(tokens.id_token).split('.')
    algorithms.add(JSON.parse(Buffer.from(header, 'base64url').toString()).alg)
    const told = Object.keys(claimsOf(tokens.id_token))
    for (const name of told) expect(body.claims_supported).toContain(name)
    expect(body.acr_values_supported).toContain(claimsOf(tokens.id_token).acr)
  }
  // OpenID Connect Discovery §3: RS256 must be among them.
  expect([...algorithms].sort()).toEqual([...(body.id_token_signing_alg_values_supported as string[])].sort())
  expect(algorithms).toContain('RS256')
})

test('health is 200 while the store and the keys are there, and is not cached', async () => {
  const to = await given.server()
  const answer = await get(to, '/health')
  expect([answer.status, answer.body, answer.headers['cache-control']]).toEqual([200, { status: 'ok' }, 'no-store'])
})

test('the feed is named for verifiers, and they find it', async () => {
  const to = await given.server()
  const { body } = await get(to, '/.well-known/openid-configuration')
  const { pathname } = new URL(String(body.revocations_endpoint))
  expect((await get(to, pathname, asApi)).status).toBe(200)
})
