import { afterEach, describe, expect, test } from 'vitest'
import { browser } from '../../testing/browser.ts'
import { authorization, basic, call, introspect, me, postForm, redeem, refresh } from '../../testing/calls.ts'
import { closeGiven, given, issuer, redirectUri, secrets } from '../../testing/given.ts'

afterEach(closeGiven)

describe('code and PKCE, through the forms and without script (RFC 6749 §4.1.1, RFC 7636 §4.3)', () => {
  test('asks to sign in, comes back with a code and the state, and the code gives tokens', async () => {
    const to = await given.server()
    const page = browser(to)
    const { path, verifier } = authorization()
    const asked = await page.get(path)
    expect(asked.status).toBe(303)
    const signUpPath = String(asked.headers.location).replace('/sign-in', '/sign-up')
    const form = await page.get(String(asked.headers.location))
    expect(form.text).toContain('The app')
    expect(form.text).toContain('app.example')
    expect(form.headers['content-security-policy']).toContain("form-action 'self' https://app.example;")
    const signedUp = await page.signUp('maria@example.com', signUpPath)
    expect([signedUp.status, signedUp.headers['cache-control']]).toEqual([303, 'no-store'])
    const back = await page.get(String(signedUp.headers.location))
    expect(back.status).toBe(303)
    const target = new URL(String(back.headers.location))
    expect(target.origin + target.pathname).toBe(redirectUri)
    expect([target.searchParams.get('state'), target.searchParams.get('iss')]).toEqual(['st-1', issuer])
    const code = String(target.searchParams.get('code'))
    const answer = await redeem(to, { code, code_verifier: verifier })
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({ scope: 'account notes', session_id: expect.any(String) })
    const claims = (await introspect(to, String(answer.body.access_token))).body
    expect(claims).toMatchObject({ active: true, client_id: 'app', sid: answer.body.session_id, amr: ['pwd'] })
    expect((await me(to, String(answer.body.access_token))).status).toBe(200)
    await to.later(60)
    expect((await refresh(to, String(answer.body.refresh_token), { client: 'app' })).status).toBe(200)
  })

  test('who is signed in gets a code at once; prompt=login asks again, prompt=none never does', async () => {
    const to = await given.server()
    const page = browser(to)
    const none = await page.get(authorization({ prompt: 'none' }).path)
    expect(new URL(String(none.headers.location)).searchParams.get('error')).toBe('login_required')
    await page.signUp()
    expect((await page.code({ prompt: 'none' })).code).toMatch(/^[\w-]{43}$/)
    const again = await page.get(authorization({ prompt: 'login' }).path)
    expect(again.headers.location).toMatch(/^\/sign-in\?return_to=/)
  })

  test('codes are given 20 times a minute to one session: whoever loops fills no disk and is told to wait', async () => {
    const to = await given.server()
    const [page, other] = [browser(to), browser(to)]
    await page.signUp()
    await other.signIn()
    let last = ''
    for (let n = 0; n < 200; n++) {
      const answer = await page.get(authorization().path)
      const parameters = new URL(String(answer.headers.location)).searchParams
      expect(parameters.has('code')).toBe(n < 20)
      last = `${parameters.get('error')} ${parameters.get('reason')} ${parameters.get('state')}`
    }
    expect(last).toBe('temporarily_unavailable too_many_attempts st-1')
    expect((await other.code()).code).toMatch(/^[\w-]{43}$/)
    await to.later(3)
    expect((await page.code()).code).toMatch(/^[\w-]{43}$/)
  })

  test('a proof at redemption binds what the code gives', async () => {
    const to = await given.server()
    const page = browser(to)
    await page.signUp()
    const { code, verifier } = await page.code()
    const key = to.key()
    const answer = await redeem(to, { code, code_verifier: verifier }, { dpop: key.proof('POST', `${issuer}/token`) })
    expect(answer.body.token_type).toBe('DPoP')
    const fresh = String(answer.body.refresh_token)
    expect((await refresh(to, fresh, { client: 'app' })).body.reason).toBe('proof_required')
    expect((await refresh(to, fresh, { client: 'app', key })).status).toBe(200)
  })

  test('two applications share the session of the browser; signing out of it ends both', async () => {
    const to = await given.server()
    const page = browser(to)
    await page.signUp()
    const tokens = []
    for (const [client_id, redirect] of [
      ['app', redirectUri],
      ['hosted-app', 'https://hosted.example/callback'],
    ] as const) {
      const { code, verifier } = await page.code({ client_id, redirect_uri: redirect })
      const answer = await redeem(to, { code, code_verifier: verifier, client_id, redirect_uri: redirect })
      tokens.push(answer.body)
    }
    expect(tokens[0]?.session_id).toBe(tokens[1]?.session_id)
    await page.submit('/account', { command: 'sign_out' })
    for (const { access_token } of tokens) {
      expect((await me(to, String(access_token))).body.reason).toBe('token_revoked')
    }
  })

  test('one browser holds five logins of an application at most, the oldest ends, and sixty begin in an hour', async () => {
    const to = await given.server()
    const page = browser(to)
    await page.signUp()
    const before = (await to.audit()).length
    const begin = async () => {
      const { code, verifier } = await page.code()
      return redeem(to, { code, code_verifier: verifier })
    }
    const answers = []
    for (let times = 0; times < 7; times++) {
      await to.later(1)
      answers.push((await begin()).body)
    }
    const reasons = answers.map(async ({ access_token }) => (await me(to, String(access_token))).body.reason)
    expect(await Promise.all(reasons)).toEqual(['token_revoked', 'token_revoked', ...Array(5).fill(undefined)])
    expect((await to.store.feed.snapshot()).entries.map(({ kind }) => kind)).toEqual(['family', 'family'])
    expect((await to.auditedSince(before)).filter(event => event === 'family.ended')).toHaveLength(2)
    let begun = 7
    let late = await begin()
    for (; late.status === 200; begun++) {
      await to.later(4)
      late = await begin()
    }
    // The limit slides: while the test takes its four minutes, four more are allowed.
    expect(begun).toBeGreaterThanOrEqual(60)
    expect(begun).toBeLessThanOrEqual(65)
    expect([late.status, late.body.reason]).toEqual([429, 'too_many_attempts'])
  })

  test('a confidential client redeems with its secret, and its redirect URI keeps its own query', async () => {
    const to = await given.server()
    const page = browser(to)
    await page.signUp()
    const redirect_uri = 'https://web.example/callback?from=countersign'
    const { code, verifier } = await page.code({ client_id: 'web', redirect_uri })
    const fields = { grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri }
    const bare = await postForm(to, '/token', { ...fields, client_id: 'web' })
    expect([bare.status, bare.body.reason]).toEqual([401, 'client_authentication_failed'])
    expect((await postForm(to, '/token', fields, basic('web', secrets.web))).status).toBe(200)
  })
})

