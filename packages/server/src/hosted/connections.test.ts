import { createConnection } from '@countersign/connections'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { browser } from '../testing/browser.ts'
import { authorization, bearer, get, redeem } from '../testing/calls.ts'
import {
  beginWith,
  closeConnected,
  connectedServer,
  connectedToOpenid,
  pathOf,
  signInWith,
} from '../testing/connected.ts'
import { type GivenServer, issuer } from '../testing/given.ts'
import { addressOf, claimsOf, openidClients, signInAt } from '../testing/openid-clients.ts'
import { type OpenidUpstream, startOpenid } from '../testing/upstreams/openid.ts'
import { startFacebook, startGithub, startX } from '../testing/upstreams/social.ts'

afterEach(closeConnected)

let upstream: OpenidUpstream
let to: GivenServer

beforeEach(async () => {
  ;({ upstream, to } = await connectedToOpenid({}, { clients: openidClients }))
})

const userOf = async (subject = 'm-1') => (await to.store.loadUserByIdentity('work', subject)).user

describe('a sign-in with an OpenID provider', () => {
  test('begins on the sign-in page, leads there and back to where one wanted to go', async () => {
    const page = browser(to)
    const { path, verifier } = authorization({
      client_id: 'portal',
      redirect_uri: addressOf('portal'),
      scope: 'openid email',
    })
    const signIn = (await page.get(path)).headers.location ?? ''
    const link = /href="(\/connections\/work[^"]*)"/.exec((await page.get(signIn)).text)?.[1]?.replaceAll('&amp;', '&')
    const there = (await page.get(link ?? '')).headers.location ?? ''
    expect(there.startsWith(`${upstream.origin}/authorize?`)).toBe(true)
    const asked = new URL(there).searchParams
    expect(asked.get('code_challenge_method')).toBe('S256')
    expect([asked.get('nonce'), asked.get('state')].map(text => text?.length)).toEqual([43, 43])
    const back = await page.get(pathOf(await upstream.visit(there)))
    // Not a redirect: a provider's form may be held to its page's policy for as long as redirects follow it.
    const onwards = back.headers.refresh?.replace(/^0;url=/, '') ?? ''
    expect([back.status, onwards.startsWith('/authorize?')]).toEqual([200, true])
    expect(back.text).toContain(`href="${onwards.replaceAll('&', '&amp;')}"`)
    const code = new URL((await page.get(onwards)).headers.location ?? '').searchParams.get('code')
    const redirect_uri = addressOf('portal')
    const tokens = await redeem(to, { code: code ?? '', code_verifier: verifier, client_id: 'portal', redirect_uri })
    expect(claimsOf(tokens.body.id_token)).toMatchObject({ amr: ['ext'] })
    const about = await get(to, '/userinfo', bearer(String(tokens.body.access_token)))
    expect(about.body).toMatchObject({ email: 'maria@example.com', email_verified: true })
  })

  test('makes user, identity and session at once, and says so in the audit log', async () => {
    const { status, headers } = await signInWith(to, upstream, 'work')
    expect([status, headers.location]).toEqual([303, '/account'])
    const user = await userOf()
    expect(user).toMatchObject({ email: 'maria@example.com', name: 'Maria Lopez', passwordHash: null })
    expect(user?.profile).toEqual({ givenName: 'Maria', pictureUrl: 'https://pictures.example/maria' })
    expect((await to.audit()).map(({ record }) => record.event).slice(-2)).toEqual(['user.created', 'session.created'])
    expect(await to.store.listIdentities(user?.id ?? '')).toHaveLength(1)
  })

  test('with nothing new writes no user and no identity; what has changed is told from then on', async () => {
    const { page } = await signInWith(to, upstream, 'work')
    const first = await to.store.loadUserByIdentity('work', 'm-1')
    const tokens = await signInAt(to, 'portal', { page, scope: 'openid profile account' })
    const told = async () => (await get(to, '/userinfo', bearer(String(tokens.body.access_token)))).body
    const before = await told()
    await signInWith(to, upstream, 'work')
    const { user, identity } = await to.store.loadUserByIdentity('work', 'm-1')
    expect([user, identity]).toEqual([first.user, first.identity])
    upstream.person = { ...upstream.person, name: 'Maria Garcia', picture: undefined }
    await to.later(60)
    await signInWith(to, upstream, 'work')
    const after = await told()
    expect([before.name, after.name]).toEqual(['Maria Lopez', 'Maria Garcia'])
    expect([before.picture, after.picture]).toEqual(['https://pictures.example/maria', undefined])
    expect(Number(after.updated_at)).toBeGreaterThan(Number(before.updated_at))
  })

  test('asks for the password there once more if somebody is signed in here already', async () => {
    const { page } = await signInWith(to, upstream, 'work')
    expect(new URL(await beginWith(page, 'work')).searchParams.get('prompt')).toBe('login')
  })

  test('asks there once more for an application that wants it, also of a browser that has let go of our cookie', async () => {
    const own = { client_id: 'portal', redirect_uri: addressOf('portal') }
    const promptFor = async (more: Record<string, string>) => {
      const page = browser(to)
      const { location = '' } = (await page.get(authorization({ ...own, ...more }).path)).headers
      const returnTo = new URL(location, issuer).searchParams.get('return_to') ?? ''
      return new URL(await beginWith(page, 'work', returnTo)).searchParams.get('prompt')
    }
    expect([await promptFor({ prompt: 'login' }), await promptFor({ max_age: '60' })]).toEqual(['login', 'login'])
    expect([await promptFor({}), await promptFor({ prompt: 'consent' })]).toEqual([null, null])
  })

  test('CVE-2025-53942: of a user who was disabled is refused, and opens no session', async () => {
    await signInWith(to, upstream, 'work')
    await to.server.admin.disableUser('maria@example.com')
    const { headers, page } = await signInWith(to, upstream, 'work')
    expect(headers.location).toBe('/sign-in?return_to=%2Faccount&problem=user_disabled')
    expect((await page.get(headers.location ?? '')).text).toContain('This account is not active.')
    expect(page.jar.has('__Host-countersign')).toBe(false)
  })

  test('is refused to strangers where nobody may make an account; a connection may be an exception', async () => {
    const closed = { config: { signUp: 'closed' as const } }
    to = await connectedServer([upstream.settings], closed)
    expect((await signInWith(to, upstream, 'work')).headers.location).toContain('problem=signup_closed')
    to = await connectedServer([{ ...upstream.settings, sign_up: 'open' }], closed)
    expect((await signInWith(to, upstream, 'work')).headers.location).toBe('/account')
  })

  test('puts no token of the provider into a page, a token or the log', async () => {
    to = await connectedServer([{ ...upstream.settings, keep_tokens: true }], { clients: openidClients })
    const { page, headers, text } = await signInWith(to, upstream, 'work')
    const tokens = await signInAt(to, 'portal', { page })
    const told = JSON.stringify([
      headers,
      text,
      tokens.body,
      (await page.get('/account')).text,
      to.log,
      await to.audit(),
    ])
    const identity = (await to.store.loadUserByIdentity('work', 'm-1')).identity
    expect(identity?.sealedTokens?.length).toBeGreaterThan(100)
    for (const token of upstream.given) {
      expect(told).not.toContain(token)
      expect(JSON.stringify(identity)).not.toContain(token)
    }
    expect(upstream.given.length).toBeGreaterThan(1)
  })
})

