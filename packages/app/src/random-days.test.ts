import { expect, test } from 'vitest'
import { apiUrl, createRandom, createWorld, credentials, type Fault, type Tab } from './testing/world.ts'

/** One of the things that can happen while an app is used. Deterministic: `chance` decides, and comes from the seed. */
async function liveADay(seed: number, withLocks: boolean): Promise<void> {
  const random = createRandom(seed)
  const chance = (limit: number) => (((random(1)[0] ?? 0) << 8) | (random(1)[0] ?? 0)) % limit
  const world = createWorld({ lifetimeSeconds: 60 + chance(600) })
  const options = withLocks ? {} : { locks: undefined }
  const tabs: Tab[] = Array.from({ length: 4 }, () => world.tab(options))
  const pick = () => tabs[chance(tabs.length)] as Tab
  await world.until(pick().app.signIn(credentials))
  const faults: Fault[] = ['lose-request', 'lose-answer', 'hang', new Response('busy', { status: 503 })]
  world.fault = ({ path }) => (path === '/token' && chance(100) < 30 ? faults[chance(faults.length)] : undefined)
  const started: Promise<unknown>[] = []
  const start = (work: Promise<unknown>) => void started.push(work.catch(() => {}))

  const events: (() => void)[] = [
    () => start(pick().app.fetch(`${apiUrl}/api/echo`)),
    () => start(pick().app.fetch(`${apiUrl}/api/echo`, { method: 'POST', body: 'x' })),
    () => start(pick().app.refresh()),
    () => start(pick().app.getToken()),
    () => pick().wake(),
    () => world.issuer.expireAll(),
    () => {
      const tab = pick()
      tab.online = !tab.online
    },
    () => {
      // One device, one clock.
      const error = (chance(49) - 24) * 3_600_000
      for (const tab of tabs) tab.clockError = error
    },
    () => {
      world.latency = 1 + chance(3_000)
    },
    () => {
      // The tab is killed where it stands, and another one is opened.
      const index = chance(tabs.length)
      const killed = tabs[index] as Tab
      killed.frozen = true
      tabs[index] = Object.assign(world.tab(options), { clockError: killed.clockError })
    },
  ]
  for (let step = 0; step < 150; step++) {
    events[chance(events.length)]?.()
    await world.pass(chance(4) === 0 ? chance(400_000) : chance(2_000))
  }

  world.fault = () => undefined
  world.latency = 20
  for (const tab of tabs) tab.online = true
  await world.pass(3_700_000)
  for (const tab of tabs) {
    tab.wake()
    const answer = await world.until(tab.app.fetch(`${apiUrl}/api/echo`))
    expect(answer.status, `seed ${seed}`).toBe(200)
    expect(tab.app.state.status, `seed ${seed}`).toBe('fresh')
  }
  const tokens = await world.until(Promise.all(tabs.map(tab => tab.app.getToken())))
  expect(new Set(tokens).size, `seed ${seed}`).toBe(1)
  expect(world.issuer.counts, `seed ${seed}`).toMatchObject({ reuses: 0, revocations: 0, logins: 1 })
}

for (const withLocks of [true, false]) {
  test(`days of losses, kills, sleep and wrong clocks ${withLocks ? 'with' : 'without'} locks: nobody is signed out`, async () => {
    for (let seed = 1; seed <= 12; seed++) await liveADay(seed, withLocks)
  })
}
