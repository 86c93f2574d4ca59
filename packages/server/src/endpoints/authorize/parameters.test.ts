import { declareClient, hashClientSecret } from '@countersign/core'
import { afterEach, describe, expect, test } from 'vitest'
import { browser } from '../../testing/browser.ts'
import { type Answer, authorization, basic, introspect, postForm, redeem } from '../../testing/calls.ts'
import { closeGiven, given, issuer, redirectUri, sampleClients, secrets } from '../../testing/given.ts'

afterEach(closeGiven)

const web = { client_id: 'loose', redirect_uri: 'https://loose.example/callback' }
const clients = [
  ...sampleClients,
  declareClient({
    id: 'loose',
    firstParty: true,
    pkce: 'optional',
    secretHashes: [hashClientSecret(secrets.web)],
    redirectUris: [web.redirect_uri],
    scopes: ['openid', 'account', 'email', 'offline_access'],
    defaultScopes: ['openid'],
  }),
  declareClient({ id: 'native', firstParty: true, pkce: 'optional', redirectUris: ['com.example.app:/callback'] }),
]

async function signedIn() {
  const to = await given.server({ clients })
  const page = browser(to)
  await page.signUp()
  return { to, page }
}

function told({ headers }: Answer): URLSearchParams {
  return new URL(String(headers.location)).searchParams
}

describe('bad input goes to the client, with the error of the specification, and nothing is written (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.1)', () => {
  const long = 'x'.repeat(5_000)
  const other = '☃ اسم 名前'
  test.each<[string, Record<string, string>, string, string]>([
    ['no response type', { response_type: '' }, 'invalid_request', 'parameter_missing'],
    [
      'an implicit grant',
      { response_type: 'id_token token' },
      'unsupported_response_type',
      'response_type_unsupported',
    ],
    ['a hybrid one', { response_type: 'code id_token' }, 'unsupported_response_type', 'response_type_unsupported'],
    ['an unknown response mode', { response_mode: other }, 'invalid_request', 'parameter_invalid'],
    ['CVE-2026-9793: a request object', { request: 'eyJ.e30.' }, 'request_not_supported', 'request_object_unsupported'],
    [
      'a request by reference',
      { request_uri: 'https://x.example/r' },
      'request_uri_not_supported',
      'request_uri_unsupported',
    ],
    ['none beside login', { prompt: 'none login' }, 'invalid_request', 'parameter_invalid'],
    ['an unknown prompt', { prompt: 'login shout' }, 'invalid_request', 'parameter_invalid'],
    ['a prompt in another alphabet', { prompt: other }, 'invalid_request', 'parameter_invalid'],
    ['a prompt of many words', { prompt: 'login '.repeat(100) }, 'invalid_request', 'parameter_invalid'],
    ['a negative max_age', { max_age: '-1' }, 'invalid_request', 'parameter_invalid'],
    ['a max_age that is no number', { max_age: '1e3' }, 'invalid_request', 'parameter_invalid'],
    ['a huge max_age', { max_age: '9'.repeat(30) }, 'invalid_request', 'parameter_invalid'],
    ['a max_age in other digits', { max_age: '٣' }, 'invalid_request', 'parameter_invalid'],
    ['a long login_hint', { login_hint: long }, 'invalid_request', 'parameter_invalid'],
    ['long acr_values', { acr_values: long }, 'invalid_request', 'parameter_invalid'],
    ['many acr_values', { acr_values: 'x '.repeat(50) }, 'invalid_request', 'parameter_invalid'],
    ['claims that are no JSON', { claims: '{' }, 'invalid_request', 'parameter_invalid'],
    ['claims that are a list', { claims: '[]' }, 'invalid_request', 'parameter_invalid'],
    [
      'claims with a member twice',
      { claims: '{"userinfo":{"a":null,"a":null}}' },
      'invalid_request',
      'parameter_invalid',
    ],
    [
      'claims with a sub that is none',
      { claims: '{"id_token":{"sub":{"value":1}}}' },
      'invalid_request',
      'parameter_invalid',
    ],
    [
      'long claims',
      { claims: JSON.stringify({ userinfo: { name: { value: long } } }) },
      'invalid_request',
      'parameter_invalid',
    ],
    ['a hint that is no token', { id_token_hint: other }, 'invalid_request', 'parameter_invalid'],
    ['a long nonce', { nonce: long }, 'invalid_request', 'parameter_invalid'],
    ['a dpop_jkt that is no thumbprint', { dpop_jkt: 'x' }, 'invalid_request', 'parameter_invalid'],
    ['a scope with a quote', { scope: 'account "notes"' }, 'invalid_scope', 'scope_invalid'],
    ['a scope in another alphabet', { scope: other }, 'invalid_scope', 'scope_invalid'],
    ['no scope that is known', { scope: 'x y z' }, 'invalid_scope', 'scope_invalid'],
    ['a foreign resource', { resource: 'https://else.example' }, 'invalid_target', 'resource_invalid'],
    ['a resource that is no address', { resource: other }, 'invalid_target', 'resource_invalid'],
    ['a method without a challenge', { code_challenge: '' }, 'invalid_request', 'pkce_required'],
  ])('%s', async (_name, more, error, reason) => {
    const { to, page } = await signedIn()
    const before = (await to.audit()).length
    const answer = await page.get(authorization(more).path)
    const parameters = told(answer)
    expect([answer.status, parameters.get('error'), parameters.get('reason')]).toEqual([303, error, reason])
    expect([parameters.get('state'), parameters.get('iss'), parameters.has('code')]).toEqual(['st-1', issuer, false])
    expect(await to.auditedSince(before)).toEqual([])
  })

  test.each(['response_type', 'prompt', 'max_age', 'claims', 'id_token_hint', 'nonce', 'response_mode', 'dpop_jkt'])(
    '%s twice is told on a page (CVE-2026-9689)',
    async name => {
      const { page } = await signedIn()
      const answer = await page.get(`${authorization({ [name]: 'x' }).path}&${name}=y`)
      expect([answer.status, answer.headers['countersign-reason']]).toEqual([400, 'parameter_duplicated'])
    },
  )
})

