import type { Client } from '@countersign/core'
import { afterEach, describe, expect, test } from 'vitest'
import { closedRegistration } from '../clients/registration/registration-policy.ts'
import { type Browser, browser } from '../testing/browser.ts'
import {
  authorization,
  bearer,
  call,
  introspect,
  me,
  postForm,
  postJson,
  redeem,
  refresh,
  signUp,
} from '../testing/calls.ts'
import { closeGiven, given, issuer, sampleClients } from '../testing/given.ts'
import { orchard, orchardCallback } from '../testing/orchard.ts'

afterEach(closeGiven)

const redirect_uri = orchardCallback
const asking = { client_id: 'orchard', redirect_uri }
const usual = {
  redirectUris: [redirect_uri, 'http://127.0.0.1/callback'],
  scopes: ['openid', 'email', 'notes', 'weather', 'account', 'offline_access'],
  defaultScopes: ['openid'],
  audiences: ['https://api.example', 'https://weather.example'],
}

async function signedIn(more: Partial<Client> = {}) {
  const to = await given.server({ clients: [...sampleClients, orchard({ ...usual, ...more })] })
  const page = browser(to)
  await page.signUp()
  return { to, page }
}

/** Where a request leads: the consent page, or what the application is told. */
async function ask(page: Browser, more: Record<string, string> = {}) {
  const { path, verifier } = authorization({ ...asking, ...more })
  const location = String((await page.get(path)).headers.location)
  const told = new URL(location, issuer)
  return { verifier, location, page: location.startsWith('/') ? told.pathname : undefined, told: told.searchParams }
}

async function allow(
  page: Browser,
  more: Record<string, string> = {},
): Promise<{ code: string; code_verifier: string }> {
  const { path, verifier } = authorization({ ...asking, ...more })
  const { parameters } = await page.follow(path)
  return { code: String(parameters.get('code')), code_verifier: verifier, ...asking, ...redirectOf(more) }
}

const redirectOf = ({ redirect_uri: uri }: Record<string, string>) => (uri === undefined ? {} : { redirect_uri: uri })

