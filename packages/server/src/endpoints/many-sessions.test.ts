import { openLogin } from '@countersign/core'
import { afterEach, expect, test } from 'vitest'
import { browser } from '../testing/browser.ts'
import { asApi, bearer, get, logIn, me, postJson, refresh, signUp } from '../testing/calls.ts'
import { closeGiven, type GivenServer, given } from '../testing/given.ts'

afterEach(closeGiven)

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

test('many logins of one user at once, when there are a hundred already: each is one, and there are a hundred', async () => {
  const to = await given.server()
  const userId = await signUp(to)
  await openMany(to, userId, 100)
  const body = { client_id: 'bearer-app', user: { id: userId } }
  const answers = await Promise.all(Array.from({ length: 30 }, () => postJson(to, '/v1/trusted/sessions', body, asApi)))
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201))
  expect(await to.store.listSessions(userId)).toHaveLength(100)
})

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
