import { type Client, declareClient } from '@countersign/core'
import { afterEach, describe, expect, test } from 'vitest'
import { openAnswered } from '../endpoints/login-answer.ts'
import { endEverySession } from '../sign-in/end-every-session.ts'
import { type Browser, browser } from '../testing/browser.ts'
import {
  type Answer,
  asApi,
  authorization,
  bearer,
  call,
  get,
  introspect,
  logIn,
  me,
  redeem,
  refresh,
  signUp,
} from '../testing/calls.ts'
import { closeGiven, type GivenServer, given, sampleClients } from '../testing/given.ts'
import { orchard, orchardCallback } from '../testing/orchard.ts'

afterEach(closeGiven)

const redirect_uri = orchardCallback
const path = '/account/applications'
const usual = {
  scopes: ['openid', 'account', 'notes', 'offline_access'],
  defaultScopes: ['openid', 'account'],
}

interface Tokens {
  readonly access: string
  readonly refresh: string
}

async function use(to: GivenServer, page: Browser, client_id = 'orchard', more: object = {}): Promise<Tokens> {
  const application = client_id === 'orchard' ? { client_id, redirect_uri } : { client_id }
  const { path: from, verifier } = authorization({ ...application, ...more })
  const { parameters } = await page.follow(from)
  const answer = await redeem(to, { code: String(parameters.get('code')), code_verifier: verifier, ...application })
  return { access: String(answer.body.access_token), refresh: String(answer.body.refresh_token) }
}

async function givenUses(more: Partial<Client> = {}) {
  const to = await given.server({ clients: [...sampleClients, orchard({ ...usual, ...more })] })
  const page = browser(to)
  await page.signUp()
  const phone = browser(
    to,
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1',
  )
  await phone.signIn()
  const here = await use(to, page)
  await to.later(90)
  const there = await use(to, phone, 'orchard', { scope: 'openid account offline_access' })
  const own = await use(to, page, 'bearer-app')
  return { to, page, here, there, own }
}

const reasonOf = async (to: GivenServer, { access }: Tokens) => (await me(to, access)).body.reason
const refreshed = async (to: GivenServer, { refresh: token }: Tokens): Promise<Answer> =>
  refresh(to, token, { client: 'orchard' })