describe('attack 34: an address leads to nobody’s account', () => {
  const accountOf = async (email: string) => (await to.store.loadUserByEmail(email)).user

  test('GHSA-g38m-r43w-p2q7: a verified address onto an account whose address nobody has verified', async () => {
    await browser(to).signUp('maria@example.com')
    const { headers, page } = await signInWith(to, upstream, 'work')
    expect(headers.location).toContain('problem=connection_account_exists')
    const shown = await page.get(headers.location ?? '')
    expect([shown.status, shown.headers['countersign-reason']]).toEqual([409, 'connection_account_exists'])
    expect(page.jar.has('__Host-countersign')).toBe(false)
    expect(await userOf()).toBeUndefined()
  })

  test('GHSA-qq9h-g4jm-xgf3: one that was made ahead with the victim’s unverified address does not have it', async () => {
    upstream.person = { sub: 'attacker', email: 'victim@example.com', email_verified: false }
    expect((await signInWith(to, upstream, 'work')).headers.location).toBe('/account')
    expect((await userOf('attacker'))?.email).toBeNull()
    expect((await browser(to).signUp('victim@example.com')).status).toBe(303)
    expect((await accountOf('victim@example.com'))?.id).not.toBe((await userOf('attacker'))?.id)
  })

  test('whoever moves their verified address at the provider moves into no account', async () => {
    await browser(to).signUp('victim@example.com')
    const { page } = await signInWith(to, upstream, 'work')
    upstream.person = { ...upstream.person, email: 'victim@example.com' }
    await signInWith(to, upstream, 'work', { page })
    expect((await userOf())?.email).toBe('maria@example.com')
  })

  test.each(['victim＠example.com', 'victim@example.com\u200b'])('GHSA-7rqj-j65f-68wh: nor does %j', async email => {
    upstream.person = { ...upstream.person, email }
    await signInWith(to, upstream, 'work')
    expect((await userOf())?.email).toBeNull()
  })
})

