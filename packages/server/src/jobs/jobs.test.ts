import { StoreUnavailable, type SweepLimits } from '@countersign/store'
import { afterEach, expect, test } from 'vitest'
import type { Every } from '../every.ts'
import { logIn, postForm, refresh, signUp } from '../testing/calls.ts'
import { closeGiven, given } from '../testing/given.ts'
import { startJobs } from './jobs.ts'

afterEach(closeGiven)

/** Timers that fire when a test says so. */
function heldTimers(): { every: Every; fire(milliseconds?: number): void; running(): number } {
  const running = new Map<() => void, number>()
  return {
    every: (milliseconds, run) => {
      running.set(run, milliseconds)
      return () => void running.delete(run)
    },
    fire: wanted => {
      for (const [run, milliseconds] of running) if (wanted === undefined || wanted === milliseconds) run()
    },
    running: () => running.size,
  }
}

test('what is over is forgotten after its time, and keys turn, by themselves', async () => {
  const to = await given.server()
  await signUp(to)
  const { refreshToken, sessionId } = await logIn(to)
  await postForm(to, '/revoke', { token: refreshToken, client_id: 'bearer-app' })
  const timers = heldTimers()
  const stop = startJobs(to.server.services, timers.every)
  timers.fire()
  await expect.poll(() => to.store.loadSession(sessionId), { timeout: 10_000 }).toBeDefined()
  to.setClock(to.now() + 31 * 86_400_000)
  const before = to.server.services.keys.jwks.bind(undefined)
  expect(before).toThrow(StoreUnavailable)
  // An hour: a clock that has jumped may be set back.
  for (let tenSeconds = 0; tenSeconds < 360; tenSeconds++) {
    timers.fire(10_000)
    await new Promise(done => setImmediate(done))
  }
  expect(await to.store.loadSession(sessionId)).toBeDefined()
  timers.fire(10_000)
  await expect.poll(() => to.store.loadSession(sessionId), { timeout: 10_000 }).toBeUndefined()
  await expect
    .poll(() => to.server.admin.listKeys().map(({ state }) => state), { timeout: 10_000 })
    .toContain('retiring')
  stop()
  expect(timers.running()).toBe(0)
})

test('a job that fails is logged by its kind and what was away, and runs again', async () => {
  const to = await given.server()
  const timers = heldTimers()
  let sweeps = 0
  const store = {
    ...to.store,
    sweep: () => {
      sweeps++
      return Promise.reject(new StoreUnavailable('the disk is full'))
    },
  }
  const stop = startJobs({ ...to.server.services, store }, timers.every)
  for (const times of [1, 2]) {
    timers.fire()
    await expect
      .poll(() => to.log.filter(({ text }) => text.includes('sweep')), { timeout: 10_000 })
      .toHaveLength(times)
  }
  expect(to.log.at(-1)).toMatchObject({ level: 'warn', text: expect.stringContaining('StoreUnavailable') })
  expect(to.log.at(-1)?.text).toContain('the disk is full')
  expect(sweeps).toBe(2)
  stop()
})

test('a full sweep goes on each second until nothing is left, and then rests', async () => {
  const to = await given.server()
  const timers = heldTimers()
  let left = 17_587
  let passes = 0
  const store = {
    ...to.store,
    sweep: async ({ rowsAtMost }: SweepLimits) => {
      passes++
      const gone = Math.min(left, rowsAtMost)
      left -= gone
      return gone
    },
  }
  const stop = startJobs({ ...to.server.services, store }, timers.every)
  const seconds = async (count: number): Promise<void> => {
    for (let second = 0; second < count; second++) {
      timers.fire(1_000)
      await new Promise(done => setImmediate(done))
    }
  }
  await seconds(5)
  expect(passes).toBe(0)
  timers.fire(10_000)
  timers.fire(10_000)
  await seconds(100)
  expect(left).toBe(0)
  const before = passes
  await seconds(100)
  expect(passes).toBe(before)
  stop()
})

test('old rows of the audit log are removed and deleted by the sweep, if it is so configured; a removal by others is finished in any case', async () => {
  const keeping = await given.server()
  const to = await given.server({
    config: { auditKeepSeconds: 30 * 86_400 },
    openStore: async () => keeping.store,
    closesStore: false,
  })
  const record = { event: 'all.revoked' as const, time: to.now() - 86_400_000 }
  await to.store.commit({
    writes: [],
    audit: new Array(1_500).fill(record),
    entries: [],
    durable: true,
    time: to.now(),
  })
  const [own, others] = [heldTimers(), heldTimers()]
  const stops = [startJobs(to.server.services, own.every), startJobs(keeping.server.services, others.every)]
  const fire = async ({ fire }: ReturnType<typeof heldTimers>, milliseconds: number, times: number): Promise<void> => {
    for (let time = 0; time < times; time++) {
      fire(milliseconds)
      for (let turns = 0; turns < 10; turns++) await new Promise(done => setImmediate(done))
    }
  }
  for (const node of [to, keeping]) node.setClock(to.now() + 40 * 86_400_000)
  await fire(others, 10_000, 1)
  await fire(own, 10_000, 1)
  const anchor = await to.server.admin.auditAnchor()
  expect(anchor).toMatchObject({ deletedThrough: 1_000 })
  expect(anchor?.number).toBeGreaterThanOrEqual(1_500)
  await fire(others, 10_000, 1)
  expect(await to.server.admin.auditAnchor()).toMatchObject({ deletedThrough: anchor?.number })
  expect(await to.store.deletePrunedAudit(1)).toBe(0)
  for (const stop of stops) stop()
})

test('a clock that is wrong for a while makes nobody’s login unknown', async () => {
  const to = await given.server()
  await signUp(to)
  const { refreshToken } = await logIn(to)
  const timers = heldTimers()
  const stop = startJobs(to.server.services, timers.every)
  const tenSeconds = async (): Promise<void> => {
    timers.fire()
    for (let turns = 0; turns < 10; turns++) await new Promise(done => setImmediate(done))
  }
  await tenSeconds()
  const right = to.now()
  to.setClock(right + 400 * 86_400_000)
  await tenSeconds()
  await tenSeconds()
  to.setClock(right + 30_000)
  await tenSeconds()
  expect((await refresh(to, refreshToken)).status).toBe(200)
  stop()
})
