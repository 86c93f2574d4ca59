import { afterEach, describe, expect, test } from 'vitest'
import { type Browser, browser } from '../testing/browser.ts'
import { type Answer, bearer, call, get, refresh } from '../testing/calls.ts'
import { closeGiven, type GivenServer, given, issuer, sampleClients } from '../testing/given.ts'
import { openidClients, signInAt } from '../testing/openid-clients.ts'

afterEach(closeGiven)

const leads = 'https://portal.example/signed-out?from=countersign'
const clients = [
  ...sampleClients,
  ...openidClients.map(client => ({ ...client, postLogoutRedirectUris: [leads, 'https://portal.example/bye'] })),
]
const server = (): Promise<GivenServer> => given.server({ clients })
const logout = (parameters: Readonly<Record<string, string>>): string => `/logout?${new URLSearchParams(parameters)}`

async function signedIn(to: GivenServer, id = 'portal') {
  const login = await signInAt(to, id)
  return { ...login, hint: String(login.body.id_token), token: String(login.body.access_token) }
}

async function expectOver(to: GivenServer, { page, token }: { page: Browser; token: string }): Promise<void> {
  expect(page.jar.has('__Host-countersign')).toBe(false)
  expect((await get(to, '/v1/me', bearer(token))).body.reason).toBe('token_revoked')
}

async function expectLiving(to: GivenServer, { page, token }: { page: Browser; token: string }): Promise<void> {
  expect((await get(to, '/v1/me', bearer(token))).status).toBe(200)
  expect((await page.get('/account')).status).toBe(200)
}

function expectQuestion(answer: Answer): void {
  expect(answer.status).toBe(200)
  expect(answer.text).toContain('name="csrf"')
  expect(answer.text).not.toContain('<script')
}

describe('with an ID token of the user (OpenID Connect RP-Initiated Logout §2)', () => {
  test('the session ends at once, with what every application got in it, and the browser goes back with state', async () => {
    const to = await server()
    const login = await signedIn(to)
    const elsewhere = await signInAt(to, 'rsa', { page: login.page })
    const wanted = { id_token_hint: login.hint, post_logout_redirect_uri: leads, state: 'a b&c=✓' }
    const answer = await login.page.get(logout(wanted))
    expect(answer.status).toBe(303)
    const location = new URL(String(answer.headers.location))
    expect(`${location.origin}${location.pathname}`).toBe('https://portal.example/signed-out')
    expect(Object.fromEntries(location.searchParams)).toEqual({ from: 'countersign', state: 'a b&c=✓' })
    await expectOver(to, login)
    const renewed = await refresh(to, String(elsewhere.body.refresh_token), { client: 'rsa' })
    expect(renewed.body.reason).toBe('session_ended')
    const { record } = (await to.audit()).at(-1) ?? {}
    expect(record).toMatchObject({ event: 'session.ended', facts: { reason: 'signed_out', by: 'user' } })
  })

  test.each([
    ['without state the address is the registered one to the letter', {}, leads],
    ['an expired one is as good', { later: 3600 }, leads],
    ['one under a key that has served its time is as good', { later: 100 * 86_400 }, leads],
  ])('%s', async (_name, { later = 0 }: { later?: number }, expected) => {
    const to = await server()
    const login = await signedIn(to)
    for (let days = 0; days < later; days += 86_400) await to.later(Math.min(later, 86_400))
    const answer = await login.page.get(logout({ id_token_hint: login.hint, post_logout_redirect_uri: leads }))
    expect([answer.status, answer.headers.location]).toEqual([303, expected])
    expect(login.page.jar.has('__Host-countersign')).toBe(false)
  })

  test('without an address to go to there is a page', async () => {
    const to = await server()
    const login = await signedIn(to)
    const answer = await login.page.get(logout({ id_token_hint: login.hint, state: 'x' }))
    expect([answer.status, answer.text.includes('You are signed out')]).toEqual([200, true])
    await expectOver(to, login)
  })

  test('of another kind of subject: pairwise and connection name the user as well', async () => {
    const to = await server()
    for (const id of ['pair', 'connected']) {
      const login = await signedIn(to, id)
      expect((await login.page.get(logout({ id_token_hint: login.hint }))).text).toContain('You are signed out')
      await expectOver(to, login)
    }
  })

  test('posted by the application it goes on as a GET, which the browser sends with its cookie', async () => {
    const to = await server()
    const login = await signedIn(to)
    const body = { id_token_hint: login.hint, post_logout_redirect_uri: leads, client_id: 'portal', state: 's' }
    const posted = await call(to, {
      method: 'POST',
      url: '/logout',
      payload: new URLSearchParams(body).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded', origin: 'https://portal.example' },
    })
    expect(posted.status).toBe(303)
    expect(posted.headers.location).toBe(logout(body))
    expect((await login.page.get(String(posted.headers.location))).headers.location).toBe(`${leads}&state=s`)
  })
})

