import { openBrowserSession, openLogin } from '@countersign/core'
import type { Store } from '@countersign/store'
import { afterEach, expect, test } from 'vitest'
import { browser } from '../testing/browser.ts'
import { type Answer, asApi, bearer, get, logIn, me, postJson, refresh, signUp } from '../testing/calls.ts'
import { beginWith, closeConnected, connectedToOpenid, pathOf, signInWith } from '../testing/connected.ts'
import { type GivenServer, given } from '../testing/given.ts'
import type { OpenidUpstream } from '../testing/upstreams/openid.ts'

afterEach(closeConnected)

/** Logins that are there already, straight into the store: by their limits they would take minutes. */
async function openMany(to: GivenServer, userId: string, count: number): Promise<void> {
  const { user, ...snapshot } = await to.store.loadUser(userId)
  const client = (await to.store.loadClient('bearer-app'))?.client
  if (user === undefined || client === undefined) throw new Error('nobody')
  const device = { label: 'curl', ip: '192.0.2.1' }
  for (let n = 0; n < count; n++) {
    const login = { snapshot, user, client, device, amr: ['pwd'], scope: 'account', jkt: undefined }
    await to.store.commit(openLogin({ ...login, random: to.server.services.random }).change)
  }
}

async function openManyInBrowsers(to: GivenServer, userId: string, count: number): Promise<void> {
  const { user, ...snapshot } = await to.store.loadUser(userId)
  if (user === undefined) throw new Error('nobody')
  const login = { snapshot, user, device: { label: 'Firefox', ip: '192.0.2.1' }, amr: ['ext'] }
  for (let n = 0; n < count; n++) {
    await to.store.commit(openBrowserSession({ ...login, random: to.server.services.random }).change)
  }
}

/** Whoever has decided lets all others decide before it is written. */
function unhurried(store: Store): Store {
  return {
    ...store,
    async commit(change) {
      for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
      return store.commit(change)
    },
  }
}

async function arriveInApp(to: GivenServer, upstream: OpenidUpstream, n: number): Promise<() => Promise<Answer>> {
  const id_token = await upstream.idToken({ jti: `${n}` })
  return () => postJson(to, '/v1/sessions/connection', { connection: 'work', client_id: 'bearer-app', id_token })
}

async function arriveInBrowser(to: GivenServer, upstream: OpenidUpstream): Promise<() => Promise<Answer>> {
  const page = browser(to)
  const back = pathOf(await upstream.visit(await beginWith(page, 'work')))
  return () => page.get(back)
}

test('one app holds a hundred logins of one user: for one more the one that was used longest ago ends, by name, everywhere', async () => {
  const to = await given.server()
  const userId = await signUp(to)
  const [idle, used] = [await logIn(to), await logIn(to)]
  await to.later(60)
  await refresh(to, used.refreshToken)
  await openMany(to, userId, 98)
  const before = (await to.audit()).length
  await to.later(60)
  const newest = await logIn(to)
  expect(await to.auditedSince(before)).toEqual(['session.created', 'session.ended'])
  const { entries } = await to.store.feed.snapshot()
  expect(entries).toMatchObject([{ kind: 'session', id: idle.sessionId }])
  expect((await refresh(to, idle.refreshToken)).body.reason).toBe('session_ended')
  expect((await me(to, idle.accessToken)).body.reason).toBe('token_revoked')
  expect((await refresh(to, newest.refreshToken)).status).toBe(200)
  expect(await to.store.listSessions(userId)).toHaveLength(100)
})

test.each([0, 30, 95])(
  'many logins of one user at once on two nodes, where there are %i already: each is one, and there are a hundred at most',
  async already => {
    const to = await given.server({ wrapStore: unhurried })
    const node = await given.server({ openStore: async () => to.store, closesStore: false })
    node.setClock(to.now())
    const userId = await signUp(to)
    await openMany(to, userId, already)
    const body = { client_id: 'bearer-app', user: { id: userId } }
    const answers = await Promise.all(
      Array.from({ length: 120 }, (_, n) => postJson(n % 2 === 0 ? to : node, '/v1/trusted/sessions', body, asApi)),
    )
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201))
    expect(await to.store.listSessions(userId)).toHaveLength(100)
  },
)

test('many logins of one user at once, when there are a hundred already: each is one, and there are a hundred', async () => {
  const to = await given.server()
  const userId = await signUp(to)
  await openMany(to, userId, 100)
  const body = { client_id: 'bearer-app', user: { id: userId } }
  const answers = await Promise.all(Array.from({ length: 30 }, () => postJson(to, '/v1/trusted/sessions', body, asApi)))
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201))
  expect(await to.store.listSessions(userId)).toHaveLength(100)
})

test.each([
  ['an app', openMany, arriveInApp, 'bearer-app'],
  ['browsers', openManyInBrowsers, arriveInBrowser, null],
] as const)(
  'many at once by a connection in %s, where there are a hundred already: each is one',
  async (_what, open, arrive, clientId) => {
    const { upstream, to } = await connectedToOpenid({}, { wrapStore: unhurried })
    await signInWith(to, upstream, 'work')
    const userId = (await to.store.loadUserByIdentity('work', 'm-1')).user?.id ?? ''
    await open(to, userId, 100)
    const logIns = await Promise.all(Array.from({ length: 20 }, (_, n) => arrive(to, upstream, n)))
    const answers = await Promise.all(logIns.map(logIn => logIn()))
    expect(answers.filter(({ status, headers }) => status !== 201 && headers.location !== '/account')).toEqual([])
    const sessions = await to.store.listSessions(userId)
    expect(sessions.filter(({ session }) => session.clientId === clientId)).toHaveLength(100)
  },
)

test('browsers hold as many: who signs in without cookies again and again leaves no more', async () => {
  const to = await given.server()
  const userId = await signUp(to)
  for (let n = 0; n < 103; n++) {
    if (n % 25 === 0) await to.later(60)
    expect((await browser(to).signIn()).status).toBe(303)
  }
  expect(await to.store.listSessions(userId)).toHaveLength(100)
})

test('a list is of two hundred at most, those that were used last and the caller’s own', async () => {
  const to = await given.server()
  const userId = await signUp(to)
  const own = await logIn(to)
  await openMany(to, userId, 40)
  await to.later(1)
  await openMany(to, userId, 260)
  const { sessions } = (await get(to, '/v1/sessions', bearer(own.accessToken))).body as { sessions: { id: string }[] }
  expect(sessions).toHaveLength(200)
  expect(sessions.map(({ id }) => id)).toContain(own.sessionId)
  const times = sessions.map(one => Reflect.get(one, 'created_at'))
  expect(new Set(times).size).toBe(2)
  const page = browser(to)
  await page.signIn()
  const text = (await page.get('/account')).text
  expect(text.match(/name="session_id"/g)?.length).toBeLessThanOrEqual(200)
})