describe('a third party', () => {
  test('is asked about: who, from where, for what, until when, which account; yes gives the code and is remembered', async () => {
    const { to, page } = await signedIn()
    const before = (await to.audit()).length
    const { location, verifier, page: shown } = await ask(page, { scope: 'openid notes weather' })
    expect(shown).toBe('/consent')
    const { text, headers } = await page.get(location)
    for (const words of [
      'Orchard',
      'orchard.example',
      'Know that it is you',
      'Read and write your notes',
      '180 days',
    ]) {
      expect(text).toContain(words)
    }
    expect(text).toContain('<code><bdi>weather</bdi></code>')
    expect(text).toContain('nobody here has checked who is behind it')
    expect(text).toContain('maria@example.com')
    expect(headers['content-security-policy']).toContain("form-action 'self';")
    expect(headers['content-security-policy']).not.toContain('script-src')
    expect(await to.auditedSince(before)).toEqual([])
    const yes = await page.decide(location, 'allow')
    const told = new URL(String(yes.headers.location)).searchParams
    expect([yes.status, told.get('state'), told.get('iss')]).toEqual([303, 'st-1', issuer])
    expect(await to.auditedSince(before)).toEqual(['grant.allowed'])
    const code = String(told.get('code'))
    const tokens = (await redeem(to, { code, code_verifier: verifier, ...asking })).body
    expect(tokens.scope).toBe('openid notes weather')
    expect((await introspect(to, String(tokens.access_token))).body.epo).toMatchObject({ grant: 1 })
    expect((await ask(page, { scope: 'openid weather' })).told.has('code')).toBe(true)
    expect((await ask(page, { scope: 'notes', prompt: 'none' })).told.has('code')).toBe(true)
  })

  test('no is told to it, and nothing is written', async () => {
    const { to, page } = await signedIn()
    const before = (await to.audit()).length
    const { location } = await ask(page)
    const no = new URL(String((await page.decide(location, 'deny')).headers.location)).searchParams
    expect([no.get('error'), no.get('state'), no.has('code')]).toEqual(['access_denied', 'st-1', false])
    expect(await to.auditedSince(before)).toEqual([])
    expect((await ask(page)).page).toBe('/consent')
  })

  test('that asks for more is asked about for the difference, and what it has lives on', async () => {
    const { to, page } = await signedIn()
    const first = (await redeem(to, await allow(page, { scope: 'openid' }))).body
    const { location } = await ask(page, { scope: 'openid notes' })
    const { text } = await page.get(location)
    expect(text.indexOf('Read and write your notes')).toBeLessThan(text.indexOf('You have allowed it before to'))
    await page.decide(location, 'allow')
    expect((await ask(page, { scope: 'openid notes' })).told.has('code')).toBe(true)
    expect((await refresh(to, String(first.refresh_token), { client: 'orchard' })).status).toBe(200)
  })

  test('that asks for one more API is asked about, and the page names it', async () => {
    const { page } = await signedIn()
    await allow(page, { resource: 'https://api.example' })
    expect((await ask(page, { resource: 'https://api.example' })).told.has('code')).toBe(true)
    const { location } = await ask(page)
    expect((await page.get(location)).text).toContain('<bdi>https://weather.example</bdi>')
  })

  test('prompt=consent asks again, prompt=none never does', async () => {
    const { page } = await signedIn()
    const none = await page.get(authorization({ ...asking, prompt: 'none' }).path)
    expect(none.headers['countersign-reason']).toBe('consent_required')
    await allow(page)
    expect((await ask(page, { prompt: 'consent' })).page).toBe('/consent')
    expect((await ask(page, { prompt: 'none' })).told.has('code')).toBe(true)
  })

  test('on a loopback address is asked about each time: any program could be it (RFC 8252 §8.6)', async () => {
    const { page } = await signedIn()
    const loopback = { redirect_uri: 'http://127.0.0.1:5123/callback' }
    await allow(page, loopback)
    expect((await ask(page, loopback)).page).toBe('/consent')
    expect((await ask(page, { ...loopback, prompt: 'none' })).told.get('error')).toBe('consent_required')
  })

  test('gets single claims only with the consent to their scope, and none whose scope it may not have', async () => {
    const { to, page } = await signedIn()
    const claims = JSON.stringify({ userinfo: { email: null, phone_number: null }, id_token: { acr: null } })
    await allow(page, { scope: 'openid' })
    const { location } = await ask(page, { scope: 'openid', claims })
    expect((await page.get(location)).text).toContain('See your e-mail address')
    const answer = await redeem(to, await allow(page, { scope: 'openid', claims }))
    const fam = String((await introspect(to, String(answer.body.access_token))).body.fam)
    const login = await to.store.loadFamily(fam)
    expect(login?.family.claims).toEqual({ userinfo: { email: null }, id_token: { acr: null } })
    expect(login?.family.scope).toBe('openid')
  })

  test('that the operator trusts (implied) is never asked about, and has no grant', async () => {
    const { to, page } = await signedIn({ consent: 'implied' })
    expect((await ask(page, { prompt: 'consent' })).told.has('code')).toBe(true)
    const user = (await to.store.loadUserByEmail('maria@example.com')).user
    expect(await to.store.listGrants(user?.id ?? '')).toEqual([])
  })

  test('form_post works from the consent page as well', async () => {
    const { page } = await signedIn()
    const { location } = await ask(page, { response_mode: 'form_post' })
    const yes = await page.decide(location, 'allow')
    expect([yes.status, /name="code" value="[\w-]{43}"/.test(yes.text)]).toEqual([200, true])
  })
})

/** An application that has registered itself, and the consent page that it has led to. */
async function shownToSomebody(more: { pushed?: boolean; claims?: string } = {}) {
  const to = await given.server({ config: { registration: { ...closedRegistration, mode: 'open' } } })
  const metadata = { redirect_uris: [redirect_uri], client_name: 'Orchard', token_endpoint_auth_method: 'none' }
  const { body } = await postJson(to, '/register', { ...metadata, scope: 'openid' })
  const client_id = String(body.client_id)
  const page = browser(to)
  await page.signUp()
  const { claims } = more
  const { path } = authorization({ client_id, redirect_uri, ...(claims !== undefined && { claims }) })
  const link = more.pushed ? await pushedLink(to, client_id, path) : path
  const location = String((await page.get(link)).headers.location)
  const { text } = await page.get(location)
  const [csrf, account, shown] = ['csrf', 'account', 'shown'].map(name => hiddenIn(text, name))
  const allows = () => page.submit(location, { csrf, account, shown, decision: 'allow' } as Record<string, string>)
  const change = async (changed: object) => {
    const payload = JSON.stringify({ client_id, ...metadata, scope: 'openid', ...changed })
    const headers = { 'content-type': 'application/json', ...bearer(String(body.registration_access_token)) }
    expect((await call(to, { method: 'PUT', url: `/register/${client_id}`, payload, headers })).status).toBe(200)
  }
  const grants = async () => to.store.listGrants((await to.store.loadUserByEmail('maria@example.com')).user?.id ?? '')
  return { page, location, fields: { csrf, account, shown }, allows, change, grants }
}

async function pushedLink(to: Parameters<typeof postForm>[0], client_id: string, path: string): Promise<string> {
  const asked = Object.fromEntries(new URLSearchParams(path.split('?')[1]))
  const { body } = await postForm(to, '/par', asked)
  return `/authorize?${new URLSearchParams({ client_id, request_uri: String(body.request_uri) })}`
}

