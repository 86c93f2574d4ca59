import { declareClient } from '@countersign/core'
import { afterEach, describe, expect, test } from 'vitest'
import { closedRegistration } from '../clients/registration/registration-policy.ts'
import { browser } from '../testing/browser.ts'
import { basic, call, get, introspect, postForm, postJson, redeem } from '../testing/calls.ts'
import { givenCountedServer } from '../testing/counted-commits.ts'
import { closeGiven, given, issuer, redirectUri, sampleClients, secrets } from '../testing/given.ts'
import { push, pushFields } from '../testing/pushed.ts'

afterEach(closeGiven)

const webUri = 'https://web.example/callback?from=countersign'

function codeOf(location: string | undefined): string | null {
  return new URL(location ?? issuer, issuer).searchParams.get('code')
}

describe('a pushed authorization request (RFC 9126 §2)', () => {
  test('is answered by a reference that a browser signs in with, and the code is good', async () => {
    const to = await given.server()
    const page = browser(to)
    const { answer, path, verifier } = await push(to, { scope: 'notes' })
    expect([answer.status, answer.headers['cache-control']]).toEqual([201, 'no-store'])
    expect(answer.body).toEqual({
      request_uri: expect.stringMatching(/^urn:ietf:params:oauth:request_uri:[\w-]{43}$/),
      expires_in: 90,
    })
    const asked = await page.get(path)
    expect(asked.headers.location).toMatch(/^\/sign-in\?return_to=/)
    const form = await page.get(String(asked.headers.location))
    expect(form.text).toContain('app.example')
    expect(form.headers['content-security-policy']).toContain("form-action 'self' https://app.example;")
    const signUpPath = String(asked.headers.location).replace('/sign-in', '/sign-up')
    const signedUp = await page.signUp('maria@example.com', signUpPath)
    const back = await page.get(String(signedUp.headers.location))
    expect(String(back.headers.location)).toContain(`${redirectUri}?`)
    expect(new URL(String(back.headers.location)).searchParams.get('state')).toBe('st-1')
    const tokens = await redeem(to, { code: String(codeOf(back.headers.location)), code_verifier: verifier })
    expect([tokens.status, tokens.body.scope]).toEqual([200, 'notes'])
  })

  test('signing in may take longer than it lives unopened, but not for ever', async () => {
    const to = await given.server()
    const [slow, late] = [browser(to), browser(to)]
    const opened = await push(to)
    const unopened = await push(to)
    const asked = await slow.get(opened.path)
    await to.later(3_000)
    await slow.signUp('maria@example.com', String(asked.headers.location).replace('/sign-in', '/sign-up'))
    expect(codeOf((await slow.get(opened.path)).headers.location)).not.toBeNull()
    await late.signIn()
    const answer = await late.get(unopened.path)
    expect([answer.status, answer.headers['countersign-reason']]).toEqual([400, 'request_uri_invalid'])
    const again = await push(to)
    await browser(to).get(again.path)
    await to.later(3_600)
    expect((await late.get(again.path)).headers['countersign-reason']).toBe('request_uri_invalid')
  })

  test('leads to one code; with prompt=login the user signs in once more, and once only', async () => {
    const to = await given.server()
    const page = browser(to)
    await page.signUp()
    const { path } = await push(to)
    expect(codeOf((await page.get(path)).headers.location)).not.toBeNull()
    const again = await page.get(path)
    expect([again.status, again.headers['countersign-reason']]).toEqual([400, 'request_uri_invalid'])
    expect(again.text).toContain('This sign-in is over')
    expect(again.headers).not.toHaveProperty('location')
    await to.later(60)
    const strict = await push(to, { prompt: 'login' })
    const asked = await page.get(strict.path)
    expect(asked.headers.location).toMatch(/^\/sign-in/)
    await to.later(1)
    const signedIn = await page.signIn('maria@example.com', String(asked.headers.location))
    expect(codeOf((await page.get(String(signedIn.headers.location))).headers.location)).not.toBeNull()
  })

  test('CVE-2026-96446: leads to one code with prompt=none, too, and to none after it', async () => {
    const to = await given.server()
    const [page, nobody] = [browser(to), browser(to)]
    await page.signUp()
    const { path } = await push(to, { prompt: 'none' })
    const told = new URL(String((await nobody.get(path)).headers.location))
    expect([told.origin, told.searchParams.get('error')]).toEqual(['https://app.example', 'login_required'])
    expect(codeOf((await page.get(path)).headers.location)).not.toBeNull()
    await nobody.signIn()
    for (const by of [page, nobody]) {
      for (const again of [path, `${path}&prompt=none`]) {
        const refused = await by.get(again)
        expect([refused.status, refused.headers['countersign-reason']]).toEqual([400, 'request_uri_invalid'])
        expect(refused.headers).not.toHaveProperty('location')
      }
    }
  })

  test('nothing else in the query counts (RFC 9126 §4)', async () => {
    const to = await given.server()
    const page = browser(to)
    await page.signUp()
    const { path, verifier } = await push(to, { scope: 'notes' })
    const evil =
      '&redirect_uri=https%3A%2F%2Fevil.example%2F&scope=account&state=evil&code_challenge=x&response_type=token'
    const answer = await page.get(path + evil)
    const target = new URL(String(answer.headers.location))
    expect([target.origin, target.searchParams.get('state')]).toEqual(['https://app.example', 'st-1'])
    const tokens = await redeem(to, { code: String(codeOf(target.href)), code_verifier: verifier })
    expect(tokens.body.scope).toBe('notes')
  })

  test.each([
    ['another client', (uri: string) => ({ client_id: 'bearer-app', request_uri: uri })],
    ['no client', (uri: string) => ({ request_uri: uri })],
    ['a changed letter', (uri: string) => ({ client_id: 'app', request_uri: `${uri.slice(0, -3)}AAA` })],
    ['an address on the web', () => ({ client_id: 'app', request_uri: 'https://app.example/request.jwt' })],
    ['nothing of ours', () => ({ client_id: 'app', request_uri: 'urn:x:☃' })],
  ])('a request_uri with %s is refused on a page, and is none the worse for it', async (_name, query) => {
    const to = await given.server()
    const page = browser(to)
    await page.signUp()
    const { requestUri, path } = await push(to)
    const wrong = await page.get(`/authorize?${new URLSearchParams(query(requestUri) as Record<string, string>)}`)
    expect([wrong.status, wrong.headers['countersign-reason']]).toEqual([400, 'request_uri_invalid'])
    expect(wrong.headers).not.toHaveProperty('location')
    expect(codeOf((await page.get(path)).headers.location)).not.toBeNull()
  })
})