describe('the page of applications', () => {
  test('has one part for each application, with its devices underneath and what it may do', async () => {
    const { page } = await givenUses()
    const { status, text, headers } = await page.get(path)
    expect(status).toBe(200)
    expect(text.match(/class="card application"/g)).toHaveLength(2)
    const [, own = '', third = ''] = text.split('class="card application"')
    expect(own).toContain('bearer-app')
    expect(own).not.toContain('Withdraw permission')
    for (const words of ['Orchard', 'orchard.example', 'Firefox on Linux', 'Safari on iPhone', 'Manage your account']) {
      expect(third).toContain(words)
    }
    expect(third).toContain('nobody here has checked')
    expect(third.match(/Works while you are away/g)).toHaveLength(1)
    expect(third).toContain('Withdraw permission')
    expect(headers['cache-control']).toBe('no-store')
    expect((await page.get('/account')).text).toContain(`href="${path}"`)
  })

  test('ends one device, and nothing else', async () => {
    const { to, page, here, there } = await givenUses()
    const third = (await page.get(path)).text.split('class="card application"')[2] ?? ''
    const ids = [...third.matchAll(/name="family_id" value="([^"]+)"/g)].map(([, id]) => id ?? '')
    expect(ids).toHaveLength(2)
    const answer = await page.submit(path, { command: 'end_login', family_id: ids[0] ?? '' })
    expect([answer.status, answer.headers.location]).toEqual([303, `${path}?done=end_login`])
    expect([await reasonOf(to, there), await reasonOf(to, here)]).toEqual(['token_revoked', undefined])
    const late = await page.submit(path, { command: 'end_login', family_id: ids[0] ?? '' })
    expect([late.status, late.headers['countersign-reason']]).toEqual([404, 'session_unknown'])
  })

  test('signs out of an application everywhere: the permission stands, and it may come back unasked', async () => {
    const { to, page, here, there, own } = await givenUses()
    await page.submit(path, { command: 'end_application', client_id: 'orchard' })
    for (const one of [here, there]) expect(await reasonOf(to, one)).toBe('token_revoked')
    expect(await reasonOf(to, own)).toBeUndefined()
    expect((await page.get(path)).text).toContain('has your permission to come back')
    expect((await page.follow(authorization({ client_id: 'orchard', redirect_uri }).path)).pages).toEqual([
      '/authorize',
    ])
  })

  test('withdraws (CVE-2026-43983, CVE-2024-46999): all that it got is dead, everywhere, and it has to ask again', async () => {
    const { to, page, here, there, own } = await givenUses()
    const from = authorization({ client_id: 'orchard', redirect_uri })
    const pending = String((await page.follow(from.path)).parameters.get('code'))
    const before = (await to.audit()).length
    const answer = await page.submit(path, { command: 'withdraw', client_id: 'orchard' })
    expect([answer.status, answer.headers.location]).toEqual([303, `${path}?done=withdraw`])
    for (const one of [here, there]) {
      expect(await reasonOf(to, one)).toBe('token_revoked')
      expect((await introspect(to, one.access)).body).toEqual({ active: false })
      expect((await refreshed(to, one)).body.reason).toBe('authorization_revoked')
    }
    expect(await reasonOf(to, own)).toBeUndefined()
    const late = await redeem(to, { code: pending, code_verifier: from.verifier, client_id: 'orchard', redirect_uri })
    expect(late.body.reason).toBe('code_invalid')
    expect((await to.auditedSince(before)).sort()).toEqual(['family.ended', 'grant.withdrawn', 'session.ended'])
    const user = (await to.store.loadUserByEmail('maria@example.com')).user
    const { entries } = await to.store.feed.snapshot()
    expect(entries).toMatchObject([{ kind: 'grant', id: `${user?.id} orchard`, below: 2 }])
    expect((await page.get(path)).text).not.toContain('Orchard')
    expect((await page.follow(authorization({ client_id: 'orchard', redirect_uri }).path)).pages).toContain('/consent')
    const again = await page.submit(path, { command: 'withdraw', client_id: 'nobody' })
    expect([again.status, again.headers['countersign-reason']]).toEqual([404, 'grant_unknown'])
  })

  test('where sub is pairwise, withdrawing names the logins, and not their user', async () => {
    const { to, page, here, there } = await givenUses({ subjectType: 'pairwise' })
    await page.submit(path, { command: 'withdraw', client_id: 'orchard' })
    for (const one of [here, there]) expect(await reasonOf(to, one)).toBe('token_revoked')
    const { entries } = await to.store.feed.snapshot()
    expect(entries.map(({ kind }) => kind).sort()).toEqual(['family', 'family', 'session', 'session'])
    const user = (await to.store.loadUserByEmail('maria@example.com')).user
    expect(JSON.stringify(entries)).not.toContain(user?.id)
  })

  test('signing out there ends the browser, and says which applications go on', async () => {
    const { to, page, here, there } = await givenUses()
    const answer = await page.submit(path, { command: 'sign_out' })
    expect(answer.status).toBe(200)
    expect((await page.get(path)).headers.location).toBe(`/sign-in?return_to=${path}`)
    expect([await reasonOf(to, here), await reasonOf(to, there)]).toEqual(['token_revoked', undefined])
    expect((await page.signIn('maria@example.com', `/sign-in?return_to=${path}`)).headers.location).toBe(path)
  })

  test("touches nothing of another user's, and takes no form of another site", async () => {
    const { to, page, here } = await givenUses()
    await signUp(to, 'else@example.com')
    const other = browser(to)
    await other.signIn('else@example.com')
    const family = /name="family_id" value="([^"]+)"/.exec((await page.get(path)).text)?.[1] ?? ''
    for (const fields of [
      { command: 'end_login', family_id: family },
      { command: 'end_application', client_id: 'orchard' },
      { command: 'withdraw', client_id: 'orchard' },
    ]) {
      expect((await other.submit(path, fields)).status).toBe(404)
      const foreign = await page.submit(path, fields, { origin: 'https://evil.example' })
      expect(foreign.headers['countersign-reason']).toBe('csrf_refused')
    }
    for (const command of ['', 'constructor']) expect((await page.submit(path, { command })).status).toBe(400)
    expect(await reasonOf(to, here)).toBeUndefined()
  })

  test('twenty withdrawals at once beside refreshes: it happened once, and nothing is left', async () => {
    const { to, page, here, there } = await givenUses()
    await to.later(120)
    const before = (await to.audit()).length
    const withdrawals = Array.from({ length: 20 }, () =>
      page.submit(path, { command: 'withdraw', client_id: 'orchard' }),
    )
    const [answers] = await Promise.all([Promise.all(withdrawals), refreshed(to, here), refreshed(to, there)])
    expect(answers.filter(({ status }) => status === 303)).toHaveLength(1)
    expect((await to.auditedSince(before)).filter(event => event === 'grant.withdrawn')).toHaveLength(1)
    for (const one of [here, there]) expect((await refreshed(to, one)).body.reason).toBe('authorization_revoked')
  })
})

