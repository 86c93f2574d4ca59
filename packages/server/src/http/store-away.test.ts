import { type Store, StoreUnavailable } from '@countersign/store'
import { afterEach, describe, expect, test } from 'vitest'
import { browser } from '../testing/browser.ts'
import {
  type Answer,
  asApi,
  authorization,
  basic,
  bearer,
  call,
  get,
  introspect,
  logIn,
  me,
  postForm,
  postJson,
  redeem,
  refresh,
  signUp,
} from '../testing/calls.ts'
import { closeGiven, type GivenServer, given, password, secrets } from '../testing/given.ts'

afterEach(closeGiven)

/** A store whose disk is full, or that is away, whenever a test says so. */
function fragile() {
  const state = { away: false, full: false }
  const wrapStore = (store: Store): Store => {
    const fragileCall = <A extends unknown[], R>(name: string, run: (...args: A) => Promise<R>) => {
      return async (...args: A): Promise<R> => {
        if (state.away) throw new StoreUnavailable('the disk failed', { retryAfterSeconds: 3 })
        if (state.full && name === 'commit') throw new StoreUnavailable('the disk is full', { retryAfterSeconds: 3 })
        return run(...args)
      }
    }
    const wrapped: Record<string, unknown> = { ...store }
    for (const [name, member] of Object.entries(store)) {
      if (typeof member === 'function' && name !== 'close') wrapped[name] = fragileCall(name, member as never)
    }
    const { feed } = store
    const after = fragileCall('after', feed.after)
    const snapshot = fragileCall('snapshot', feed.snapshot)
    const holds = fragileCall('holds', feed.holds)
    wrapped.feed = { ...feed, after, snapshot, holds }
    return wrapped as unknown as Store
  }
  return { state, wrapStore }
}

function expectUnavailable(answer: Answer, isPage = false): void {
  expect([answer.status, answer.headers['countersign-reason']]).toEqual([503, 'unavailable'])
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
  expect(answer.text).not.toContain('invalid_grant')
  if (isPage) expect(answer.headers['content-type']).toMatch(/^text\/html/)
  else expect(answer.body).toMatchObject({ error: 'temporarily_unavailable', reason: 'unavailable' })
}

async function everything() {
  const { state, wrapStore } = fragile()
  const to = await given.server({ wrapStore })
  const user = await signUp(to)
  const login = await logIn(to)
  const key = to.key()
  const bound = await logIn(to, { client: 'app', key })
  const page = browser(to)
  await page.signIn()
  const { code, verifier } = await page.code()
  return { state, to, user, login, bound, key, page, code, verifier }
}

type Given = Awaited<ReturnType<typeof everything>>

const machine = { grant_type: 'client_credentials', client_id: 'api', client_secret: secrets.api }
const erase = (to: GivenServer, url: string, headers: Record<string, string>) =>
  call(to, { method: 'DELETE', url, headers })

/** What writes. */
const writers: readonly [string, (one: Given) => Promise<Answer>][] = [
  ['sign-up', ({ to }) => postJson(to, '/v1/users', { email: 'else@example.com', password })],
  [
    'login',
    ({ to }) => postJson(to, '/v1/sessions', { email: 'maria@example.com', password, client_id: 'bearer-app' }),
  ],
  ['a rotation', ({ to, bound, key }) => refresh(to, bound.refreshToken, { client: 'app', key })],
  ['a code', ({ to, code, verifier }) => redeem(to, { code, code_verifier: verifier })],
  ['a wrong verifier', ({ to, code }) => redeem(to, { code, code_verifier: 'x'.repeat(43) })],
  ['a leaked token', ({ to, login }) => refresh(to, login.refreshToken, { client: 'app' })],
  [
    'revoking a login (CVE-2020-15223)',
    ({ to, login }) => postForm(to, '/revoke', { token: login.refreshToken, client_id: 'bearer-app' }),
  ],
  [
    'revoking a token (CVE-2020-15223)',
    ({ to, login }) => postForm(to, '/revoke', { token: login.accessToken, client_id: 'bearer-app' }),
  ],
  ['ending one', ({ to, login, bound }) => erase(to, `/v1/sessions/${bound.sessionId}`, bearer(login.accessToken))],
  ['ending all', ({ to, login }) => erase(to, '/v1/sessions', bearer(login.accessToken))],
  [
    'a new password',
    ({ to, login }) =>
      postJson(
        to,
        '/v1/password',
        { current_password: password, new_password: 'a better horse battery' },
        bearer(login.accessToken),
      ),
  ],
  [
    'a trusted session',
    ({ to, user }) => postJson(to, '/v1/trusted/sessions', { client_id: 'app', user: { id: user } }, asApi),
  ],
  ['trusted: ending all', ({ to, user }) => erase(to, `/v1/trusted/users/${user}/sessions`, asApi)],
]

