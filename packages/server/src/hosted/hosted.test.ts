import { afterEach, describe, expect, test } from 'vitest'
import { browser } from '../testing/browser.ts'
import { authorization, call, get, me, redeem, signUp } from '../testing/calls.ts'
import { closeGiven, type GivenServer, given, issuer, password } from '../testing/given.ts'

afterEach(closeGiven)

const cookieName = '__Host-countersign'
const formType = { 'content-type': 'application/x-www-form-urlencoded' }

describe('the cookie of a session', () => {
  test('is __Host-, HttpOnly, Secure, SameSite=Lax with an https issuer, and its answer is not cached', async () => {
    const to = await given.server()
    await signUp(to)
    const answer = await browser(to).signIn()
    expect(answer.status).toBe(303)
    const [line] = answer.cookies.filter(one => one.startsWith(`${cookieName}=`))
    expect(line?.split('; ').slice(1).sort()).toEqual([
      'HttpOnly',
      'Max-Age=15552000',
      'Path=/',
      'SameSite=Lax',
      'Secure',
    ])
    expect(answer.headers['cache-control']).toBe('no-store')
  })

  test('on plain loopback is without the prefix and Secure, and still HttpOnly', async () => {
    const to = await given.server({ config: { issuer: 'http://127.0.0.1:4400' } })
    await signUp(to)
    const headers = { origin: 'http://127.0.0.1:4400' }
    const answer = await browser(to).submit('/sign-in', { email: 'maria@example.com', password }, headers)
    expect(answer.cookies[0]).toMatch(/^countersign=[^;]+; Max-Age=15552000; Path=\/; HttpOnly; SameSite=Lax$/)
  })

  test('CVE-2022-25896: every login gives a new one, and the one from before is worth nothing', async () => {
    const to = await given.server()
    await signUp(to)
    const page = browser(to)
    await page.signIn()
    const before = page.jar.get(cookieName) ?? ''
    await page.signIn()
    expect(page.jar.get(cookieName)).not.toBe(before)
    const thief = browser(to)
    thief.jar.set(cookieName, before)
    expect((await thief.get('/account')).headers.location).toBe('/sign-in?return_to=/account')
    expect((await page.get('/account')).status).toBe(200)
  })

  test('CVE-2022-25896, CVE-2026-7507, CVE-2024-28197: one that was planted before the login is not taken over', async () => {
    const to = await given.server()
    await signUp(to)
    await signUp(to, 'else@example.com')
    const [attacker, victim] = [browser(to), browser(to)]
    await attacker.signIn('else@example.com')
    const planted = attacker.jar.get(cookieName) ?? ''
    victim.jar.set(cookieName, planted)
    await victim.signIn()
    expect(victim.jar.get(cookieName)).not.toBe(planted)
    expect((await attacker.get('/account')).status).toBe(303)
    expect((await victim.get('/account')).text).toContain('maria@example.com')
  })

  test('altered, cut, lengthened, without its mark or of another session is nobody', async () => {
    const to = await given.server()
    await signUp(to)
    const [page, other] = [browser(to), browser(to)]
    await page.signIn()
    await other.signIn()
    const [id = '', mac = ''] = (page.jar.get(cookieName) ?? '').split('.')
    const [otherId = ''] = (other.jar.get(cookieName) ?? '').split('.')
    for (const value of [
      id,
      `${id}.`,
      `${id}.${mac.slice(1)}`,
      `${id}.${mac}A`,
      `${id}.${mac}.x`,
      `${otherId}.${mac}`,
      `.${mac}`,
      'x',
      '%00',
    ]) {
      const thief = browser(to)
      thief.jar.set(cookieName, value)
      expect((await thief.get('/account')).status).toBe(303)
    }
  })

  test('twice in one request (cookie tossing) is nobody', async () => {
    const to = await given.server()
    await signUp(to)
    const page = browser(to)
    await page.signIn()
    const own = `${cookieName}=${page.jar.get(cookieName)}`
    for (const cookie of [`${own}; ${own}x`, `${cookieName}=x; ${own}`]) {
      expect((await get(to, '/account', { cookie })).status).toBe(303)
    }
    expect((await get(to, '/account', { cookie: `countersign=x; ${own}` })).status).toBe(200)
  })

  test('CVE-2026-123799: is nobody once the time of its session is over, though no job has swept it', async () => {
    const to = await given.server()
    await signUp(to)
    const page = browser(to)
    await page.signIn()
    const { user } = await to.store.loadUserByEmail('maria@example.com')
    const [session] = await to.store.listSessions(String(user?.id))
    const kept = page.jar.get(cookieName) ?? ''
    to.setClock(Number(session?.session.absoluteEndAt) - 1)
    expect((await get(to, '/account', { cookie: `${cookieName}=${kept}` })).status).toBe(200)
    to.setClock(Number(session?.session.absoluteEndAt))
    expect((await get(to, '/account', { cookie: `${cookieName}=${kept}` })).status).toBe(303)
  })

  test('ends with its session, and signing out takes it away', async () => {
    const to = await given.server()
    await signUp(to)
    const page = browser(to)
    await page.signIn()
    const kept = page.jar.get(cookieName) ?? ''
    const answer = await page.submit('/account', { command: 'sign_out' })
    expect(answer.status).toBe(200)
    expect(page.jar.has(cookieName)).toBe(false)
    page.jar.set(cookieName, kept)
    expect((await page.get('/account')).status).toBe(303)
  })
})

