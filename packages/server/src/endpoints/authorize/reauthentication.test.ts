import { declareClient, signerOf, signJws } from '@countersign/core'
import { afterEach, describe, expect, test } from 'vitest'
import { type Browser, browser } from '../../testing/browser.ts'
import { authorization, introspect, me, redeem, refresh, signUp } from '../../testing/calls.ts'
import { closeGiven, type GivenServer, given, issuer, sampleClients } from '../../testing/given.ts'

afterEach(closeGiven)

const cookieName = '__Host-countersign'

async function signedIn(more: Parameters<typeof given.server>[0] = {}) {
  const to = await given.server(more)
  const page = browser(to)
  await page.signUp()
  return { to, page }
}

/** The page that a request leads to, and the way back that it carries. */
async function ask(page: Browser, more: Record<string, string>) {
  const { headers } = await page.get(authorization(more).path)
  const location = new URL(String(headers.location), issuer)
  const back = location.searchParams.get('return_to') ?? ''
  return { at: location.pathname, location: String(headers.location), back, told: location.searchParams }
}

async function tokensOf(to: GivenServer, page: Browser, more: Record<string, string> = {}) {
  const { path, verifier } = authorization(more)
  const { parameters, pages } = await page.follow(path)
  const code = String(parameters.get('code'))
  const answer = await redeem(to, { code, code_verifier: verifier, client_id: 'app', ...idOf(more) })
  const { access_token, refresh_token } = answer.body
  return { pages, access: String(access_token), refresh: String(refresh_token) }
}

const idOf = ({ client_id }: Record<string, string>) => (client_id === undefined ? {} : { client_id })
const authTime = async (to: GivenServer, token: string) => (await introspect(to, token)).body.auth_time

describe('prompt=login, select_account, max_age', () => {
  test.each([{ prompt: 'login' }, { prompt: 'select_account' }, { prompt: 'login consent' }, { max_age: '0' }])(
    '%j: who is signed in signs in again, and auth_time says when',
    async more => {
      const { to, page } = await signedIn()
      await to.later(100)
      const { pages, access } = await tokensOf(to, page, more)
      expect(pages).toEqual(['/authorize', '/sign-in', '/authorize'])
      expect(await authTime(to, access)).toBe(Math.floor(to.now() / 1000))
    },
  )

  test('who is not signed in is asked once, not twice', async () => {
    const { to } = await signedIn()
    const other = browser(to)
    const { path } = authorization({ prompt: 'login', max_age: '0' })
    expect((await other.follow(path)).pages).toEqual(['/authorize', '/sign-in', '/authorize'])
  })

  test('max_age is asked for when it is past; the client has a default', async () => {
    const strict = declareClient({ ...sampleClients[0], id: 'strict', defaultMaxAgeSeconds: 60 })
    const { to, page } = await signedIn({ clients: [...sampleClients, strict] })
    await to.later(60)
    for (const more of [{ max_age: '60' }, { client_id: 'strict' }, { client_id: 'strict', prompt: 'none' }]) {
      expect((await ask(page, more)).told.has('code')).toBe(true)
    }
    await to.later(1)
    expect((await ask(page, { max_age: '60' })).at).toBe('/sign-in')
    expect((await ask(page, { client_id: 'strict' })).at).toBe('/sign-in')
    expect((await ask(page, { client_id: 'strict', max_age: '600' })).told.has('code')).toBe(true)
    expect((await ask(page, { max_age: '60', prompt: 'none' })).told.get('error')).toBe('login_required')
  })

  test('prompt=create leads to the sign-up if that is open', async () => {
    const { page } = await signedIn()
    const { path } = authorization({ prompt: 'create' })
    expect((await page.follow(path, 'new@example.com')).pages).toEqual(['/authorize', '/sign-up', '/authorize'])
    expect((await page.get('/account')).text).toContain('new@example.com')
    const closed = await given.server({ config: { signUp: 'closed' } })
    expect((await ask(browser(closed), { prompt: 'create' })).at).toBe('/sign-in')
  })
})