/** What only reads. */
const readers: readonly [string, (one: Given) => Promise<Answer>][] = [
  ['an unchanged refresh', ({ to, login }) => refresh(to, login.refreshToken)],
  ['client credentials', ({ to }) => postForm(to, '/token', machine)],
  ['introspection', ({ to, login }) => introspect(to, login.accessToken)],
  ['me', ({ to, login }) => me(to, login.accessToken)],
  ['the sessions', ({ to, login }) => get(to, '/v1/sessions', bearer(login.accessToken))],
  ['trusted: the sessions', ({ to, user }) => get(to, `/v1/trusted/users/${user}/sessions`, asApi)],
  ['the feed', ({ to }) => get(to, '/revocations', asApi)],
  ['the stream', ({ to }) => get(to, '/revocations', { ...asApi, accept: 'text/event-stream' })],
  [
    'a wrong secret',
    ({ to }) => postForm(to, '/token', { grant_type: 'refresh_token', refresh_token: 'x' }, basic('web', 'x')),
  ],
  ['health', ({ to }) => get(to, '/health')],
]

const pages: readonly [string, (one: Given) => Promise<Answer>][] = [
  ['a sign-in', ({ page }) => page.signIn()],
  ['a sign-up', ({ page }) => page.signUp('else@example.com')],
  ['signing out', ({ page }) => page.submit('/account', { command: 'sign_out' })],
  ['ending the others', ({ page }) => page.submit('/account', { command: 'end_others' })],
  ['an authorization', ({ page }) => page.get(authorization().path)],
]

describe('with the store away', () => {
  test.each([...writers, ...readers])('%s is 503 with Retry-After, and works again afterwards', async (name, run) => {
    const one = await everything()
    one.state.away = true
    expectUnavailable(await run(one))
    one.state.away = false
    // A stream that begins has no end to wait for.
    if (name === 'the stream') return
    const answer = await run(one)
    const wanted = { 'a wrong verifier': 400, 'a leaked token': 400, 'a wrong secret': 401 }[name]
    expect(answer.status).toBe(wanted ?? (answer.status < 300 ? answer.status : 200))
  })

  test('an app in a browser can read that it is', async () => {
    const one = await everything()
    const headers = { origin: 'https://app.example' }
    await get(one.to, '/v1/me', headers)
    one.to.setClock(one.to.now() + 10_000)
    one.state.away = true
    const answer = await refresh(one.to, one.login.refreshToken, { headers })
    expectUnavailable(answer)
    expect(answer.headers['access-control-allow-origin']).toBe('https://app.example')
  })

  test('keys stay published for a minute; then this node neither signs nor says that it can', async () => {
    const one = await everything()
    one.state.away = true
    expect((await get(one.to, '/jwks')).status).toBe(200)
    one.to.setClock(one.to.now() + 61_000)
    expectUnavailable(await get(one.to, '/jwks'))
    one.state.away = false
    // The first to ask has the ring read again; nobody waits for the job.
    await get(one.to, '/jwks')
    await expect.poll(async () => (await get(one.to, '/jwks')).status, { timeout: 10_000 }).toBe(200)
    expect((await refresh(one.to, one.login.refreshToken)).status).toBe(200)
  })

  test('a failure is logged by its kind, and without what was sent', async () => {
    const one = await everything()
    one.state.away = true
    await refresh(one.to, one.login.refreshToken)
    const line = one.to.log.at(-1)
    expect(line).toMatchObject({ level: 'warn', text: expect.stringContaining('StoreUnavailable') })
    expect(line?.text).not.toContain(one.login.refreshToken)
  })
})

describe('with the disk full', () => {
  test.each(writers)('%s is 503, nothing is half done, and it works once there is room', async (name, run) => {
    const one = await everything()
    const before = await one.to.audit()
    one.state.full = true
    expectUnavailable(await run(one))
    one.state.full = false
    expect(await one.to.audit()).toEqual(before)
    expect((await me(one.to, one.login.accessToken)).status).toBe(200)
    const answer = await run(one)
    expect([200, 201, 204, ...(name.startsWith('a wrong') || name === 'a leaked token' ? [400] : [])]).toContain(
      answer.status,
    )
  })

  test.each(pages)('%s is 503 on a page', async (_name, run) => {
    const one = await everything()
    one.state.full = true
    expectUnavailable(await run(one), true)
  })

  test('attack 18: a rotation that failed in the middle costs nothing: the token is as good as before', async () => {
    const { state, to, bound, key } = await everything()
    for (let times = 0; times < 3; times++) {
      state.full = true
      expectUnavailable(await refresh(to, bound.refreshToken, { client: 'app', key }))
      state.full = false
    }
    const answer = await refresh(to, bound.refreshToken, { client: 'app', key })
    expect([answer.status, answer.headers['countersign-refresh-row']]).toEqual([200, '5'])
  })

  test('what only reads goes on', async () => {
    const one = await everything()
    one.state.full = true
    for (const [name, run] of readers) {
      if (name === 'the stream' || name === 'a wrong secret') continue
      expect([name, (await run(one)).status]).toEqual([name, 200])
    }
  })
})

test('attack 18: a commit of which nobody knows whether it happened is found out by loading again', async () => {
  let lost = false
  const to = await given.server({
    wrapStore: store => ({
      ...store,
      async commit(change) {
        const outcome = await store.commit(change)
        if (lost) throw new StoreUnavailable('the answer was lost')
        return outcome
      },
    }),
  })
  await signUp(to)
  const key = to.key()
  const { refreshToken } = await logIn(to, { client: 'app', key })
  lost = true
  expectUnavailable(await refresh(to, refreshToken, { client: 'app', key }))
  lost = false
  const answer = await refresh(to, refreshToken, { client: 'app', key })
  expect([answer.status, answer.headers['countersign-refresh-row']]).toEqual([200, '7'])
})