const hiddenIn = (text: string, name: string): string =>
  new RegExp(`name="${name}" value="([^"]+)"`).exec(text)?.[1] ?? ''

describe('a yes is said to what the page showed', () => {
  test.each([
    ['its scopes', {}, { scope: 'openid email profile' }],
    ['the scope of single claims', { claims: '{"id_token":{"email":null}}' }, { scope: 'openid email' }],
    ['what it has pushed', { pushed: true }, { scope: 'openid email' }],
    ['its name', {}, { client_name: 'Your bank' }],
    ['its policy', {}, { policy_uri: 'https://orchard.example/other' }],
  ])(
    'an application that widens or changes %s between the page and the answer (RFC 7592) is shown anew',
    async (...row) => {
      const [, asked, changed] = row
      const { page, location, allows, change, grants } = await shownToSomebody(asked)
      await change(changed)
      const late = await allows()
      expect([late.status, late.headers.location]).toEqual([303, location])
      expect(await grants()).toEqual([])
      const yes = await page.decide(location, 'allow')
      expect(new URL(String(yes.headers.location)).searchParams.has('code')).toBe(true)
      expect(await grants()).toHaveLength(1)
    },
  )

  test('an application that stays as it is gets its code with the form as it was shown', async () => {
    const { allows, change, grants } = await shownToSomebody()
    await change({})
    expect(new URL(String((await allows()).headers.location)).searchParams.has('code')).toBe(true)
    expect(await grants()).toMatchObject([{ scopes: ['openid'] }])
  })

  test('a form that says nothing about it, or something of another, gives nothing', async () => {
    const { page, location, fields, grants } = await shownToSomebody()
    const { csrf = '', account = '' } = fields
    for (const shown of ['', 'x', csrf, account]) {
      const answer = await page.submit(location, { csrf, account, shown, decision: 'allow' })
      expect([answer.status, answer.headers.location]).toEqual([303, location])
    }
    expect(await grants()).toEqual([])
  })
})

describe('the form of the consent page', () => {
  test('is good in this browser alone, and from this site', async () => {
    const { to, page } = await signedIn()
    const before = (await to.audit()).length
    const { location } = await ask(page)
    const account = /name="account" value="([^"]+)"/.exec((await page.get(location)).text)?.[1] ?? ''
    for (const headers of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }]) {
      const answer = await page.submit(location, { account, decision: 'allow' }, headers)
      expect([answer.status, answer.headers['countersign-reason']]).toEqual([403, 'csrf_refused'])
    }
    expect((await page.submit(location, { account, decision: 'allow', csrf: 'x' })).status).toBe(403)
    for (const decision of ['', 'yes', 'constructor']) {
      expect((await page.submit(location, { account, decision })).status).toBe(400)
    }
    expect(await to.auditedSince(before)).toEqual([])
  })

  test('CVE-2026-49448: empty, or with its fields empty, is no yes', async () => {
    const { to, page } = await signedIn()
    const { location } = await ask(page)
    const before = (await to.audit()).length
    const headers = { origin: issuer, 'sec-fetch-site': 'same-origin' }
    const cookie = [...page.jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const empty = await postForm(to, location, {}, { ...headers, cookie })
    expect([empty.status, empty.headers.location]).toEqual([403, undefined])
    for (const fields of [{}, { account: '', decision: '', shown: '' }, { decision: 'allow', account: '' }]) {
      const answer = await page.submit(location, fields)
      expect(String(answer.headers.location)).not.toContain('code=')
    }
    expect(await to.auditedSince(before)).toEqual([])
  })

  test('answers for whoever was asked: if somebody else has signed in meanwhile, it is shown again', async () => {
    const { to, page } = await signedIn()
    await signUp(to, 'else@example.com')
    const { location } = await ask(page)
    const account = /name="account" value="([^"]+)"/.exec((await page.get(location)).text)?.[1] ?? ''
    await page.signIn('else@example.com')
    const late = await page.submit(location, { account, decision: 'allow' })
    expect(late.headers.location).toMatch(/^\/consent\?/)
    const other = (await to.store.loadUserByEmail('else@example.com')).user
    expect(await to.store.listGrants(other?.id ?? '')).toEqual([])
  })

  test('attack 27 (CVE-2026-7571): what was changed in the address is judged anew', async () => {
    const { page } = await signedIn()
    const { location } = await ask(page)
    const foreign = location.replace('orchard.example', 'evil.example')
    const { text } = await page.get(location)
    const [csrf = '', account = ''] = ['csrf', 'account'].map(
      name => new RegExp(`name="${name}" value="([^"]+)"`).exec(text)?.[1] ?? '',
    )
    const posted = await page.submit(foreign, { csrf, account, decision: 'allow' })
    for (const answer of [await page.get(foreign), posted]) {
      expect([answer.status, answer.headers['countersign-reason']]).toEqual([400, 'redirect_uri_mismatch'])
      expect(answer.headers).not.toHaveProperty('location')
    }
    const bare = await page.get('/consent')
    expect([bare.status, bare.headers.location]).toEqual([400, undefined])
  })

  test('who is not signed in is asked to, and comes back to the question', async () => {
    const { to, page } = await signedIn()
    const { location } = await ask(page)
    const other = browser(to)
    expect((await other.get(location)).headers.location).toMatch(/^\/sign-in\?/)
    const { path } = authorization(asking)
    expect((await other.follow(path)).pages).toEqual(['/authorize', '/sign-in', '/authorize', '/consent'])
  })

  test('another account can be used from there', async () => {
    const { to, page } = await signedIn()
    await signUp(to, 'else@example.com')
    const { location } = await ask(page)
    const link = /href="(\/sign-in[^"]+)"/.exec((await page.get(location)).text)?.[1]?.replaceAll('&amp;', '&') ?? ''
    const there = await page.submit(link, { email: 'else@example.com', password: 'correct horse battery' })
    const asked = await page.get(String((await page.get(String(there.headers.location))).headers.location))
    expect(asked.text).toContain('else@example.com')
  })

  test('prompt=login and consent: one sign-in, one question, one code', async () => {
    const { to, page } = await signedIn()
    await to.later(5)
    const { path } = authorization({ ...asking, prompt: 'login consent', max_age: '1' })
    const arrival = await page.follow(path)
    expect(arrival.pages).toEqual(['/authorize', '/sign-in', '/authorize', '/consent'])
    expect(arrival.parameters.has('code')).toBe(true)
  })

  test('fifty times yes at once: one grant, however many codes', async () => {
    const { to, page } = await signedIn()
    const { location } = await ask(page)
    const account = /name="account" value="([^"]+)"/.exec((await page.get(location)).text)?.[1] ?? ''
    const fields = { account, decision: 'allow' }
    const answers = await Promise.all(Array.from({ length: 15 }, () => page.submit(location, fields)))
    for (const { status } of answers) expect(status).toBe(303)
    const user = (await to.store.loadUserByEmail('maria@example.com')).user
    expect(await to.store.listGrants(user?.id ?? '')).toMatchObject([{ clientId: 'orchard', epoch: 1 }])
  })
})