test('what is empty counts as absent, what nobody knows is ignored', async () => {
  const { page } = await signedIn()
  const more = {
    ...{ prompt: '', max_age: '', claims: '', acr_values: '', id_token_hint: '', nonce: '', request: '', resource: '' },
    ...{ display: 'popup', ui_locales: 'fr-CA x', claims_locales: 'de', foo: 'bar', __proto__x: '1', audience: 'x' },
  }
  expect(told(await page.get(authorization(more).path)).get('code')).toMatch(/^[\w-]{43}$/)
})

describe('scopes', () => {
  const tokens = async (more: Record<string, string>) => {
    const { to, page } = await signedIn()
    const { code, verifier } = await page.code({ ...web, ...more })
    const fields = { code, code_verifier: verifier, ...web }
    return (await redeem(to, fields, basicOf())).body
  }

  test('what the client may not have, or nobody knows, is left out, and the answer says what is left', async () => {
    expect(await tokens({ scope: 'openid admin nonsense email' })).toMatchObject({ scope: 'openid email' })
    expect(await tokens({})).toMatchObject({ scope: 'openid' })
  })

  test('access_type=offline is offline_access by another name; online is nothing', async () => {
    expect(await tokens({ access_type: 'offline' })).toMatchObject({ scope: 'openid offline_access' })
    expect(await tokens({ access_type: 'online' })).toMatchObject({ scope: 'openid' })
  })
})

function basicOf(): Record<string, string> {
  return { ...basic('loose', secrets.web) }
}

describe('PKCE', () => {
  const bare = { ...web, code_challenge: '', code_challenge_method: '' }

  test('CVE-2017-18924: may be left out by a confidential client whose setting says so, and by no public one', async () => {
    const { to, page } = await signedIn()
    const { code } = await page.code(bare)
    const fields = { grant_type: 'authorization_code', code, redirect_uri: web.redirect_uri }
    expect((await postForm(to, '/token', fields, basicOf())).status).toBe(200)
    const strict = { client_id: 'web', redirect_uri: 'https://web.example/callback?from=countersign' }
    const native = { client_id: 'native', redirect_uri: 'com.example.app:/callback' }
    for (const client of [strict, native]) {
      expect(told(await page.get(authorization({ ...bare, ...client }).path)).get('reason')).toBe('pkce_required')
    }
  })

  test('attack 21 (CVE-2024-23647): no challenge was sent, so a verifier is refused: somebody took it out', async () => {
    const { to, page } = await signedIn()
    const { code, verifier } = await page.code(bare)
    const fields = { code, code_verifier: verifier, ...web }
    expect((await redeem(to, fields, basicOf())).body.reason).toBe('code_invalid')
  })

  test('attack 21 (CVE-2025-4144): a challenge was sent, so the verifier is needed, whatever the setting', async () => {
    const { to, page } = await signedIn()
    const { code, verifier } = await page.code(web)
    const fields = { grant_type: 'authorization_code', code, redirect_uri: web.redirect_uri }
    const without = await postForm(to, '/token', fields, basicOf())
    expect([without.status, without.body.reason]).toEqual([400, 'parameter_missing'])
    expect((await postForm(to, '/token', { ...fields, code_verifier: verifier }, basicOf())).status).toBe(200)
  })

  test('GHSA-9h47-pqcx-hjr4: half of it is none, and so is plain', async () => {
    const { page } = await signedIn()
    for (const more of [{ code_challenge: '' }, { code_challenge_method: '' }, { code_challenge_method: 'plain' }]) {
      expect(told(await page.get(authorization({ ...web, ...more }).path)).get('reason')).toBe('pkce_required')
    }
  })
})

