import { expect, test } from 'vitest'
import { signUp } from './account.ts'
import { memoryStorage } from './storage/memory.ts'
import { apiUrl, createWorld, credentials } from './testing/world.ts'

test('signing out ends the login here, in the other tabs and at the issuer, and leaves nothing behind', async () => {
  const world = createWorld()
  const [first, second] = [world.tab(), world.tab()]
  await world.until(first.app.signIn(credentials))
  const accessToken = await world.until(second.app.getToken())
  await world.until(first.app.signOut())
  await world.settle()
  for (const { app } of [first, second]) expect(app.state).toEqual({ status: 'signedOut', reason: 'signed_out' })
  expect(world.issuer.counts.revocations).toBe(1)
  expect(world.record.session).toBeUndefined()
  const answer = await world.until(
    second.app.fetch(`${apiUrl}/api/echo`, { headers: { Authorization: `Bearer ${accessToken}` } }),
  )
  expect(answer.status).toBe(401)
})

// A refresh takes: reading, the lock, the proof, 40 ms of network, the write. Every millisecond of it is tried.
for (let moment = 0; moment <= 45; moment += 1) {
  test(`signing out ${moment} ms into a refresh is not undone by it`, async () => {
    const world = createWorld()
    const [refreshing, leaving] = [world.tab(), moment % 2 ? world.tab() : undefined]
    await world.until(refreshing.app.signIn(credentials))
    const work = refreshing.app.refresh()
    await world.pass(moment)
    await world.until((leaving ?? refreshing).app.signOut())
    await world.until(work)
    await world.pass(120_000)
    expect(refreshing.app.state).toEqual({ status: 'signedOut', reason: 'signed_out' })
    expect(world.record.session).toBeUndefined()
    expect([...world.issuer.families.values()].every(family => family.ended)).toBe(true)
  })
}

test('signing out at every step between two storage operations of a refresh is not undone either', async () => {
  for (let step = 1; step <= 8; step++) {
    const world = createWorld()
    const storage = memoryStorage(world.record)
    let operations = 0
    let leave = () => {}
    const counted = async <T>(work: () => Promise<T>): Promise<T> => {
      if (++operations === step) leave()
      const result = await work()
      if (++operations === step) leave()
      return result
    }
    const tab = world.tab({
      storage: {
        ...storage,
        get: () => counted(() => storage.get()),
        compareAndSet: (expected, next) => counted(() => storage.compareAndSet(expected, next)),
      },
    })
    await world.until(tab.app.signIn(credentials))
    operations = 0
    let left: Promise<void> | undefined
    leave = () => {
      leave = () => {}
      left = tab.app.signOut()
    }
    await world.until(tab.app.refresh())
    await world.until(left ?? tab.app.signOut())
    await world.pass(120_000)
    expect(tab.app.state).toEqual({ status: 'signedOut', reason: 'signed_out' })
    expect(world.record.session).toBeUndefined()
  }
})

test('a sign-out of another tab that falls between the write of a refresh and its end is heard', async () => {
  const world = createWorld()
  const storage = memoryStorage(world.record)
  let resume = () => {}
  const slow = world.tab({
    storage: {
      ...storage,
      // The write is done, but it takes a second until this tab hears of it.
      async compareAndSet(expected, next) {
        const written = await storage.compareAndSet(expected, next)
        if (!('ended' in next)) await new Promise<void>(done => (resume = done))
        return written
      },
    },
  })
  const other = world.tab()
  await world.until(other.app.signIn(credentials))
  const work = slow.app.refresh()
  await world.pass(1_000)
  await world.until(other.app.signOut())
  resume()
  await world.until(work)
  await world.settle()
  expect(slow.app.state).toEqual({ status: 'signedOut', reason: 'signed_out' })
})

test('signed out while offline: at once on this device, and the issuer is told later, even by another page', async () => {
  const world = createWorld()
  const tab = world.tab()
  await world.until(tab.app.signIn(credentials))
  tab.online = false
  await world.until(tab.app.signOut())
  expect(tab.app.state).toEqual({ status: 'signedOut', reason: 'signed_out' })
  expect(world.record.session).toMatchObject({ ended: 'signed_out', unrevoked: expect.stringMatching(/^cs_rt_/) })
  // Nobody can end a bound login without its key: it stays until the issuer has heard, and no longer.
  expect(world.record.session).toHaveProperty('key.privateKey')
  await world.pass(3_600_000)
  expect(world.issuer.counts.revocations).toBe(0)
  tab.app.close()

  const next = world.tab()
  await world.pass(1_000)
  expect(next.app.state).toEqual({ status: 'signedOut', reason: 'signed_out' })
  expect(world.issuer.counts.revocations).toBe(1)
  expect(world.record.session).toBeUndefined()
})

test('a nonce is asked for at a sign-out: it is sent with the second try, and the key is gone afterwards', async () => {
  const world = createWorld({ nonce: 'n-1' })
  const tab = world.tab()
  await world.until(tab.app.signIn(credentials))
  // Long enough for the nonce of the sign-in to be forgotten.
  await world.pass(300_000)
  const sent = world.sent.length
  await world.until(tab.app.signOut())
  await world.settle()
  expect(world.sent.slice(sent).filter(({ path }) => path === '/revoke')).toHaveLength(2)
  expect(world.issuer.counts.revocations).toBe(1)
  expect(world.record.session).toBeUndefined()
})

test('an issuer that says "unavailable" has not heard: token and key stay, and it is told later', async () => {
  const world = createWorld()
  const tab = world.tab()
  await world.until(tab.app.signIn(credentials))
  const body = { error: 'temporarily_unavailable', reason: 'unavailable' }
  world.fault = ({ path }) =>
    path === '/revoke'
      ? Response.json(body, { status: 503, headers: { 'Countersign-Reason': 'unavailable' } })
      : undefined
  await world.until(tab.app.signOut())
  expect(world.record.session).toHaveProperty('key.privateKey')
  world.fault = () => undefined
  await world.pass(120_000)
  expect(world.issuer.counts.revocations).toBe(1)
  expect(world.record.session).toBeUndefined()
})