describe('forms', () => {
  const paths = ['/sign-in', '/sign-up', '/account'] as const
  const fields = { email: 'maria@example.com', password, command: 'end_all' }

  async function signedIn() {
    const to = await given.server()
    await signUp(to)
    const page = browser(to)
    await page.signIn()
    return { to, page }
  }

  test.each(paths)('login CSRF, CSRF: %s takes no form of another site, and nothing happens', async path => {
    const { to, page } = await signedIn()
    const before = (await to.audit()).length
    const tried: [Record<string, string>, Record<string, string>][] = [
      [{ csrf: '' }, {}],
      [{ csrf: 'x' }, {}],
      [{ csrf: 'A'.repeat(43) }, {}],
      [{}, { origin: 'https://evil.example' }],
      [{}, { origin: 'null' }],
      [{}, { 'sec-fetch-site': 'cross-site' }],
      [{}, { 'sec-fetch-site': 'same-site' }],
    ]
    for (const [more, headers] of tried) {
      const answer = await page.submit(path, { ...fields, email: 'else@example.com', ...more }, headers)
      expect([answer.status, answer.headers['countersign-reason']]).toEqual([403, 'csrf_refused'])
    }
    expect(await to.auditedSince(before)).toEqual([])
    expect((await page.get('/account')).status).toBe(200)
  })

  test('a form token of another browser is no good', async () => {
    const { to, page } = await signedIn()
    const other = browser(to)
    const csrf = /name="csrf" value="([^"]+)"/.exec((await other.get('/sign-in')).text)?.[1] ?? ''
    const answer = await page.submit('/account', { csrf, command: 'end_all' })
    expect(answer.headers['countersign-reason']).toBe('csrf_refused')
  })

  test('an unknown command is refused', async () => {
    const { page } = await signedIn()
    for (const command of ['', 'constructor', '__proto__', 'delete']) {
      expect((await page.submit('/account', { command })).status).toBe(400)
    }
  })

  test('a form that was sent too early says so at each field, in the page’s language, and counts as no attempt', async () => {
    const to = await given.server()
    const page = browser(to)
    for (let attempt = 0; attempt < 12; attempt++) {
      const answer = await page.submit('/sign-in', { email: 'maria', password: '' })
      expect([answer.status, answer.headers['countersign-reason']]).toEqual([400, 'parameter_missing'])
      expect(answer.text).toMatch(
        /aria-invalid="true" aria-describedby="email-error">\n<p class="field-error" id="email-error">This is not/,
      )
      expect(answer.text).toMatch(
        /aria-describedby="password-error">\n<p class="field-error" id="password-error">Please enter your/,
      )
      expect(answer.text).not.toContain('role="alert"')
    }
    const login = await page.submit('/sign-in', { email: 'maria@example.com', password: 'wrong horse battery' })
    expect(login.headers['countersign-reason']).toBe('login_failed')
  })

  test('forms with fields leave it to the server to say what is wrong', async () => {
    const page = browser(await given.server())
    for (const path of ['/sign-in', '/sign-up'])
      expect((await page.get(path)).text).toContain('<form method="post" novalidate>')
  })

  test('what was typed stays in the form, the password does not, and markup is text', async () => {
    const to = await given.server()
    const answer = await browser(to).submit('/sign-in', { email: '"><b>x</b>', password: 'wrong horse battery' })
    expect([answer.status, answer.headers['countersign-reason']]).toEqual([400, 'parameter_missing'])
    expect(answer.text).toContain('&lt;b&gt;x')
    expect(answer.text).not.toContain('<b>x')
    expect(answer.text).not.toContain('wrong horse')
  })

  test('CVE-2024-41952, CVE-2026-23511: unknown account and wrong password give one page', async () => {
    const { to } = await signedIn()
    const strip = (text: string) => text.replace(/value="[^"]*"/g, '')
    const wrong = await browser(to).submit('/sign-in', { email: 'maria@example.com', password: 'wrong horse battery' })
    const unknown = await browser(to).submit('/sign-in', {
      email: 'nobody@example.com',
      password: 'wrong horse battery',
    })
    expect(strip(unknown.text)).toBe(strip(wrong.text))
    expect(unknown.status).toBe(wrong.status)
  })

  test('too many failures: 429 with Retry-After, on the page', async () => {
    const { to } = await signedIn()
    const page = browser(to)
    let answer = await page.get('/sign-in')
    for (let tries = 0; tries < 11; tries++) {
      answer = await page.submit('/sign-in', { email: 'maria@example.com', password: `wrong ${tries} horse` })
    }
    expect([answer.status, answer.headers['countersign-reason']]).toEqual([429, 'too_many_attempts'])
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
  })

  test.each(paths)('%s refuses other bodies than forms, repeated fields and rubbish', async path => {
    const { to, page } = await signedIn()
    const cookie = [...page.jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const post = async (payload: string, type: string) => {
      const answer = await call(to, { method: 'POST', url: path, payload, headers: { cookie, 'content-type': type } })
      return [answer.status, answer.headers['countersign-reason']]
    }
    expect(await post('{}', 'application/json')).toEqual([415, 'content_type_unsupported'])
    expect(await post('csrf=a&csrf=b', formType['content-type'])).toEqual([400, 'parameter_duplicated'])
    expect(await post('csrf=%zz', formType['content-type'])).toEqual([400, 'request_malformed'])
    expect(await post('csrf=%00', formType['content-type'])).toEqual([400, 'request_malformed'])
  })

  test('closed sign-up shows no form and takes none', async () => {
    const to = await given.server({ config: { signUp: 'closed' } })
    const page = browser(to)
    expect((await page.get('/sign-up')).status).toBe(403)
    expect((await page.signUp()).headers['countersign-reason']).toBe('signup_closed')
    expect((await page.get('/sign-in')).text).not.toContain('/sign-up')
  })
})