describe('what is never redirected (RFC 9700 §4.1.3)', () => {
  test.each([
    ['an unregistered one (CVE-2025-4143)', 'https://evil.example/callback'],
    ['another path', 'https://app.example/callback/../evil'],
    ['a prefix', 'https://app.example/callback.evil'],
    ['another case', 'https://app.example/Callback'],
    ['javascript: (GHSA-86j7-9j95-vpqj)', 'javascript:alert(1)'],
    ['data:', 'data:text/html,x'],
    ['a fragment', 'https://app.example/callback#x'],
    ['no scheme', '//evil.example/callback'],
    ['a backslash', 'https:\\\\evil.example\\callback'],
    ['a line break', 'https://app.example/callback%0d%0aSet-Cookie:x=1'],
    ['user information (CVE-2024-52289, CVE-2026-28512)', 'https://app.example@evil.example/callback'],
    ['several @ (CVE-2026-7504)', 'https://app.example@x@evil.example/callback'],
    ['a path parameter (CVE-2026-3872)', 'https://app.example/callback/..;/evil'],
    ['a dot as a wildcard', 'https://appxexample/callback'],
    ['loopback with a tail (CVE-2024-8883)', 'http://127.0.0.1.evil.example/callback'],
    ['loopback with user information', 'http://127.0.0.1:80@evil.example/callback'],
    ['localhost for 127.0.0.1', 'http://localhost/callback'],
    ['TLS for plain loopback', 'https://127.0.0.1/callback'],
    ['none', ''],
  ])('attacks 25, 26: %s is answered by a page', async (_name, uri) => {
    const to = await given.server()
    const page = browser(to)
    await page.signUp()
    for (const more of [{}, { response_type: 'token' }, { prompt: 'none' }]) {
      const answer = await page.get(authorization({ redirect_uri: uri, ...more }).path)
      expect([answer.status, answer.headers['countersign-reason']]).toEqual([400, 'redirect_uri_mismatch'])
      expect(answer.headers).not.toHaveProperty('location')
      expect(answer.text).not.toContain('evil')
    }
  })

  test('a loopback redirect URI is good with any port (RFC 8252 §7.3)', async () => {
    const to = await given.server()
    const page = browser(to)
    await page.signUp()
    const { code, verifier } = await page.code({ redirect_uri: 'http://127.0.0.1:53123/callback' })
    const fields = { code, code_verifier: verifier, redirect_uri: 'http://127.0.0.1:53123/callback' }
    expect((await redeem(to, fields)).status).toBe(200)
  })

  test('a request without a client gets a page that says so', async () => {
    const to = await given.server()
    const answer = await browser(to).get('/authorize?response_type=code')
    expect([answer.status, answer.headers['countersign-reason']]).toEqual([400, 'parameter_missing'])
    expect(answer.headers).not.toHaveProperty('location')
  })

  test('an unknown client gets a page', async () => {
    const to = await given.server()
    const answer = await browser(to).get(authorization({ client_id: 'nobody' }).path)
    expect([answer.status, answer.headers['countersign-reason']]).toEqual([401, 'client_authentication_failed'])
    expect(answer.headers).not.toHaveProperty('location')
  })

  test.each(['redirect_uri', 'state', 'client_id', 'scope', 'code_challenge', 'x'])(
    'attack 27 (CVE-2026-9689): %s twice gets a page',
    async name => {
      const to = await given.server()
      const page = browser(to)
      await page.signUp()
      const { path } = authorization({ x: '1', scope: 'account' })
      for (const second of ['https://evil.example/', encodeURIComponent(redirectUri), '']) {
        const answer = await page.get(`${path}&${name}=${second}`)
        expect([answer.status, answer.headers['countersign-reason']]).toEqual([400, 'parameter_duplicated'])
        expect(answer.headers).not.toHaveProperty('location')
      }
    },
  )

  test('attack 27 (CVE-2026-7571): what was changed between sign-in and return is judged anew', async () => {
    const to = await given.server()
    const page = browser(to)
    const asked = await page.get(authorization().path)
    const changed = String(asked.headers.location).replace('app.example', 'evil.example')
    const form = await page.get(changed)
    expect(form.text).not.toContain('class="asking"')
    expect(form.headers['content-security-policy']).not.toContain('evil')
    const signedUp = await page.signUp('maria@example.com', changed.replace('/sign-in', '/sign-up'))
    const back = await page.get(String(signedUp.headers.location))
    expect([back.status, back.headers['countersign-reason']]).toEqual([400, 'redirect_uri_mismatch'])
    expect(back.headers).not.toHaveProperty('location')
  })
})