test('signing out twice at once is signing out', async () => {
  const world = createWorld()
  const tab = world.tab()
  await world.until(tab.app.signIn(credentials))
  await world.until(Promise.all([tab.app.signOut(), tab.app.signOut()]))
  await world.pass(60_000)
  expect(tab.app.state).toEqual({ status: 'signedOut', reason: 'signed_out' })
  expect(world.issuer.counts.revocations).toBe(1)
  expect(world.record.session).toBeUndefined()
})

test('signed out while signing in: the later word counts, and the new login is ended too', async () => {
  const world = createWorld()
  const tab = world.tab()
  const signingIn = tab.app.signIn(credentials)
  await world.pass(25)
  await world.until(tab.app.signOut())
  expect(await world.until(signingIn)).toMatchObject({ refused: true, reason: 'signed_out' })
  expect(tab.app.state.status).toBe('signedOut')
  expect([...world.issuer.families.values()].map(family => family.ended)).toEqual(['session_ended'])
})

test('signing in again ends the earlier login of this install (and a thief of it)', async () => {
  const world = createWorld()
  const tab = world.tab()
  await world.until(tab.app.signIn(credentials))
  const first = tab.app.sessionId
  await world.until(tab.app.signIn(credentials))
  expect(tab.app.sessionId).not.toBe(first)
  expect([...world.issuer.families.values()].map(family => family.ended)).toEqual(['session_ended', undefined])
})

test('signing in after somebody else ends their login too, also one that was signed out offline', async () => {
  for (const leavesOffline of [false, true]) {
    const world = createWorld()
    const tab = world.tab()
    await world.until(signUp(tab.app, { email: 'bob@example.com', password: 'correct horse' }))
    await world.until(tab.app.signIn({ email: 'bob@example.com', password: 'correct horse' }))
    tab.online = !leavesOffline
    if (leavesOffline) await world.until(tab.app.signOut())
    tab.online = true
    await world.until(tab.app.signIn(credentials))
    await world.pass(1_000)
    expect([...world.issuer.families.values()].map(family => family.ended)).toEqual(['session_ended', undefined])
    expect(tab.app.state).toEqual({ status: 'fresh' })
  }
})

test('signing in while a refresh of the earlier login is under way: the new login stays', async () => {
  for (const moment of [0, 5, 25, 39, 41]) {
    const world = createWorld()
    const [first, second] = [world.tab(), world.tab()]
    await world.until(first.app.signIn(credentials))
    const work = [first.app.refresh(), second.app.refresh()]
    await world.pass(moment)
    await world.until(first.app.signIn(credentials))
    await world.until(Promise.all(work))
    await world.settle()
    for (const { app } of [first, second]) expect(app.state).toEqual({ status: 'fresh' })
    expect(second.app.sessionId).toBe(first.app.sessionId)
    expect(world.issuer.counts.logins).toBe(2)
  }
})

test('the storage is cleared under a login: signed out, and nothing is written back', async () => {
  const world = createWorld()
  const tab = world.tab()
  await world.until(tab.app.signIn(credentials))
  world.record.session = undefined
  tab.wake()
  await world.pass(100)
  expect(tab.app.state).toEqual({ status: 'signedOut', reason: 'signed_out' })
  expect(world.record.session).toBeUndefined()
})

test('wrong password is a value, an issuer out of reach is thrown, and neither touches the login that there is', async () => {
  const world = createWorld()
  const tab = world.tab()
  await world.until(tab.app.signIn(credentials))
  expect(await world.until(tab.app.signIn({ ...credentials, password: 'wrong' }))).toMatchObject({
    refused: true,
    reason: 'login_failed',
  })
  world.fault = () => new Response('<h1>down</h1>', { status: 502 })
  await expect(world.until(tab.app.signIn(credentials))).rejects.toMatchObject({ code: 'unavailable' })
  tab.online = false
  // A browser does not say which it was: out of reach, or no answer that this page may read.
  await expect(world.until(tab.app.signIn(credentials))).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(/^No answer from https:\/\/\S+$/),
  })
  expect(tab.app.state).toEqual({ status: 'fresh' })
})

test('a tab that was frozen in the middle of its sign-out ends its own login, and not one that was begun after', async () => {
  const world = createWorld()
  const storage = memoryStorage(world.record)
  let thaw = () => {}
  const thawed = new Promise<void>(resolve => {
    thaw = resolve
  })
  let frozen = false
  const slow = async <T>(work: () => Promise<T>): Promise<T> => {
    if (frozen) await thawed
    return work()
  }
  const leaving = world.tab({
    storage: {
      ...storage,
      get: () => slow(() => storage.get()),
      compareAndSet: (expected, next) => slow(() => storage.compareAndSet(expected, next)),
    },
  })
  const other = world.tab()
  const grace = { email: 'grace@example.com', password: 'compiler!' }
  await world.until(signUp(other.app, grace))
  await world.until(leaving.app.signIn(credentials))
  frozen = true
  const left = leaving.app.signOut()
  await world.pass(1_000)
  await world.until(other.app.signIn(grace))
  const ofGrace = world.record.session
  thaw()
  frozen = false
  await world.until(left)
  await world.pass(120_000)
  expect(world.record.session).toEqual(ofGrace)
  expect(other.app.state).toEqual({ status: 'fresh' })
  expect([...world.issuer.families.values()].filter(family => !family.ended)).toHaveLength(1)
})