describe('who pushes', () => {
  test('a confidential client shows its secret, in either way, and the secret is not kept', async () => {
    const rows: unknown[] = []
    const to = await given.server({
      wrapStore: store => ({
        ...store,
        commit(change) {
          rows.push(change.writes)
          return store.commit(change)
        },
      }),
    })
    const as = { client_id: 'web', redirect_uri: webUri }
    const bare = await push(to, as)
    expect([bare.answer.status, bare.answer.body.error]).toEqual([401, 'invalid_client'])
    expect((await push(to, { ...as, client_secret: 'x'.repeat(40) })).answer.status).toBe(401)
    expect((await push(to, as, basic('web', secrets.web))).answer.status).toBe(201)
    expect((await push(to, { ...as, client_secret: secrets.web })).answer.status).toBe(201)
    expect((await push(to, { ...as, client_id: 'app' }, basic('web', secrets.web))).answer.status).toBe(400)
    const { client_id: _, ...unnamed } = pushFields(as).fields
    expect((await postForm(to, '/par', unnamed, basic('web', secrets.web))).status).toBe(201)
    expect(JSON.stringify(rows)).not.toContain(secrets.web)
  })

  test('a public client pushes sixty times a minute from one address; one with a secret as often as it likes', async () => {
    const to = await given.server()
    const answers = []
    for (let n = 0; n < 61; n++) answers.push((await push(to)).answer)
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(60)
    expect([answers.at(-1)?.status, answers.at(-1)?.headers['retry-after']]).toEqual([429, '1'])
    const as = { client_id: 'web', redirect_uri: webUri }
    for (let n = 0; n < 61; n++) expect((await push(to, as, basic('web', secrets.web))).answer.status).toBe(201)
  })

  test('a secret that anybody can register makes nobody free: sixty a minute, and another client gets no more', async () => {
    const to = await given.server({ config: { registration: { ...closedRegistration, mode: 'open' } } })
    const { body } = await postJson(to, '/register', { redirect_uris: [webUri] })
    const as = { client_id: String(body.client_id), redirect_uri: webUri, scope: 'openid' }
    const authorized = basic(as.client_id, String(body.client_secret))
    for (let n = 0; n < 60; n++) expect((await push(to, as, authorized)).answer.status).toBe(201)
    expect((await push(to, as, authorized)).answer.status).toBe(429)
    const other = await postJson(to, '/register', { redirect_uris: [webUri] })
    const asOther = { ...as, client_id: String(other.body.client_id) }
    const answer = (await push(to, asOther, basic(asOther.client_id, String(other.body.client_secret)))).answer
    expect([answer.status, answer.body.reason]).toEqual([429, 'too_many_attempts'])
  })

  test('a client that has to push is not served otherwise (§6)', async () => {
    const strict = declareClient({
      ...(sampleClients[0] as (typeof sampleClients)[number]),
      id: 'strict',
      requiresPushedRequests: true,
    })
    const to = await given.server({ clients: [...sampleClients, strict] })
    const page = browser(to)
    await page.signUp()
    const { fields } = pushFields({ client_id: 'strict' })
    const plain = await page.get(`/authorize?${new URLSearchParams(fields)}`)
    const told = new URL(String(plain.headers.location)).searchParams
    expect([told.get('error'), told.get('reason')]).toEqual(['invalid_request', 'pushed_request_required'])
    const { path } = await push(to, { client_id: 'strict' })
    expect(codeOf((await page.get(path)).headers.location)).not.toBeNull()
  })
})