describe('attack 35: a state is good once, with its connection, in its browser, for a while', () => {
  const invalid = '/sign-in?return_to=%2Faccount&problem=connection_state_invalid'

  test('CVE-2022-39222: opened in the victim’s browser it signs nobody in', async () => {
    const back = pathOf(await upstream.visit(await beginWith(browser(to), 'work')))
    const victim = browser(to)
    await victim.get('/sign-in')
    expect((await victim.get(back)).headers.location).toBe(invalid)
    expect(victim.jar.has('__Host-countersign')).toBe(false)
  })

  test('CVE-2025-46815: a second time it is refused, and the provider is not asked', async () => {
    const page = browser(to)
    const back = pathOf(await upstream.visit(await beginWith(page, 'work')))
    expect((await page.get(back)).headers.location).toBe('/account')
    const asked = upstream.asked.length
    expect((await page.get(back)).headers.location).toBe(invalid)
    expect(upstream.asked).toHaveLength(asked)
  })

  test('of fifty who come with it at once, one is signed in', async () => {
    const page = browser(to)
    const back = pathOf(await upstream.visit(await beginWith(page, 'work')))
    const answers = await Promise.all(Array.from({ length: 50 }, () => page.get(back)))
    expect(answers.filter(({ headers }) => headers.location === '/account')).toHaveLength(1)
    expect(upstream.asked.filter(one => one === 'POST /token')).toHaveLength(1)
  })

  test('GHSA-x445-f3h2-j279 and mix-up: the answer of one connection is none of another', async () => {
    const evil = await startOpenid('evil')
    to = await connectedServer([upstream.settings, evil.settings])
    const page = browser(to)
    const back = pathOf(await upstream.visit(await beginWith(page, 'work')))
    const answer = await page.get(back.replace('/connections/work/', '/connections/evil/'))
    expect(answer.headers.location).toBe(invalid)
    expect(evil.asked).not.toContain('POST /token')
  })

  test('RFC 9207: an answer that names another issuer is not believed, nor one without a name', async () => {
    for (const fault of ['iss_of_another', 'no_iss'] as const) {
      upstream.fault = fault
      const { headers } = await signInWith(to, upstream, 'work')
      expect([fault, headers.location]).toEqual([fault, expect.stringContaining('problem=connection_answer_invalid')])
    }
    expect(upstream.asked).not.toContain('POST /token')
  })

  test('GHSA-wxw3-q3m9-c3jr, CVE-2026-121802, CVE-2026-110864: another than was sent, one that was never given out, or none is refused; after a quarter of an hour so is the right one', async () => {
    const page = browser(to)
    const back = pathOf(await upstream.visit(await beginWith(page, 'work')))
    await to.later(15 * 60)
    expect((await page.get(back)).headers.location).toBe(invalid)
    expect((await page.get('/connections/work/callback?code=x')).headers.location).toBe(invalid)
    expect((await page.get('/connections/work/callback?code=x&state=made-up')).headers.location).toBe(invalid)
  })

  test('a code that is not of this sign-in is refused: PKCE and nonce', async () => {
    const [mine, other] = [browser(to), browser(to)]
    const stolen = new URL(await upstream.visit(await beginWith(other, 'work'))).searchParams.get('code') ?? ''
    const back = new URL(await upstream.visit(await beginWith(mine, 'work')))
    back.searchParams.set('code', stolen)
    expect((await mine.get(pathOf(back.href))).headers.location).toContain('problem=connection_answer_invalid')
  })

  test('a parameter that comes twice is refused', async () => {
    const page = browser(to)
    const back = pathOf(await upstream.visit(await beginWith(page, 'work')))
    expect((await page.get(`${back}&code=other`)).headers['countersign-reason']).toBe('parameter_duplicated')
  })

  test('CVE-2026-27124: a link on another site begins nothing: people are asked first', async () => {
    const answer = await get(to, '/connections/work', { 'sec-fetch-site': 'cross-site' })
    expect(answer.headers.location).toBe('/sign-in?return_to=%2Faccount')
    expect(upstream.asked).toEqual([])
  })

  test('nobody is sent elsewhere afterwards', async () => {
    const { headers } = await signInWith(to, upstream, 'work', { returnTo: 'https://evil.example/' })
    expect(headers.location).toBe('/account')
  })

  test('who begins too often waits', async () => {
    const page = browser(to)
    for (let count = 0; count < 60; count++) await beginWith(page, 'work')
    expect(await beginWith(page, 'work')).toContain('problem=too_many_attempts')
  })
})