test.each([
  ['no challenge', { code_challenge: '' }, 'invalid_request', 'pkce_required'],
  ['plain (attack 21)', { code_challenge_method: 'plain' }, 'invalid_request', 'pkce_required'],
  ['no method, which would mean plain', { code_challenge_method: '' }, 'invalid_request', 'pkce_required'],
  ['a short challenge', { code_challenge: 'x' }, 'invalid_request', 'parameter_invalid'],
  ['another response type', { response_type: 'token' }, 'unsupported_response_type', 'response_type_unsupported'],
  ['a fragment as response', { response_mode: 'fragment' }, 'invalid_request', 'parameter_invalid'],
  ['scopes that it may not have', { scope: 'admin openid' }, 'invalid_scope', 'scope_invalid'],
])('the client is told of %s, with state and iss', async (_name, more, error, reason) => {
  const to = await given.server()
  const page = browser(to)
  await page.signUp()
  const answer = await page.get(authorization(more as Record<string, string>).path)
  const target = new URL(String(answer.headers.location)).searchParams
  expect([answer.status, target.get('error'), target.get('reason')]).toEqual([303, error, reason])
  expect([target.get('state'), target.get('iss'), target.has('code')]).toEqual(['st-1', issuer, false])
})

test('an endless state is not carried around', async () => {
  const to = await given.server()
  const page = browser(to)
  const { path } = authorization({ state: 'x'.repeat(3_000) })
  const answer = await page.get(path)
  expect(new URL(String(answer.headers.location)).searchParams.get('reason')).toBe('parameter_invalid')
  expect(String(answer.headers.location).length).toBeLessThan(1_000)
  const posted = await postForm(
    to,
    '/authorize',
    Object.fromEntries(new URLSearchParams(authorization({ x: 'y'.repeat(20_000) }).path.split('?')[1])),
  )
  expect(new URL(String(posted.headers.location)).searchParams.get('reason')).toBe('parameter_invalid')
})

test('a state comes back as it was, whatever it is, and adds no header; with the issuer (RFC 9207 §2)', async () => {
  const to = await given.server()
  const page = browser(to)
  await page.signUp()
  for (const state of ['a b+c&d=e', '\r\nSet-Cookie: x=1', '"><script>', 'äöü ☃', '%00']) {
    const answer = await page.get(authorization({ state }).path)
    expect(new URL(String(answer.headers.location)).searchParams.get('state')).toBe(state)
    expect(answer.cookies).toEqual([])
  }
})

