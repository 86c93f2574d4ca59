import { expect, test } from 'vitest'
import { apiUrl, createWorld, credentials, type World } from './testing/world.ts'

const echo = `${apiUrl}/api/echo`
const hour = 3_600_000

async function useTwoTabs(error: number): Promise<World> {
  const world = createWorld({ lifetimeSeconds: 300 })
  const [first, second] = [world.tab(), world.tab()]
  first.clockError = second.clockError = error
  await world.until(first.app.signIn(credentials))
  for (let round = 1; round <= 5; round++) {
    await world.pass(310_000)
    for (const { app } of [first, second]) expect((await world.until(app.fetch(echo))).status).toBe(200)
  }
  expect(world.issuer.counts).toMatchObject({ reuses: 0, revocations: 0, logins: 1 })
  return world
}

for (const error of [-24 * hour, -hour, hour, 24 * hour]) {
  test(`a clock that is wrong by ${error / hour} hours changes nothing`, async () => {
    const [wrong, right] = [await useTwoTabs(error), await useTwoTabs(0)]
    expect(wrong.issuer.counts).toEqual(right.issuer.counts)
    expect(wrong.posts('/token')).toBe(right.posts('/token'))
    // Only the very first proof was refused for its time; the answer told the server's.
    expect([wrong.posts('/v1/sessions'), right.posts('/v1/sessions')]).toEqual([2, 1])
  })

  test(`a clock that jumps by ${error / hour} hours costs a refresh at most, and no login`, async () => {
    const world = createWorld({ lifetimeSeconds: 300 })
    const [first, second] = [world.tab(), world.tab()]
    await world.until(first.app.signIn(credentials))
    for (const tab of [first, second]) tab.clockError = error
    for (let round = 1; round <= 3; round++) {
      for (const { app } of [first, second]) expect((await world.until(app.fetch(echo))).status).toBe(200)
      expect(world.issuer.counts.rotations).toBeLessThanOrEqual(round)
      expect(world.issuer.counts.rotations).toBeGreaterThanOrEqual(round - 1)
      await world.pass(310_000)
    }
    expect(world.issuer.counts).toMatchObject({ reuses: 0, revocations: 0, logins: 1 })
  })
}

test('the device sleeps: the monotonic clock stood still, and the token is renewed before it is used', async () => {
  const world = createWorld({ lifetimeSeconds: 300 })
  const tab = world.tab()
  await world.until(tab.app.signIn(credentials))
  // What a sleep looks like from inside: the wall clock has moved on by itself.
  world.issuer.expireAll()
  tab.clockError = 8 * hour
  const refusals: number[] = []
  const before = world.posts('/api/echo')
  refusals.push((await world.until(tab.app.fetch(echo))).status)
  expect(refusals).toEqual([200])
  expect(world.posts('/api/echo') - before).toBe(1)
  expect(world.issuer.counts.rotations).toBe(1)
})

for (const [lifetimeSeconds, margin] of [
  [5, 1],
  [900, 60],
  [60 * 86_400, 60],
] as const) {
  test(`a life of ${lifetimeSeconds} s: due within the last ${margin} s of it, renewed once`, async () => {
    const world = createWorld({ lifetimeSeconds })
    const tab = world.tab()
    await world.until(tab.app.signIn(credentials))
    const start = world.now()
    const due = () => tab.states.some(state => state.status === 'due')
    await world.pass((lifetimeSeconds - margin) * 1000 - 100)
    expect(due()).toBe(false)
    await world.pass(margin * 500)
    expect(due()).toBe(true)
    expect(world.now() - start).toBeLessThan(lifetimeSeconds * 1000)
    expect(world.issuer.counts.posts).toBe(0)
    expect((await world.until(tab.app.fetch(echo))).status).toBe(200)
    await world.settle()
    await world.until(tab.app.getToken())
    await world.pass(100)
    expect(world.issuer.counts).toMatchObject({ posts: 1, rotations: 1 })
  })
}

test('a token that is in use is renewed before its end, one that is not is left alone', async () => {
  const world = createWorld({ lifetimeSeconds: 300 })
  const tab = world.tab()
  await world.until(tab.app.signIn(credentials))
  await world.pass(3 * 300_000)
  expect(world.issuer.counts.posts).toBe(0)
  expect(tab.app.state).toEqual({ status: 'due' })
  await world.until(tab.app.getToken())
  await world.until(tab.app.getToken())
  await world.pass(300_000)
  expect(world.issuer.counts.posts).toBe(2)
  await world.pass(3 * 300_000)
  expect(world.issuer.counts.posts).toBe(2)
})

test('a token whose whole life passes on the way is given out once, and does not make a circle of refreshes', async () => {
  const world = createWorld({ lifetimeSeconds: 2 })
  const tab = world.tab()
  await world.until(tab.app.signIn(credentials))
  await world.pass(3_000)
  world.latency = 1_500
  const before = world.posts('/token')
  await world.until(tab.app.getToken())
  expect(world.posts('/token') - before).toBe(1)
})

test('a page that comes back looks again at once', async () => {
  const world = createWorld({ lifetimeSeconds: 300 })
  const tab = world.tab()
  await world.until(tab.app.signIn(credentials))
  await world.pass(400_000)
  expect(tab.app.state).toEqual({ status: 'due' })
  tab.wake()
  await world.pass(100)
  expect(tab.app.state).toEqual({ status: 'fresh' })
  expect(world.issuer.counts.posts).toBe(1)
})