describe('attacks 27, 35 (CVE-2026-7571, CVE-2025-46815): a stale session does not get past by way of the address', () => {
  const reach = async (page: Browser, path: string) =>
    new URL(String((await page.get(path)).headers.location), issuer).pathname

  test('the way back without the mark, with another, a cut or an empty one, is asked again', async () => {
    const { to, page } = await signedIn()
    await to.later(1)
    const { back } = await ask(page, { prompt: 'login' })
    const mark = new URL(back, issuer).searchParams.get('signed_in_since') ?? ''
    const [time = '', mac = ''] = mark.split('.')
    const earlier = (Number.parseInt(time, 36) - 1_000_000).toString(36)
    for (const other of [
      '',
      'x',
      `${earlier}.${mac}`,
      `${time}.`,
      `0.${mac}`,
      mark.slice(0, -1),
      `${mark}A`,
      `z${mark}`,
    ]) {
      expect(await reach(page, back.replace(mark, other))).toBe('/sign-in')
    }
    // The session is older than the mark, whatever the mark says.
    expect(await reach(page, back)).toBe('/sign-in')
  })

  test('a mark is good for its own request, in its own browser', async () => {
    const { to, page } = await signedIn()
    const { back } = await ask(page, { prompt: 'login' })
    await to.later(1)
    await page.signIn()
    for (const [from, other] of [
      ['st-1', 'st-2'],
      ['client_id=app', 'client_id=bearer-app'],
      ['prompt=login', 'prompt=login&max_age=0'],
    ] as const) {
      expect(await reach(page, back.replace(from, other))).toBe('/sign-in')
    }
    const victim = browser(to)
    await victim.signIn()
    expect(await reach(victim, back)).toBe('/sign-in')
    expect(await reach(page, back)).toBe('/callback')
  })

  test('a mark gives one code; reloading asks again', async () => {
    const { to, page } = await signedIn()
    const { back } = await ask(page, { prompt: 'login' })
    await page.signIn()
    const answers = await Promise.all(Array.from({ length: 10 }, () => reach(page, back)))
    expect(answers.filter(path => path === '/callback')).toHaveLength(1)
    expect(answers.filter(path => path === '/sign-in')).toHaveLength(9)
    await to.later(1)
    expect(await reach(page, back)).toBe('/sign-in')
  })

  test('a mark is worth nothing after a quarter of an hour', async () => {
    const { to, page } = await signedIn()
    const { back } = await ask(page, { prompt: 'login' })
    await page.signIn()
    await to.later(15 * 60)
    expect(await reach(page, back)).toBe('/sign-in')
  })
})

test('attack 39: before the sign-in is complete there is no code', async () => {
  const { to } = await signedIn()
  const page = browser(to)
  const { location, back } = await ask(page, {})
  const wrong = await page.submit(location, { email: 'maria@example.com', password: 'wrong horse battery' })
  expect(wrong.status).toBe(401)
  expect((await page.get(back)).headers.location).toMatch(/^\/sign-in/)
  expect((await ask(page, { prompt: 'none' })).told.get('error')).toBe('login_required')
})

describe('attack 42 (CVE-2022-25896): signing in again', () => {
  test('gives a new cookie, and the one from before is worth nothing', async () => {
    const { page, to } = await signedIn()
    const before = page.jar.get(cookieName) ?? ''
    await tokensOf(to, page, { prompt: 'login' })
    const thief = browser(to)
    thief.jar.set(cookieName, before)
    expect((await thief.get('/account')).status).toBe(303)
    expect((await page.get('/account')).status).toBe(200)
  })

  test('as the same user leaves the other applications in the browser signed in, their auth_time as it was', async () => {
    const { page, to } = await signedIn()
    const first = await tokensOf(to, page, { client_id: 'bearer-app' })
    const then = await authTime(to, first.access)
    await to.later(120)
    const second = await tokensOf(to, page, { prompt: 'login' })
    expect((await me(to, first.access)).status).toBe(200)
    const refreshed = await refresh(to, first.refresh)
    expect(refreshed.status).toBe(200)
    expect(await authTime(to, String(refreshed.body.access_token))).toBe(then)
    expect(await authTime(to, second.access)).toBe(Number(then) + 120)
    const sessions = (await page.get('/account')).text.match(/<li class="session">/g)
    expect(sessions).toHaveLength(1)
    expect((await to.audit()).map(({ record }) => record.event)).toContain('session.reauthenticated')
  })

  test('CVE-2025-12390: as another user ends the earlier session and what was in it', async () => {
    const { page, to } = await signedIn()
    await signUp(to, 'else@example.com')
    const first = await tokensOf(to, page, { client_id: 'bearer-app' })
    await page.follow(authorization({ prompt: 'login' }).path, 'else@example.com')
    expect((await me(to, first.access)).body.reason).toBe('token_revoked')
    expect((await page.get('/account')).text).toContain('else@example.com')
  })
})