describe('grants by API', () => {
  test('are listed, and withdrawn', async () => {
    const { to, here, own } = await givenUses()
    const listed = await get(to, '/v1/grants', bearer(own.access))
    expect(listed.body).toEqual({
      grants: [
        {
          client_id: 'orchard',
          client_name: 'Orchard',
          scope: 'openid account offline_access',
          audiences: ['https://api.example'],
          allowed_at: expect.stringMatching(/Z$/),
          last_used_at: expect.stringMatching(/Z$/),
          sessions: [
            { id: expect.any(String), device: 'Safari on iPhone' },
            { id: expect.any(String), device: 'Firefox on Linux' },
          ],
        },
      ],
    })
    const url = '/v1/grants/orchard'
    expect((await call(to, { method: 'DELETE', url, headers: bearer(own.access) })).status).toBe(204)
    expect(await reasonOf(to, here)).toBe('token_revoked')
    const again = await call(to, { method: 'DELETE', url, headers: bearer(own.access) })
    expect([again.status, again.body.reason]).toEqual([404, 'grant_unknown'])
    expect((await get(to, '/v1/grants', bearer(own.access))).body).toEqual({ grants: [] })
  })

  test('of a client whose id is an address of 2,000 characters, each of them escaped', async () => {
    const { to, own } = await givenUses()
    const id = `https://${'ü'.repeat(1_992)}`
    const url = `/v1/grants/${[...id].map(one => (one === 'ü' ? '%7E' : encodeURIComponent(one))).join('')}`
    const answer = await call(to, { method: 'DELETE', url, headers: bearer(own.access) })
    expect([answer.status, answer.body.reason]).toEqual([404, 'grant_unknown'])
  })

  test.each(['/v1/grants', '/v1/trusted/users/x/grants'])('%s needs the right to', async url => {
    const to = await given.server()
    expect((await get(to, url)).status).toBe(401)
  })

  test('a trusted back end sees and withdraws them for a user', async () => {
    const { to, there } = await givenUses()
    const user = (await to.store.loadUserByEmail('maria@example.com')).user?.id ?? ''
    const url = `/v1/trusted/users/${user}/grants`
    expect((await get(to, url, asApi)).body.grants).toMatchObject([{ client_id: 'orchard' }])
    const remove = { method: 'DELETE', url: `${url}/orchard`, headers: asApi } as const
    expect([(await call(to, remove)).status, (await call(to, remove)).body.reason]).toEqual([204, 'grant_unknown'])
    expect(await reasonOf(to, there)).toBe('token_revoked')
    expect((await get(to, '/v1/trusted/users/nobody/grants', asApi)).body.reason).toBe('user_unknown')
    const withdrawn = (await to.audit()).find(({ record }) => record.event === 'grant.withdrawn')
    expect(withdrawn?.record.facts).toMatchObject({ by: 'operator' })
  })
})