describe('where a sign-in leads', () => {
  const open = [
    'https://evil.example/',
    '//evil.example/',
    '/\\evil.example',
    '/account/../../evil',
    '/authorize',
    'javascript:alert(1)',
    '/authorize/..//evil.example?x',
    '\t//evil.example',
  ]
  test.each(open)('CVE-2025-27143, CVE-2025-71403: %j as return_to leads to the account page', async target => {
    const to = await given.server()
    await signUp(to)
    const answer = await browser(to).signIn('maria@example.com', `/sign-in?return_to=${encodeURIComponent(target)}`)
    expect([answer.status, answer.headers.location]).toEqual([303, '/account'])
  })

  test('response splitting: a line break, other control characters and letters beyond ASCII add nothing', async () => {
    const to = await given.server()
    await signUp(to)
    for (const rubbish of ['\r\nSet-Cookie: x=1', '\n\n<script>', '☃', 'a b', '#x', '\u0085']) {
      const path = `/sign-in?return_to=${encodeURIComponent(`/authorize?client_id=x&y=${rubbish}`)}`
      const answer = await browser(to).signIn('maria@example.com', path)
      expect(answer.status).toBe(303)
      expect(answer.headers.location).toMatch(/^\/authorize\?[\x21-\x7e]+$/)
      expect(answer.cookies.some(line => line.startsWith('x='))).toBe(false)
    }
  })

  test.each(['/sign-in', '/sign-up'])('whatever stands in the query of %s, the page is shown', async path => {
    const to = await given.server()
    for (const query of ['x=\\', '\\', 'x=%5C', 'x=%0a', 'x=%7f', 'x=%e2%98%83', '%5c%5cevil.example=1', '%20']) {
      const shown = await get(to, `${path}?${query}`)
      expect([query, shown.status]).toEqual([query, 200])
      expect(shown.text).toMatch(/href="\/sign-(in|up)(\?[\x21-\x5b\x5d-\x7e]*)?"/)
      const again = await browser(to).submit(`${path}?${query}`, {
        email: 'no address',
        password: 'wrong horse battery',
      })
      expect([query, [400, 401].includes(again.status)]).toEqual([query, true])
    }
  })

  test('a link cannot put words on the sign-in page', async () => {
    const to = await given.server()
    const words = 'Your-account-is-blocked'
    for (const more of [{ client_id: words }, { redirect_uri: `https://${words}.example/` }]) {
      const path = `/sign-in?return_to=${encodeURIComponent(authorization(more).path)}`
      const { text } = await browser(to).get(path)
      expect(text.replace(/<a [^>]*>/g, '')).not.toContain(words)
    }
  })
})

