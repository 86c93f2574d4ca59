import { expect, test } from 'vitest'
import type { State } from './state.ts'
import { apiUrl, createWorld, credentials } from './testing/world.ts'

test('the states of a life: refreshing, signed out, fresh, refreshing, degraded, fresh', async () => {
  const world = createWorld()
  const tab = world.tab()
  expect(tab.app.state).toEqual({ status: 'refreshing' })
  await world.until(tab.app.ready)
  await world.until(tab.app.signIn(credentials))
  tab.online = false
  await world.until(tab.app.refresh())
  tab.online = true
  await world.pass(1_000)
  expect(tab.states.map(state => state.status)).toEqual([
    'signedOut',
    'fresh',
    'refreshing',
    'degraded',
    'refreshing',
    'fresh',
  ])
  expect(tab.app.state).toBe(tab.states.at(-1))
})

test('a subscriber that calls getToken gets a token, and nothing goes round in circles', async () => {
  const world = createWorld()
  const tab = world.tab()
  const tokens: Promise<string>[] = []
  tab.app.subscribe(state => {
    if (state.status !== 'signedOut') tokens.push(tab.app.getToken())
  })
  await world.until(tab.app.signIn(credentials))
  await world.until(tab.app.refresh())
  expect(new Set(await world.until(Promise.all(tokens))).size).toBe(2)
  expect(world.issuer.counts.posts).toBe(1)
})

for (const later of [false, true]) {
  test(`a subscriber that calls refresh on every change${later ? ', a moment later' : ''}: no circle`, async () => {
    const world = createWorld()
    const tab = world.tab()
    let calls = 0
    const react = async (state: State) => {
      if (later) await Promise.resolve()
      if (state.status === 'degraded' || !later) calls++
      if (state.status !== 'fresh' || !later) await tab.app.refresh()
    }
    const unsubscribe = tab.app.subscribe(state => void react(state))
    await world.until(tab.app.signIn(credentials))
    await world.until(tab.app.refresh())
    tab.online = false
    await world.until(tab.app.refresh())
    await world.pass(10_000)
    unsubscribe()
    expect(calls).toBeGreaterThan(1)
    expect(world.posts('/token')).toBeLessThan(15)
  })
}

test('a subscriber that throws is reported, and the others hear of it all the same', async () => {
  const world = createWorld()
  const tab = world.tab()
  tab.app.subscribe(() => {
    throw new Error('mine')
  })
  const heard: string[] = []
  const unsubscribe = tab.app.subscribe(state => heard.push(state.status))
  await world.until(tab.app.signIn(credentials))
  expect(heard).toContain('fresh')
  expect(tab.reports).toContain('A listener threw.')
  unsubscribe()
  const count = heard.length
  await world.until(tab.app.signOut())
  expect(heard).toHaveLength(count)
})

test('a listener that signs out while a refresh is announced is heard', async () => {
  const world = createWorld()
  const tab = world.tab()
  await world.until(tab.app.signIn(credentials))
  let leaving: Promise<void> | undefined
  tab.app.subscribe(state => {
    if (state.status === 'refreshing') leaving ??= tab.app.signOut()
  })
  await world.until(tab.app.refresh())
  await world.until(leaving ?? Promise.reject(new Error('not called')))
  expect(tab.app.state).toEqual({ status: 'signedOut', reason: 'signed_out' })
})

test('no listener is called while this tab holds the lock', async () => {
  const world = createWorld()
  let holding = false
  const locks: typeof world.locks = {
    request: (name, options, section) =>
      world.locks.request(name, options, async () => {
        holding = true
        try {
          return await section()
        } finally {
          holding = false
        }
      }),
  }
  const tab = world.tab({ locks })
  await world.until(tab.app.signIn(credentials))
  const heldWhenCalled: boolean[] = []
  tab.app.subscribe(() => heldWhenCalled.push(holding))
  await world.until(tab.app.refresh())
  expect(heldWhenCalled).toEqual([false, false])
})

test('closed: no timer fires, no token is renewed, calls that wait end', async () => {
  const world = createWorld()
  const tab = world.tab()
  await world.until(tab.app.signIn(credentials))
  world.issuer.expireAll()
  world.fault = ({ path }) => (path === '/token' ? 'lose-request' : undefined)
  const call = tab.app.fetch(`${apiUrl}/api/echo`)
  await world.pass(100)
  tab.app.close()
  expect((await world.until(call)).status).toBe(401)
  const before = world.sent.length
  await world.pass(3_600_000)
  expect(world.sent).toHaveLength(before)
})