describe('offline access', () => {
  const offline = { scope: 'openid account offline_access' }

  test('is a login of its own: it outlives the browser, which shows it as the device', async () => {
    const { to, page } = await signedIn()
    const online = (await redeem(to, await allow(page, { scope: 'openid account' }))).body
    const { location } = await ask(page, offline)
    expect((await page.get(location)).text).toContain('while you are away')
    const tokens = (await redeem(to, await allow(page, offline))).body
    expect(tokens.session_id).not.toBe(online.session_id)
    await page.submit('/account', { command: 'sign_out' })
    expect((await me(to, String(online.access_token))).body.reason).toBe('token_revoked')
    expect((await refresh(to, String(online.refresh_token), { client: 'orchard' })).body.reason).toBe('session_ended')
    expect((await me(to, String(tokens.access_token))).status).toBe(200)
    await to.later(60)
    expect((await refresh(to, String(tokens.refresh_token), { client: 'orchard' })).status).toBe(200)
    const again = browser(to)
    await again.signIn()
    expect((await again.get('/account')).text.match(/Firefox on Linux/g)?.length).toBeGreaterThanOrEqual(2)
  })

  test('ends with what all of the user ends with', async () => {
    const { to, page } = await signedIn()
    const tokens = (await redeem(to, await allow(page, offline))).body
    await page.submit('/account', { command: 'end_others' })
    expect((await refresh(to, String(tokens.refresh_token), { client: 'orchard' })).body.reason).toBe(
      'authorization_revoked',
    )
  })

  test('is nothing to a client that may not refresh: no scope, no refresh token', async () => {
    const { to, page } = await signedIn({ grantTypes: ['authorization_code'] })
    const tokens = (await redeem(to, await allow(page, offline))).body
    expect(tokens.scope).toBe('openid account')
    expect(tokens).not.toHaveProperty('refresh_token')
  })

  test('fifty redemptions of one code open one session', async () => {
    const { to, page } = await signedIn()
    const fields = await allow(page, offline)
    const answers = await Promise.all(Array.from({ length: 50 }, () => redeem(to, fields)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    const user = (await to.store.loadUserByEmail('maria@example.com')).user
    expect(await to.store.listSessions(user?.id ?? '')).toHaveLength(2)
  })
})