describe('what is pushed is judged as at /authorize, and what is refused is not kept', () => {
  test.each([
    [
      'an unregistered redirect',
      { redirect_uri: 'https://evil.example/' },
      400,
      'invalid_request',
      'redirect_uri_mismatch',
    ],
    ['no redirect', { redirect_uri: '' }, 400, 'invalid_request', 'redirect_uri_mismatch'],
    ['no challenge', { code_challenge: '' }, 400, 'invalid_request', 'pkce_required'],
    ['a plain challenge', { code_challenge_method: 'plain' }, 400, 'invalid_request', 'pkce_required'],
    [
      'another response type',
      { response_type: 'token' },
      400,
      'unsupported_response_type',
      'response_type_unsupported',
    ],
    ['no scope that it may have', { scope: 'admin nonsense' }, 400, 'invalid_scope', 'scope_invalid'],
    ['another resource', { resource: 'https://else.example' }, 400, 'invalid_target', 'resource_invalid'],
    ['a resource with a fragment', { resource: 'https://api.example#x' }, 400, 'invalid_target', 'resource_invalid'],
    [
      'a request_uri',
      { request_uri: 'urn:ietf:params:oauth:request_uri:x' },
      400,
      'invalid_request',
      'parameter_invalid',
    ],
    ['an endless state', { state: 'x'.repeat(3_000) }, 400, 'invalid_request', 'parameter_invalid'],
    ['a thumbprint that is none', { dpop_jkt: 'x' }, 400, 'invalid_request', 'parameter_invalid'],
    ['a client that does not exist', { client_id: 'nobody' }, 401, 'invalid_client', 'client_authentication_failed'],
    ['too much', { x: 'y'.repeat(20_000) }, 413, 'invalid_request', 'body_too_large'],
  ])('%s', async (_name, more, status, error, reason) => {
    const { to, commits } = await givenCountedServer()
    const { answer } = await push(to, more as Record<string, string>)
    expect([answer.status, answer.body.error, answer.body.reason]).toEqual([status, error, reason])
    expect(commits()).toBe(0)
  })

  test('several resources may be named, every other parameter once (RFC 8707 §2)', async () => {
    const to = await given.server()
    const { fields } = pushFields()
    const body = new URLSearchParams([
      ...Object.entries(fields),
      ['resource', 'https://api.example'],
      ['resource', issuer],
    ])
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const send = (payload: string) => call(to, { method: 'POST', url: '/par', payload, headers })
    expect((await send(body.toString())).status).toBe(201)
    expect((await send(`${body}&resource=urn:else`)).body.reason).toBe('resource_invalid')
    for (const name of Object.keys(fields)) {
      expect([name, (await send(`${body}&${name}=x`)).body.reason]).toEqual([name, 'parameter_duplicated'])
    }
  })
})

describe('a key binds the code (RFC 9449 §10)', () => {
  test('the proof that comes with the push, or its thumbprint', async () => {
    const to = await given.server()
    const page = browser(to)
    await page.signUp()
    const [key, other] = [to.key(), to.key()]
    const ways = [
      await push(to, {}, { dpop: key.proof('POST', `${issuer}/par`) }),
      await push(to, { dpop_jkt: key.jkt }),
      await push(to, { dpop_jkt: key.jkt }, { dpop: key.proof('POST', `${issuer}/par`) }),
    ]
    for (const { path, verifier } of ways) {
      const code = String(codeOf((await page.get(path)).headers.location))
      const fields = { code, code_verifier: verifier }
      expect((await redeem(to, fields)).body.reason).toBe('proof_key_mismatch')
      const wrong = await redeem(to, fields, { dpop: other.proof('POST', `${issuer}/token`) })
      expect([wrong.status, wrong.body.reason]).toEqual([400, 'proof_key_mismatch'])
      const right = await redeem(to, fields, { dpop: key.proof('POST', `${issuer}/token`) })
      expect(right.status).toBe(200)
      expect((await introspect(to, String(right.body.access_token))).body.cnf).toEqual({ jkt: key.jkt })
    }
  })

  test('two keys contradict each other; a proof counts once, and fits this endpoint', async () => {
    const to = await given.server()
    const [key, other] = [to.key(), to.key()]
    const proof = key.proof('POST', `${issuer}/par`)
    expect((await push(to, { dpop_jkt: other.jkt }, { dpop: proof })).answer.body.reason).toBe('parameter_invalid')
    expect((await push(to, {}, { dpop: proof })).answer.status).toBe(201)
    expect((await push(to, {}, { dpop: proof })).answer.body.reason).toBe('proof_replayed')
    const elsewhere = await push(to, {}, { dpop: key.proof('POST', `${issuer}/token`) })
    expect(elsewhere.answer.body.reason).toBe('proof_invalid')
  })
})

test('it is for POST with a form, and discovery names it', async () => {
  const to = await given.server()
  expect((await get(to, '/par')).status).toBe(405)
  const json = { method: 'POST', url: '/par', payload: '{}', headers: { 'content-type': 'application/json' } } as const
  expect((await call(to, json)).status).toBe(415)
  const { body } = await get(to, '/.well-known/oauth-authorization-server')
  expect(body.pushed_authorization_request_endpoint).toBe(`${issuer}/par`)
})