describe('the user is asked', () => {
  const hints: Readonly<Record<string, (to: GivenServer) => Promise<Record<string, string>> | Record<string, string>>> =
    {
      'without any parameter': () => ({}),
      'where only state is sent': () => ({ state: 'x' }),
      'where no ID token is shown': () => ({ post_logout_redirect_uri: leads, state: 'x' }),
      'where only the client is named': () => ({ client_id: 'portal', post_logout_redirect_uri: leads }),
      'where the ID token is none': () => ({ id_token_hint: 'x.y.z', post_logout_redirect_uri: leads }),
      'where the ID token was changed': async to => {
        const { hint } = await signedIn(to)
        return { id_token_hint: `${hint.slice(0, -8)}AAAAAAAA`, post_logout_redirect_uri: leads }
      },
      'where an access token is shown for an ID token (attack 14)': async to => ({
        id_token_hint: (await signedIn(to)).token,
        client_id: 'portal',
      }),
      'where the ID token is another user’s': async to => {
        const page = browser(to)
        await page.signUp('other@example.com')
        return { id_token_hint: String((await signInAt(to, 'portal', { page })).body.id_token) }
      },
      'where its key was retired by hand': async to => {
        const { hint } = await signedIn(to)
        await to.server.admin.retireKey(to.server.services.keys.signer('ES256', 'JWT').kid)
        return { id_token_hint: hint }
      },
    }

  test.each(Object.entries(hints))('%s, and nothing ends until they say yes', async (_name, make) => {
    const to = await server()
    const parameters = await make(to)
    const login = await signedIn(to)
    const path = logout(parameters)
    const before = (await to.audit()).length
    expectQuestion(await login.page.get(path))
    expect(await to.auditedSince(before)).toEqual([])
    await expectLiving(to, login)
    const answer = await login.page.submit(path, {})
    const goesBack = parameters.client_id !== undefined && parameters.post_logout_redirect_uri !== undefined
    expect([answer.status, answer.headers.location]).toEqual(goesBack ? [303, leads] : [200, undefined])
    await expectOver(to, login)
  })

  test('the form may lead to the registered address, and to no other (CSP form-action)', async () => {
    const to = await server()
    const { page } = await signedIn(to)
    const policy = async (path: string) => (await page.get(path)).headers['content-security-policy']
    expect(await policy(logout({ client_id: 'portal', post_logout_redirect_uri: leads }))).toContain(
      "form-action 'self' https://portal.example;",
    )
    expect(await policy(logout({ post_logout_redirect_uri: leads }))).toContain("form-action 'self';")
  })

  test('a yes that another site posts is none', async () => {
    const to = await server()
    const login = await signedIn(to)
    const evil = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
    expect((await login.page.submit('/logout', {}, evil)).status).toBe(403)
    expect((await login.page.submit('/logout', { csrf: 'guessed' })).headers['countersign-reason']).toBe('csrf_refused')
    await expectLiving(to, login)
  })
})

