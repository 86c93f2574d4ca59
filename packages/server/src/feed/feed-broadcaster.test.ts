import { createMemoryStore, type FeedStore, type Store, StoreUnavailable } from '@countersign/store'
import { afterEach, expect, test } from 'vitest'
import type { Every } from '../every.ts'
import { createFeedBroadcaster, type FeedBroadcaster, type Follower } from './feed-broadcaster.ts'

const made: FeedBroadcaster[] = []

afterEach(() => {
  for (const feed of made.splice(0)) feed.close()
})

const log = { info: () => {}, warn: () => {}, error: () => {} }

/** By default it looks when it is told to, and not by the clock as well. */
function broadcaster(wrap: (feed: FeedStore) => Partial<FeedStore> = () => ({}), every: Every = () => () => {}) {
  const store = createMemoryStore({ clock: () => 1_000_000, sealPersonal: () => null, seed: { incarnation: 'a1' } })
  const feed = createFeedBroadcaster({ ...store, feed: { ...store.feed, ...wrap(store.feed) } }, log, { every })
  made.push(feed)
  return { store, feed }
}

async function revoke(store: Store, id: string): Promise<void> {
  const entries = [{ kind: 'token' as const, id, until: 9_000_000 }]
  await store.commit({ writes: [], audit: [], entries, durable: true, time: 1_000_000 })
}