describe('dpop_jkt (RFC 9449 §10)', () => {
  test('the code is good for this key alone', async () => {
    const { to, page } = await signedIn()
    const [key, other] = [to.key(), to.key()]
    const { code, verifier } = await page.code({ dpop_jkt: key.jkt })
    const fields = { code, code_verifier: verifier }
    expect((await redeem(to, fields)).body.reason).toBe('proof_key_mismatch')
    const proof = (of: typeof key) => ({ dpop: of.proof('POST', `${issuer}/token`) })
    expect((await redeem(to, fields, proof(other))).body.reason).toBe('proof_key_mismatch')
    expect((await redeem(to, fields, proof(key))).status).toBe(200)
  })
})

describe('response_mode=form_post', () => {
  const hiddenOf = (text: string) =>
    new Map([...text.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)">/g)].map(([, a, b]) => [a, b]))

  test('gives the code in a form, for the redirect URI as it is', async () => {
    const { to, page } = await signedIn()
    const { path, verifier } = authorization({ response_mode: 'form_post' })
    const answer = await page.get(path)
    expect([answer.status, answer.headers['cache-control']]).toEqual([200, 'no-store'])
    expect(answer.text).toContain(`action="${redirectUri}"`)
    expect(answer.headers['content-security-policy']).toContain("script-src 'sha256-")
    const fields = hiddenOf(answer.text)
    expect([fields.get('state'), fields.get('iss')]).toEqual(['st-1', issuer])
    expect((await redeem(to, { code: String(fields.get('code')), code_verifier: verifier })).status).toBe(200)
  })

  test('errors take the same way, and a state adds no markup', async () => {
    const { page } = await signedIn()
    const more = { response_mode: 'form_post', prompt: 'shout', state: '"><script>' }
    const { text } = await page.get(authorization(more).path)
    expect(hiddenOf(text).get('error')).toBe('invalid_request')
    expect(text).toContain('value="&quot;&gt;&lt;script&gt;"')
    expect(text.match(/<script>/g)).toHaveLength(1)
  })

  test('reaches no address that a browser does not post to', async () => {
    const { page } = await signedIn()
    const native = { client_id: 'native', redirect_uri: 'com.example.app:/callback' }
    const answer = await page.get(authorization({ ...native, response_mode: 'form_post' }).path)
    expect(answer.headers.location).toMatch(/^com\.example\.app:\/callback\?/)
    expect(told(answer).get('error')).toBe('invalid_request')
  })
})

test('a form of another site comes without the cookie, and is led to where it counts', async () => {
  const { to, page } = await signedIn()
  const fields = Object.fromEntries(new URLSearchParams(authorization().path.split('?')[1]))
  const answer = await postForm(to, '/authorize', fields)
  expect([answer.status, answer.headers.location?.split('?')[0]]).toEqual([303, '/authorize'])
  expect(told(await page.get(String(answer.headers.location))).has('code')).toBe(true)
  const foreign = await postForm(to, '/authorize', { ...fields, redirect_uri: 'https://evil.example/' })
  const there = await page.get(String(foreign.headers.location))
  expect([there.status, there.headers.location]).toEqual([400, undefined])
})

test('auth_time, acr and amr of a token are those of its sign-in', async () => {
  const { to, page } = await signedIn()
  const signedInAt = Math.floor(to.now() / 1000)
  await to.later(100)
  const { code, verifier } = await page.code()
  const tokens = (await redeem(to, { code, code_verifier: verifier })).body
  const claims = (await introspect(to, String(tokens.access_token))).body
  expect(claims).toMatchObject({ auth_time: signedInAt, acr: 'urn:countersign:acr:1fa', amr: ['pwd'] })
})