test('a way to sign in that does not exist is not there', async () => {
  for (const path of ['/connections/none', '/connections/none/callback?state=x']) {
    expect((await get(to, path)).headers['countersign-reason']).toBe('connection_unknown')
  }
})

test('a provider that sends browsers back with a form: they come again by a link, with their cookie', async () => {
  const page = browser(to)
  const { search, pathname } = new URL(await upstream.visit(await beginWith(page, 'work')))
  const posted = await to.http.inject({
    method: 'POST',
    url: pathname,
    payload: search.slice(1),
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      origin: upstream.origin,
      'sec-fetch-site': 'cross-site',
    },
  })
  expect(posted.statusCode).toBe(303)
  expect((await page.get(String(posted.headers.location))).headers.location).toBe('/account')
})

describe('other dialects', () => {
  const identityOf = async (name: string, subject: string) => (await to.store.loadUserByIdentity(name, subject)).user

  test('Facebook: the secret is proven with every call; whether the address was confirmed it does not say', async () => {
    const facebook = await startFacebook()
    to = await connectedServer([facebook.settings])
    expect((await signInWith(to, facebook, 'facebook')).headers.location).toBe('/account')
    expect(await identityOf('facebook', '10223456')).toMatchObject({ name: 'Maria Lopez', email: null })
  })

  test('GitHub: the primary address, if it was confirmed; not the one on the profile', async () => {
    const github = await startGithub()
    to = await connectedServer([github.settings])
    expect((await signInWith(to, github, 'github')).headers.location).toBe('/account')
    expect(await identityOf('github', '583231')).toMatchObject({ name: 'maria', email: 'maria@example.com' })
    github.person = { ...github.person, id: 7, verified: false }
    await signInWith(to, github, 'github')
    expect(await identityOf('github', '7')).toMatchObject({ email: null })
  })

  test('X: PKCE, and everything inside `data`', async () => {
    const x = await startX()
    to = await connectedServer([x.settings])
    expect((await signInWith(to, x, 'x')).headers.location).toBe('/account')
    expect(await identityOf('x', '2244994945')).toMatchObject({ profile: { preferredUsername: 'maria' }, email: null })
  })

  test('each of them: a code that was used is an error in its own words, and refused', async () => {
    for (const start of [startFacebook, startGithub, startX]) {
      const one = await start()
      const { name } = one.settings
      to = await connectedServer([one.settings])
      const [page, again] = [browser(to), browser(to)]
      const used = new URL(await one.visit(await beginWith(page, name)))
      await page.get(pathOf(used.href))
      const back = new URL(await one.visit(await beginWith(again, name)))
      back.searchParams.set('code', used.searchParams.get('code') ?? '')
      const { headers } = await again.get(pathOf(back.href))
      expect([name, headers.location]).toEqual([name, expect.stringContaining('problem=connection_answer_invalid')])
    }
  })
})

describe('a provider that is asked for a recent sign-in (max_age)', () => {
  const now = (): number => Math.floor(to.now() / 1000)
  const tell = (auth_time: unknown): void => {
    upstream.person = { ...upstream.person, auth_time } as typeof upstream.person
  }

  test.each<[string, () => unknown, boolean]>([
    ['recent enough', () => now() - 50, true],
    ['too long ago', () => now() - 200, false],
    ['none, though it must say', () => undefined, false],
    ['no number', () => String(now()), false],
  ])('says when the person signed in there: %s', async (_what, time, isGood) => {
    const connection = createConnection({ ...upstream.settings, name: 'bank', parameters: { max_age: '60' } })
    const server = await connectedServer([connection])
    tell(time())
    const page = browser(server)
    const there = await beginWith(page, 'bank')
    expect(new URL(there).searchParams.get('max_age')).toBe('60')
    const { headers } = await page.get(pathOf(await upstream.visit(there)))
    const problem = '/sign-in?return_to=%2Faccount&problem=connection_answer_invalid'
    expect(headers.location).toBe(isGood ? '/account' : problem)
  })

  test('who has to sign in again here signs in again there, and an older sign-in does not count', async () => {
    tell(now())
    const { page } = await signInWith(to, upstream, 'work')
    const again = async (): Promise<string | undefined> => {
      const there = await beginWith(page, 'work')
      const asked = new URL(there).searchParams
      expect([asked.get('prompt'), asked.get('max_age')]).toEqual(['login', '0'])
      return (await page.get(pathOf(await upstream.visit(there)))).headers.location
    }
    tell(now() - 3_600)
    expect(await again()).toContain('connection_answer_invalid')
    tell(now())
    expect(await again()).toBe('/account')
  })
})