describe('redeeming a code (RFC 6749 §4.1.3, RFC 7636 §4.5)', () => {
  async function withCode() {
    const to = await given.server()
    const page = browser(to)
    await page.signUp()
    return { to, page, ...(await page.code()) }
  }

  test('attack 20 (CVE-2026-28513): with only the client wrong, only the redirect URI, only the expiry past', async () => {
    const { to, code, verifier } = await withCode()
    const good = { code, code_verifier: verifier }
    expect((await redeem(to, { ...good, client_id: 'bearer-app' })).body.reason).toBe('code_invalid')
    expect((await redeem(to, { ...good, redirect_uri: 'http://127.0.0.1/callback' })).body.reason).toBe('code_invalid')
    await to.later(60)
    expect((await redeem(to, good)).body.reason).toBe('code_invalid')
    to.setClock(to.now() - 1)
    expect((await redeem(to, good)).status).toBe(200)
  })

  test.each([
    ['omitted (CVE-2024-23647)', ''],
    ['of another length (CVE-2023-48228)', 'x'],
    ['too long', 'x'.repeat(129)],
    ['with other characters', `${'x'.repeat(42)}ä`],
    ['the challenge itself', 'challenge'],
  ])('attack 21: a verifier %s is 400, and the right one still works', async (_name, wrong) => {
    const { to, code, verifier } = await withCode()
    const answer = await redeem(to, { code, code_verifier: wrong })
    expect([answer.status, answer.body.error]).toEqual([400, wrong === '' ? 'invalid_request' : 'invalid_grant'])
    expect((await redeem(to, { code, code_verifier: verifier })).status).toBe(200)
  })

  test('attack 21 (CVE-2024-22258, CVE-2026-41213): a thousand wrong verifiers burn the code', async () => {
    const { to, code, verifier } = await withCode()
    for (let tries = 0; tries < 1_000; tries += 50) {
      const guesses = Array.from({ length: 50 }, (_, index) => `${'x'.repeat(43)}${tries + index}`)
      const answers = await Promise.all(guesses.map(guess => redeem(to, { code, code_verifier: guess })))
      for (const answer of answers) expect(answer.body.reason).toBe('code_invalid')
    }
    expect((await redeem(to, { code, code_verifier: verifier })).body.reason).toBe('code_invalid')
  })

  test('a second redemption soon is refused and ends nothing; later it ends what the code gave', async () => {
    const { to, code, verifier } = await withCode()
    const first = await redeem(to, { code, code_verifier: verifier })
    const token = String(first.body.access_token)
    expect((await redeem(to, { code, code_verifier: verifier })).body.reason).toBe('code_invalid')
    expect((await me(to, token)).status).toBe(200)
    to.setClock(to.now() + 10_000)
    expect((await redeem(to, { code, code_verifier: verifier })).body.reason).toBe('code_reused')
    expect((await me(to, token)).body.reason).toBe('token_revoked')
    expect((await refresh(to, String(first.body.refresh_token), { client: 'app' })).body.reason).toBe('session_ended')
  })

  test('a code from before a password change, or of an ended session, is worth nothing', async () => {
    const { to, page, code, verifier } = await withCode()
    const later = await page.code()
    await page.submit('/account', {
      command: 'change_password',
      current_password: 'correct horse battery',
      new_password: 'a better horse battery',
    })
    expect((await redeem(to, { code, code_verifier: verifier })).body.reason).toBe('code_invalid')
    const fresh = await page.code()
    await page.submit('/account', { command: 'sign_out' })
    for (const one of [later, fresh]) {
      expect((await redeem(to, { code: one.code, code_verifier: one.verifier })).body.reason).toBe('code_invalid')
    }
  })

  test('a resource that was not granted is refused, and the code is still good', async () => {
    const { to, code, verifier } = await withCode()
    const good = { code, code_verifier: verifier }
    expect((await redeem(to, { ...good, resource: 'https://else.example' })).body.reason).toBe('resource_invalid')
    expect((await redeem(to, { ...good, resource: 'https://api.example' })).status).toBe(200)
  })

  test.each(['code', 'redirect_uri'])('needs %s', async name => {
    const { to, code, verifier } = await withCode()
    const answer = await redeem(to, { code, code_verifier: verifier, [name]: '' })
    expect([answer.status, answer.body.reason]).toEqual([400, 'parameter_missing'])
  })
})

test('a code is for GET and POST; HEAD gives no body', async () => {
  const to = await given.server()
  const answer = await call(to, { method: 'HEAD', url: authorization().path })
  expect([answer.status, answer.text]).toEqual([303, ''])
})