/** Takes down the events that it gets. */
function reader(): Follower & { frames: string[]; gone: boolean; ended: boolean; over: boolean; ids(): string[] } {
  const one = {
    over: false,
    stands: async () => !one.over,
    frames: [] as string[],
    gone: false,
    ended: false,
    send: (frame: Buffer) => void one.frames.push(frame.toString()),
    end: () => {
      one.ended = true
    },
    isGone: () => one.gone,
    ids: () => one.frames.flatMap(frame => [...frame.matchAll(/"id":"([^"]+)"/g)].map(found => found[1] ?? '')),
  }
  return one
}

/** A look that is held until it is let go. */
function gate() {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { wait: () => promise, open: resolve }
}

test('who joins while a look is under way misses nothing and gets nothing twice', async () => {
  let held: ReturnType<typeof gate> | undefined
  const { store, feed } = broadcaster(inner => ({
    async after(number) {
      const batch = await inner.after(number)
      await held?.wait()
      return batch
    },
  }))
  const [early, late] = [reader(), reader()]
  await feed.follow(early, undefined)
  await revoke(store, 't1')
  held = gate()
  const looking = feed.look()
  const joining = feed.follow(late, undefined)
  await revoke(store, 't2')
  held.open()
  held = undefined
  await Promise.all([looking, joining])
  await feed.look()
  expect(early.ids()).toEqual(['t1', 't2'])
  expect(late.ids()).toEqual(['t1', 't2'])
})

test.each([0, 1, 2, 3, 4, 5, 6])('what is said %i steps after a look has read is looked at as well', async steps => {
  let reads = 0
  let ends = () => {}
  const { store, feed } = broadcaster(inner => ({
    async after(number) {
      reads++
      const batch = await inner.after(number)
      return reads === 1 ? new Promise(resolve => (ends = () => resolve(batch))) : batch
    },
  }))
  const one = reader()
  await feed.follow(one, undefined)
  void feed.look()
  await expect.poll(() => reads).toBe(1)
  await new Promise(resolve => setImmediate(resolve))
  ends()
  for (let step = 0; step < steps; step++) await undefined
  await revoke(store, 't1')
  await new Promise(resolve => setImmediate(resolve))
  expect(one.ids()).toEqual(['t1'])
})

test('who hangs up while a look is under way is not taken back', async () => {
  let held: ReturnType<typeof gate> | undefined
  const { feed } = broadcaster(inner => ({
    async after(number) {
      await held?.wait()
      return inner.after(number)
    },
  }))
  const one = reader()
  await feed.follow(one, undefined)
  await feed.look()
  held = gate()
  const looking = feed.look()
  one.gone = true
  feed.leave(one)
  held.open()
  held = undefined
  await looking
  expect(feed.followers()).toBe(0)
})

test('who is gone before the first answer is never kept', async () => {
  const { feed } = broadcaster()
  const one = reader()
  one.gone = true
  await feed.follow(one, undefined)
  expect([feed.followers(), one.frames]).toEqual([0, []])
})

test('a look that fails sends no heartbeat, and the next one goes on', async () => {
  let broken = false
  const { store, feed } = broadcaster(inner => ({
    async after(number) {
      if (broken) throw new StoreUnavailable('away')
      return inner.after(number)
    },
  }))
  const one = reader()
  await feed.follow(one, undefined)
  await feed.look()
  broken = true
  await revoke(store, 't1')
  const before = one.frames.length
  await feed.look()
  expect(one.frames.length).toBe(before)
  broken = false
  await feed.look()
  expect(one.ids()).toEqual(['t1'])
})

test('a follower that cannot be let in because the store is away hears of it', async () => {
  const { feed } = broadcaster(() => ({
    snapshot: () => Promise.reject(new StoreUnavailable('away')),
  }))
  await expect(feed.follow(reader(), undefined)).rejects.toThrow(StoreUnavailable)
  expect(feed.followers()).toBe(0)
})

test('who comes while the server stops is ended, as all others are', async () => {
  const held = gate()
  const { feed } = broadcaster(inner => ({
    async snapshot() {
      await held.wait()
      return inner.snapshot()
    },
  }))
  const one = reader()
  const joining = feed.follow(one, undefined)
  feed.close()
  held.open()
  await joining
  expect([one.ended, one.frames, feed.followers()]).toEqual([true, [], 0])
})

test('many at one place are served by one read', async () => {
  let reads = 0
  const { store, feed } = broadcaster(inner => ({
    after(number) {
      reads++
      return inner.after(number)
    },
  }))
  const readers = Array.from({ length: 50 }, reader)
  for (const one of readers) await feed.follow(one, undefined)
  await feed.look()
  reads = 0
  await revoke(store, 't1')
  await feed.look()
  for (const one of readers) expect(one.ids()).toEqual(['t1'])
  expect(reads).toBeLessThanOrEqual(2)
})

test('at the next heartbeat a reader whose credential is over is let go; one that cannot be asked about stays', async () => {
  let beat = () => {}
  const { feed } = broadcaster(undefined, (_, action) => {
    beat = action
    return () => {}
  })
  const [ending, staying, unknown] = [reader(), reader(), reader()]
  for (const one of [ending, staying, unknown]) await feed.follow(one, undefined)
  await feed.look()
  unknown.stands = () => Promise.reject(new StoreUnavailable('away'))
  ending.over = true
  const frames = ending.frames.length
  beat()
  await expect.poll(() => feed.followers()).toBe(2)
  await feed.look()
  expect([ending.ended, staying.ended, unknown.ended]).toEqual([true, false, false])
  expect(ending.frames.length).toBe(frames)
})

test('of many who come at once one reading is made, and none of them is told twice that nothing is new', async () => {
  let readings = 0
  const { store, feed } = broadcaster(inner => ({
    async snapshot() {
      readings++
      return inner.snapshot()
    },
  }))
  await revoke(store, 't1')
  const crowd = Array.from({ length: 20 }, reader)
  await Promise.all(crowd.map(one => feed.follow(one, undefined)))
  expect(readings).toBe(1)
  expect(crowd.map(one => [one.frames.length, ...one.ids()])).toEqual(crowd.map(() => [1, 't1']))
  await feed.follow(reader(), undefined)
  expect(readings).toBe(2)
})

test('what is committed while a newcomer is being read for comes to them at once', async () => {
  let held: ReturnType<typeof gate> | undefined = gate()
  const { store, feed } = broadcaster(inner => ({
    async snapshot() {
      const batch = await inner.snapshot()
      await held?.wait()
      return batch
    },
  }))
  const one = reader()
  const joining = feed.follow(one, undefined)
  await revoke(store, 't1')
  held.open()
  held = undefined
  await joining
  await expect.poll(() => one.ids()).toEqual(['t1'])
})