describe('whom the client expects', () => {
  async function withHints() {
    const { to, page } = await signedIn()
    const { access } = await tokensOf(to, page)
    const sub = String((await introspect(to, access)).body.sub)
    const { kid, alg, key } = to.server.services.keys.mint().signer
    const signer = signerOf(kid, alg, key, 'JWT')
    const hint = (claims: object = {}) => signJws(signer, { iss: issuer, sub, aud: 'app', exp: 1, ...claims })
    return { to, page, sub, hint }
  }

  test('an expired ID token of theirs, and their sub in claims, are no hindrance', async () => {
    const { page, hint, sub } = await withHints()
    const claims = JSON.stringify({ id_token: { sub: { value: sub } } })
    for (const more of [{ id_token_hint: hint() }, { claims }, { id_token_hint: hint(), claims, prompt: 'none' }]) {
      expect((await ask(page, more)).told.has('code')).toBe(true)
    }
  })

  test('somebody else is asked to sign in, and told to the client if that was the wrong user again', async () => {
    const { to, page, hint } = await withHints()
    await signUp(to, 'else@example.com')
    const other = browser(to)
    await other.signIn('else@example.com')
    const { path } = authorization({ id_token_hint: hint() })
    expect((await ask(other, { id_token_hint: hint(), prompt: 'none' })).told.get('error')).toBe('login_required')
    const wrong = await other.follow(path, 'else@example.com')
    expect(wrong.pages).toEqual(['/authorize', '/sign-in', '/authorize'])
    expect([wrong.parameters.get('error'), wrong.parameters.has('code')]).toEqual(['login_required', false])
    expect((await other.follow(path)).parameters.has('code')).toBe(true)
    const claims = JSON.stringify({ id_token: { sub: { value: 'nobody' } } })
    expect((await ask(page, { claims, prompt: 'none' })).told.get('error')).toBe('login_required')
  })

  test('an ID token of another client, an access token, a forged one are refused', async () => {
    const { to, page, hint } = await withHints()
    const { access } = await tokensOf(to, page)
    for (const id_token_hint of [hint({ aud: 'web' }), hint({ iss: 'https://else.example' }), access, `${hint()}A`]) {
      expect((await ask(page, { id_token_hint })).told.get('error')).toBe('invalid_request')
    }
  })

  test('login_hint fills in the address, if it is one', async () => {
    const to = await given.server()
    const page = browser(to)
    const { location } = await ask(page, { login_hint: 'Maria@example.com' })
    expect((await page.get(location)).text).toContain('value="Maria@example.com"')
    const rubbish = await ask(page, { login_hint: 'Your account is blocked' })
    expect((await page.get(rubbish.location)).text).toMatch(/<input (?![^>]*value=)[^>]*name="email"/)
  })
})

describe('acr: what an API has challenged for (RFC 9470)', () => {
  const [one, two] = ['urn:countersign:acr:1fa', 'urn:countersign:acr:2fa']

  test('max_age of the challenge leads to the sign-in, acr_values that are there do not', async () => {
    const { to, page } = await signedIn()
    await to.later(301)
    expect((await ask(page, { acr_values: one })).told.has('code')).toBe(true)
    const { pages, access } = await tokensOf(to, page, { acr_values: one, max_age: '300' })
    expect(pages).toContain('/sign-in')
    expect((await introspect(to, access)).body.acr).toBe(one)
  })

  test('what cannot be had is left out if voluntary, and told if essential', async () => {
    const { page } = await signedIn()
    expect((await ask(page, { acr_values: two })).told.has('code')).toBe(true)
    const essential = (acr: object) => ({ claims: JSON.stringify({ id_token: { acr: { essential: true, ...acr } } }) })
    const unmet = (await ask(page, essential({ values: [two] }))).told
    expect([unmet.get('error'), unmet.get('reason')]).toEqual([
      'unmet_authentication_requirements',
      'authentication_unmet',
    ])
    for (const more of [essential({}), essential({ value: one }), essential({ values: [two, one] })]) {
      expect((await ask(page, more)).told.has('code')).toBe(true)
    }
  })
})
