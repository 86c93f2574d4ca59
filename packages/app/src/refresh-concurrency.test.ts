import { expect, test } from 'vitest'
import type { State } from './state.ts'
import { apiUrl, createRandom, createWorld, credentials, type Tab, type World } from './testing/world.ts'

const echo = `${apiUrl}/api/echo`

function openTabs(world: World, count: number, withLocks = true): Tab[] {
  return Array.from({ length: count }, () => world.tab(withLocks ? {} : { locks: undefined }))
}

/** Calls from every tab at once; the distinct statuses of the answers. */
async function statusesOf(tabs: readonly Tab[], calls: number): Promise<number[]> {
  const answers = await Promise.all(
    tabs.flatMap(({ app }) => Array.from({ length: calls }, async () => (await app.fetch(echo)).status)),
  )
  return [...new Set(answers)]
}

const hasEnded = (state: State) => state.status === 'signedOut' && state.reason !== 'none'

test('a login is bound to a key, and its tokens are shared by all tabs', async () => {
  const world = createWorld()
  const [first, second] = [world.tab(), world.tab()]
  await world.settle()
  expect(first.app.state).toEqual({ status: 'signedOut', reason: 'none' })
  const result = await world.until(first.app.signIn(credentials))
  expect(result).toEqual({ refused: false, sessionId: expect.stringMatching(/^session-/) })
  await world.settle()
  expect(second.app.state).toEqual({ status: 'fresh' })
  expect(second.app.bound).toBe(true)
  expect(await second.app.getToken()).toBe(await first.app.getToken())
  expect(second.app.sessionId).toBe(first.app.sessionId)
})

for (const withLocks of [true, false]) {
  const how = withLocks ? 'with locks' : 'without locks'

  test(`50 calls in each of 10 tabs at each of 20 expiries, ${how}: rotations = expiries, every call 200`, async () => {
    const world = createWorld()
    const tabs = openTabs(world, 10, withLocks)
    await world.until(world.tab().app.signIn(credentials))
    for (let round = 1; round <= 20; round++) {
      world.issuer.expireAll()
      expect(await world.until(statusesOf(tabs, 50))).toEqual([200])
      expect(world.issuer.counts.rotations).toBe(round)
    }
    expect(world.issuer.counts).toMatchObject({ reuses: 0, revocations: 0, logins: 1 })
    if (withLocks) expect(world.issuer.counts.posts).toBe(20)
  })

  test(`three answers in ten are lost after the commit, ${how}: rotations = expiries, every call 200`, async () => {
    const world = createWorld()
    const random = createRandom(7)
    world.fault = ({ path }) => (path === '/token' && (random(1)[0] ?? 0) < 77 ? 'lose-answer' : undefined)
    const tabs = openTabs(world, 10, withLocks)
    await world.until(world.tab().app.signIn(credentials))
    for (let round = 1; round <= 20; round++) {
      world.issuer.expireAll()
      expect(await world.until(statusesOf(tabs, 5))).toEqual([200])
    }
    expect(world.issuer.counts).toMatchObject({ rotations: 20, reuses: 0, revocations: 0 })
    expect(world.issuer.counts.replays).toBeGreaterThan(0)
    expect(tabs.flatMap(tab => tab.states).filter(hasEnded)).toHaveLength(0)
  })
}

for (const bound of [true, false]) {
  test(`every first answer is lost after the commit, ${bound ? 'bound' : 'unbound'}: nobody is signed out`, async () => {
    const world = createWorld({ minimumLife: 0 })
    let losing = false
    world.fault = ({ path }) => {
      if (path !== '/token' || !losing) return undefined
      losing = false
      return 'lose-answer'
    }
    const tab = world.tab({ dpop: bound })
    await world.until(tab.app.signIn(credentials))
    for (let round = 1; round <= 5; round++) {
      world.issuer.expireAll()
      losing = true
      // The lost rotation counts; the second request is its replay (or, had the grace passed, a reuse).
      expect((await world.until(tab.app.fetch(echo))).status).toBe(200)
      expect(world.issuer.counts.replays).toBe(round)
    }
    expect(world.issuer.counts).toMatchObject({ reuses: 0, rotations: 5 })
  })
}

test('an answer without a refresh token leaves the one that was presented in place (row 6)', async () => {
  const world = createWorld()
  const tab = world.tab({ dpop: false })
  await world.until(tab.app.signIn(credentials))
  const before = world.record.session
  world.issuer.expireAll()
  expect((await world.until(tab.app.fetch(echo))).status).toBe(200)
  expect(world.issuer.counts).toMatchObject({ unchanged: 1, rotations: 0 })
  const refreshToken = (before as { refreshToken: string }).refreshToken
  expect(world.record.session).toMatchObject({ refreshToken })
  expect(world.record.session?.version).not.toBe(before?.version)
  await world.pass(120_000)
  world.issuer.expireAll()
  expect((await world.until(tab.app.fetch(echo))).status).toBe(200)
  expect(world.issuer.counts.rotations).toBe(1)
})

for (const moment of ['before the request leaves', 'after the request', 'before the write', 'after the write']) {
  test(`a tab is killed ${moment}: another one goes on`, async () => {
    const world = createWorld()
    const [killed, other] = [world.tab(), world.tab()]
    await world.until(other.app.signIn(credentials))
    world.issuer.expireAll()
    const call = killed.app.fetch(echo)
    call.catch(() => {})
    await world.pass(40)
    if (moment === 'before the request leaves') killed.frozen = true
    world.fault = ({ path, tab }) => {
      if (path === '/token' && tab === killed && moment === 'after the request') tab.frozen = true
      return undefined
    }
    if (moment === 'before the write') {
      await world.pass(39)
      killed.frozen = true
    }
    if (moment === 'after the write') {
      const version = world.record.session?.version
      for (let waited = 0; world.record.session?.version === version && waited < 100; waited++) await world.pass(1)
      killed.frozen = true
    }
    expect((await world.until(other.app.fetch(echo))).status).toBe(200)
    expect(world.issuer.counts).toMatchObject({ rotations: 1, reuses: 0 })
    expect(other.app.state.status).toBe('fresh')
  })
}