describe('the account page', () => {
  async function account(): Promise<{ to: GivenServer; page: ReturnType<typeof browser>; token: string }> {
    const to = await given.server()
    await signUp(to)
    const page = browser(to)
    await page.signIn()
    const { code, verifier } = await page.code({ client_id: 'bearer-app' })
    const answer = await redeem(to, { code, code_verifier: verifier, client_id: 'bearer-app' })
    return { to, page, token: String(answer.body.access_token) }
  }

  test('shows the sessions with their devices and applications', async () => {
    const { to, page } = await account()
    const phone = browser(
      to,
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1',
    )
    await phone.signIn()
    const { text, headers, status } = await page.get('/account')
    expect(status).toBe(200)
    expect(text).toContain('Firefox on Linux')
    expect(text).toContain('bearer-app')
    expect(text).toMatch(/Safari on (iOS|iPhone)/)
    expect(headers['cache-control']).toBe('no-store')
    expect(headers['content-security-policy']).toContain("default-src 'none'")
  })

  test('ends one session, all others, or all', async () => {
    const { to, page, token } = await account()
    const others = [browser(to), browser(to)]
    for (const other of others) await other.signIn()
    const ids = [...(await page.get('/account')).text.matchAll(/name="session_id" value="([^"]+)"/g)].map(
      found => found[1] ?? '',
    )
    expect(ids).toHaveLength(2)
    const one = await page.submit('/account', { command: 'end_session', session_id: ids[0] ?? '' })
    expect([one.status, one.headers.location]).toEqual([303, '/account?done=end_session'])
    expect((await page.get('/account')).text.match(/name="session_id"/g)).toHaveLength(1)
    await page.submit('/account', { command: 'end_others' })
    for (const other of others) expect((await other.get('/account')).status).toBe(303)
    expect((await page.get('/account')).status).toBe(200)
    const all = await page.submit('/account', { command: 'end_all' })
    expect(all.status).toBe(200)
    expect((await page.get('/account')).status).toBe(303)
    expect((await me(to, token)).body.reason).toBe('token_revoked')
  })

  test("does not end another user's session", async () => {
    const { to, page } = await account()
    await signUp(to, 'else@example.com')
    const other = browser(to)
    await other.signIn('else@example.com')
    const [id = ''] = (other.jar.get(cookieName) ?? '').split('.')
    for (const session_id of [id, '', 'x', 'A'.repeat(22)]) {
      const answer = await page.submit('/account', { command: 'end_session', session_id })
      expect([answer.status, answer.headers['countersign-reason']]).toEqual([404, 'session_unknown'])
    }
    expect((await other.get('/account')).status).toBe(200)
  })

  test('a new password ends every other session, and a copy of this cookie too', async () => {
    const { to, page } = await account()
    const other = browser(to)
    await other.signIn()
    const copy = browser(to)
    copy.jar.set(cookieName, page.jar.get(cookieName) ?? '')
    const change = { command: 'change_password', current_password: password, new_password: 'a better horse battery' }
    const wrong = await page.submit('/account', { ...change, current_password: 'wrong horse battery' })
    expect([wrong.status, wrong.headers['countersign-reason']]).toEqual([401, 'login_failed'])
    const answer = await page.submit('/account', change)
    expect([answer.status, answer.headers.location]).toEqual([303, '/account?done=change_password'])
    expect((await page.get('/account')).status).toBe(200)
    expect((await copy.get('/account')).status).toBe(303)
    expect((await other.get('/account')).status).toBe(303)
  })

  test('attack 31 (GHSA-2vg6-77g8-24mp): disabling or deleting the user ends it at once', async () => {
    for (const end of ['disableUser', 'deleteUser'] as const) {
      const { to, page, token } = await account()
      await to.server.admin[end]('maria@example.com')
      expect((await page.get('/account')).status).toBe(303)
      expect((await me(to, token)).body.reason).toBe('token_revoked')
      await closeGiven()
    }
  })
})

test('I5, I6: every page has HSTS, a strict policy, no framing and no sniffing', async () => {
  const to = await given.server()
  for (const path of ['/sign-in', '/sign-up', '/authorize', '/account', '/jwks', '/nothing', '/v1/me']) {
    const { headers } = await get(to, path)
    expect(headers['strict-transport-security']).toBe('max-age=31536000')
    expect(headers['x-content-type-options']).toBe('nosniff')
    if (headers['content-type']?.startsWith('text/html')) {
      expect(headers['x-frame-options']).toBe('DENY')
      expect(headers['content-security-policy']).toContain("require-trusted-types-for 'script'")
    }
  }
  const plain = await given.server({ config: { issuer: 'http://127.0.0.1:4400' } })
  expect((await get(plain, '/sign-in')).headers).not.toHaveProperty('strict-transport-security')
  expect(issuer).toMatch(/^https:/)
})