describe('one live authorization per user (D9)', () => {
  test('a new one ends the one before, at the client and everywhere, in one commit', async () => {
    const { to, page, here, there } = await givenUses({ oneAuthorizationPerUser: true })
    expect([await reasonOf(to, here), await reasonOf(to, there)]).toEqual(['token_revoked', undefined])
    const next = await use(to, page)
    expect([await reasonOf(to, there), await reasonOf(to, next)]).toEqual(['token_revoked', undefined])
    expect((await introspect(to, next.access)).body.epo).toMatchObject({ grant: 4 })
    const { entries } = await to.store.feed.snapshot()
    expect(entries.filter(({ kind }) => kind === 'grant').map(entry => 'below' in entry && entry.below)).toContain(4)
    expect((await to.audit()).filter(({ record }) => record.event === 'grant.renewed')).toHaveLength(3)
  })

  test('of an application that need not ask, and of a direct login, too', async () => {
    const single = declareClient({ ...sampleClients[1], id: 'single', oneAuthorizationPerUser: true })
    const to = await given.server({ clients: [...sampleClients, single] })
    const page = browser(to)
    await page.signUp()
    const first = await use(to, page, 'single')
    const direct = await logIn(to, { client: 'single' })
    expect(await reasonOf(to, first)).toBe('token_revoked')
    const superseding = await logIn(to, { client: 'single', supersedes: direct.refreshToken })
    expect((await me(to, direct.accessToken)).body.reason).toBe('token_revoked')
    const last = await use(to, page, 'single')
    expect((await me(to, superseding.accessToken)).body.reason).toBe('token_revoked')
    expect(await reasonOf(to, last)).toBeUndefined()
  })

  test.each(['public', 'pairwise'] as const)(
    'a direct login (%s) that is the first is no authorization beside a change that takes all back',
    async subjectType => {
      const terms = { oneAuthorizationPerUser: true, subjectType, redirectUris: ['https://single.example/callback'] }
      const single = declareClient({ ...sampleClients[1], id: 'single', ...terms })
      const to = await given.server({ clients: [...sampleClients, single] })
      const { user, ...snapshot } = await to.store.loadUser(await signUp(to))
      const client = (await to.store.loadClient('single'))?.client
      if (user === undefined || client === undefined) throw new Error('nobody')
      const login = {
        snapshot,
        user,
        client,
        device: { label: 'curl', ip: '192.0.2.1' },
        amr: ['pwd'],
        scope: 'account',
      }
      const { services } = to.server
      const decided = await openAnswered(services, { ...login, jkt: undefined, random: services.random })
      const written = decided.change.writes.filter(({ table }) => table === 'user')
      expect(written).toEqual([{ table: 'user', row: user }])
      await endEverySession(services, user.id, undefined, { by: 'operator' })
      expect(await to.store.commit(decided.change)).toBe('conflict')
      expect((await to.store.loadGrant(user.id, 'single')).grant).toBeUndefined()
    },
  )

  test('ten direct logins at once leave one', async () => {
    const single = declareClient({ ...sampleClients[1], id: 'single', oneAuthorizationPerUser: true })
    const to = await given.server({ clients: [...sampleClients, single] })
    await signUp(to)
    const logins = await Promise.all(Array.from({ length: 10 }, () => logIn(to, { client: 'single' })))
    const alive = await Promise.all(logins.map(({ accessToken }) => me(to, accessToken)))
    expect(alive.filter(({ status }) => status === 200)).toHaveLength(1)
  })
})