test('an answer is lost, the device is offline for 24 hours, and comes back: still signed in', async () => {
  const world = createWorld()
  const tab = world.tab()
  await world.until(tab.app.signIn(credentials))
  world.issuer.expireAll()
  world.fault = ({ path }) => (path === '/token' ? 'lose-answer' : undefined)
  const call = world.until(tab.app.fetch(echo))
  tab.online = true
  expect((await call).status).toBe(401)
  expect(world.issuer.counts.rotations).toBe(1)
  tab.online = false
  world.fault = () => undefined
  await world.pass(24 * 3_600_000)
  expect(tab.app.state.status).toBe('degraded')
  await expect(world.until(tab.app.getToken())).rejects.toMatchObject({ code: 'unavailable' })
  tab.online = true
  tab.wake()
  await world.pass(100)
  expect(tab.app.state).toEqual({ status: 'fresh' })
  expect(world.issuer.counts).toMatchObject({ rotations: 1, reuses: 0 })
})

test('the holder of the lock is frozen: the others wait for a while, then go on without', async () => {
  const world = createWorld()
  const [holder, other] = [world.tab(), world.tab()]
  await world.until(other.app.signIn(credentials))
  world.issuer.expireAll()
  world.fault = ({ path, tab }) => {
    if (path === '/token' && tab === holder) tab.frozen = true
    return undefined
  }
  holder.app.fetch(echo).catch(() => {})
  await world.pass(1_000)
  const before = world.now()
  expect((await world.until(other.app.fetch(echo))).status).toBe(200)
  expect(world.now() - before).toBeLessThan(6_000)
  expect(world.issuer.counts).toMatchObject({ rotations: 1, reuses: 0 })

  // Thawed, it finds what the other has written, and writes nothing over it.
  const written = world.record.session
  holder.frozen = false
  holder.wake()
  await world.pass(60_000)
  expect(world.record.session).toBe(written)
  expect(await holder.app.getToken()).toBe(await other.app.getToken())
})

test('an older answer that arrives late does not overwrite a newer token', async () => {
  const world = createWorld()
  const [slow, quick] = openTabs(world, 2, false) as [Tab, Tab]
  await world.until(quick.app.signIn(credentials))
  // The slow one's answer takes its time; meanwhile the quick one renews twice.
  const fetchSlowly = slow.app.refresh()
  world.latency = 3_000
  await world.pass(1)
  world.latency = 20
  await world.until(quick.app.refresh())
  await world.until(quick.app.refresh())
  const newest = world.record.session
  await world.until(fetchSlowly)
  expect(world.record.session).toEqual(newest)
  expect(await slow.app.getToken()).toBe(await quick.app.getToken())
  expect(world.issuer.counts.reuses).toBe(0)
})

test('one tab is refused while another has rotated: it reads the storage again and adopts', async () => {
  const world = createWorld({ grace: 0, minimumLife: 0 })
  const [late, early] = [world.tab({ dpop: false, locks: undefined }), world.tab({ dpop: false, locks: undefined })]
  await world.until(early.app.signIn(credentials))
  const refused = Response.json(
    { error: 'invalid_grant', error_description: '', reason: 'refresh_token_reused' },
    { status: 400, headers: { 'Countersign-Reason': 'refresh_token_reused' } },
  )
  world.fault = ({ path, tab }) => (path === '/token' && tab === late ? refused : undefined)
  world.latency = 500
  const refusing = late.app.refresh()
  await world.pass(1)
  world.latency = 20
  await world.until(early.app.refresh())
  await world.until(refusing)
  expect(late.app.state).toEqual({ status: 'fresh' })
  expect(await late.app.getToken()).toBe(await early.app.getToken())
})

test('a refusal that stands signs every tab out, and says why', async () => {
  const world = createWorld()
  const [first, second] = [world.tab(), world.tab()]
  await world.until(first.app.signIn(credentials))
  world.issuer.endAll('session_ended')
  expect((await world.until(first.app.fetch(echo))).status).toBe(401)
  await world.settle()
  for (const { app } of [first, second]) {
    expect(app.state).toEqual({ status: 'signedOut', reason: 'session_ended' })
    await expect(app.getToken()).rejects.toMatchObject({ code: 'signed_out' })
  }
  expect(world.tab().app.state.status).toBe('refreshing')
  await world.settle()
  expect(JSON.stringify(world.record.session)).not.toMatch(/cs_rt_|access-/)
})

test('timer, 401 and a manual refresh in one tick make one request', async () => {
  const world = createWorld({ lifetimeSeconds: 100 })
  const tab = world.tab()
  await world.until(tab.app.signIn(credentials))
  expect((await world.until(tab.app.fetch(echo))).status).toBe(200)
  const before = world.posts('/token')
  world.latency = 1_000
  for (let waited = 0; tab.app.state.status === 'fresh' && waited < 100; waited++) await world.pass(1_000)
  expect(tab.app.state.status).toBe('refreshing')
  world.issuer.expireAll()
  const all = Promise.all([tab.app.refresh(), tab.app.fetch(echo), tab.app.getToken(), tab.app.refresh()])
  await world.until(all)
  expect(world.posts('/token') - before).toBe(1)
})