describe('refused on a page, and nothing ends', () => {
  test.each([
    [
      'an address that is not registered',
      { post_logout_redirect_uri: 'https://evil.example/' },
      'redirect_uri_mismatch',
    ],
    ['a registered one with a query added', { post_logout_redirect_uri: `${leads}&x=1` }, 'redirect_uri_mismatch'],
    [
      'a redirect URI of the sign-in',
      { post_logout_redirect_uri: 'https://portal.example/callback' },
      'redirect_uri_mismatch',
    ],
    ['a part of one (attack 26)', { post_logout_redirect_uri: 'https://portal.example/by' }, 'redirect_uri_mismatch'],
    [
      'one with a user in it (attack 26)',
      { post_logout_redirect_uri: 'https://portal.example@evil.example/bye' },
      'redirect_uri_mismatch',
    ],
    [
      'CVE-2025-67495: a script (attack 26)',
      { post_logout_redirect_uri: 'javascript:alert(1)' },
      'redirect_uri_mismatch',
    ],
    ['a client that the ID token is not for', { client_id: 'rsa' }, 'parameter_invalid'],
    ['a state that is too long', { state: 'x'.repeat(2_049) }, 'parameter_invalid'],
  ])('%s', async (_name, more, reason) => {
    const to = await server()
    const login = await signedIn(to)
    const answer = await login.page.get(logout({ id_token_hint: login.hint, ...more }))
    expect([answer.status, answer.headers['countersign-reason'], answer.headers.location]).toEqual([
      400,
      reason,
      undefined,
    ])
    await expectLiving(to, login)
  })

  test('an unknown client, a parameter twice (attack 27), a body that is no form or too long for an address', async () => {
    const to = await server()
    const { page } = await signedIn(to)
    const reason = async (path: string) => (await page.get(path)).headers['countersign-reason']
    expect(await reason('/logout?client_id=nobody')).toBe('client_authentication_failed')
    expect(await reason('/logout?state=a&state=b')).toBe('parameter_duplicated')
    expect(await reason('/logout?state=%ff')).toBe('request_malformed')
    const post = async (payload: string, type: string) =>
      (await call(to, { method: 'POST', url: '/logout', payload, headers: { 'content-type': type } })).headers
    expect((await post('{}', 'application/json'))['countersign-reason']).toBe('content_type_unsupported')
    const form = 'application/x-www-form-urlencoded'
    expect((await post(`state=${'x'.repeat(9_000)}`, form))['countersign-reason']).toBe('parameter_invalid')
  })
})

describe('where nobody is signed in', () => {
  test('an ID token of an application that the operator has named leads back to it', async () => {
    const to = await server()
    const { hint, page } = await signedIn(to)
    await page.submit('/account', { command: 'sign_out' })
    const wanted = { id_token_hint: hint, post_logout_redirect_uri: leads }
    expect((await get(to, logout(wanted))).headers.location).toBe(leads)
  })

  test('an application that anybody may have registered gets a link, not the browser: this is no open redirect', async () => {
    const registered = clients.map(client => ({ ...client, origin: 'registered' as const }))
    const to = await given.server({ clients: registered })
    const { hint } = await signedIn(to)
    const answer = await get(to, logout({ id_token_hint: hint, post_logout_redirect_uri: leads }))
    expect([answer.status, answer.headers.location]).toEqual([200, undefined])
    expect(answer.text).toContain(`href="${leads}"`)
  })

  test('without an ID token there is the page, with a way on', async () => {
    const to = await server()
    const answer = await get(to, logout({ client_id: 'portal', post_logout_redirect_uri: leads }))
    expect([answer.status, answer.text.includes(`href="${leads}"`)]).toEqual([200, true])
    expect((await get(to, '/logout')).status).toBe(200)
    expect((await get(to, '/.well-known/openid-configuration')).body.end_session_endpoint).toBe(`${issuer}/logout`)
  })
})
