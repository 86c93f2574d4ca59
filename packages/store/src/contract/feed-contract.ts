import type { FeedEntry } from '@countersign/protocol'
import * as given from '../given.ts'
import type { Store } from '../store.ts'
import { atOnce, type Contract } from './contract.ts'

/** Numbers without gaps, a place to resume from, and no entry before it is sure. */
export function feedContract({ it, expect, hints }: Contract): void {
  it('begins empty, at number 0', async ({ store, clock }) => {
    const empty = { number: 0, asOf: clock.now(), entries: [] }
    expect(await store.feed.snapshot()).toEqual(empty)
    expect(await store.feed.after(0)).toEqual(empty)
  })

  it('entries come back as they were, in the order of their commits', async ({ store, clock }) => {
    const until = seconds(clock.now()) + 900
    const all: FeedEntry[] = [
      { kind: 'token', id: 'jti', until },
      { kind: 'family', id: 'f', until },
      { kind: 'session', id: 's', until },
      { kind: 'key', id: 'kid', until },
      { kind: 'user', id: 'u', below: 2, at: 1_700_000_000, until },
      { kind: 'client', id: 'c', below: 3, at: 0, until },
      { kind: 'grant', id: 'g', below: 0, at: 5, until },
      { kind: 'all', id: '', below: 1_700_000_001, at: 6, until },
    ]
    await store.commit(given.change([], { entries: all.slice(0, 3) }))
    await store.commit(given.change([], { entries: all.slice(3) }))
    expect(await store.feed.snapshot()).toEqual({ number: 8, asOf: clock.now(), entries: all })
    expect(await store.feed.after(3)).toEqual({ number: 8, asOf: clock.now(), entries: all.slice(3) })
    expect(await store.feed.after(8)).toEqual({ number: 8, asOf: clock.now(), entries: [] })
  })

  it('a number of the future, or none at all, is unknown', async ({ store, clock }) => {
    await add(store, seconds(clock.now()) + 900)
    for (const number of [2, 99, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect([number, await store.feed.after(number)]).toEqual([number, undefined])
    }
  })

  it('fifty commits at once get fifty numbers', async ({ store, clock }) => {
    const until = seconds(clock.now()) + 900
    await atOnce(50, index =>
      store.commit(given.change([], { entries: [{ kind: 'token', id: `${index}`, until }], durable: index % 2 === 0 })),
    )
    const { number, entries } = await store.feed.snapshot()
    expect(number).toBe(50)
    expect(new Set(entries.map(({ id }) => id)).size).toBe(50)
  })

  it('says whether a name stands in the log', async ({ store, clock }) => {
    await add(store, seconds(clock.now()) + 900, 'jti-1')
    expect(await store.feed.holds('token', 'jti-1')).toBe(true)
    expect(await store.feed.holds('session', 'jti-1')).toBe(false)
    expect(await store.feed.holds('token', 'jti-2')).toBe(false)
  })

  it('calls listeners once what is new can be read, and at the latest when the commit is answered', async ({
    store,
    clock,
  }) => {
    const seen: Promise<number>[] = []
    const stop = store.feed.subscribe(() => seen.push(store.feed.snapshot().then(({ number }) => number)))
    await given.login(store)
    if (!hints) expect(seen).toEqual([])
    await add(store, seconds(clock.now()) + 900)
    await Promise.resolve()
    const numbers = await Promise.all(seen)
    expect(hints ? numbers.at(-1) : numbers).toEqual(hints ? 1 : [1])
    stop()
    stop()
    const calls = seen.length
    await add(store, seconds(clock.now()) + 900)
    await Promise.resolve()
    expect(seen).toHaveLength(calls)
  })

  it('a function that listens twice hears twice, and stops once each', async ({ store, clock }) => {
    let calls = 0
    const listener = (): void => {
      calls++
    }
    const stopFirst = store.feed.subscribe(listener)
    const stopSecond = store.feed.subscribe(listener)
    await add(store, seconds(clock.now()) + 900)
    await Promise.resolve()
    if (hints) expect(calls).toBeGreaterThanOrEqual(2)
    else expect(calls).toBe(2)
    stopFirst()
    calls = 0
    await add(store, seconds(clock.now()) + 900)
    await Promise.resolve()
    if (hints) expect(calls).toBeGreaterThanOrEqual(1)
    else expect(calls).toBe(1)
    stopSecond()
    calls = 0
    await add(store, seconds(clock.now()) + 900)
    await Promise.resolve()
    expect(calls).toBe(0)
  })

  it('what was committed before the look is in it', async ({ store, clock }) => {
    for (let number = 1; number <= 5; number++) {
      await add(store, seconds(clock.now()) + 900)
      expect((await store.feed.snapshot()).number).toBe(number)
      expect((await store.feed.after(number - 1))?.entries).toHaveLength(1)
    }
  })

  it('entries that have passed are left out', async ({ store, clock }) => {
    await add(store, seconds(clock.now()) + 10, 'brief')
    await add(store, seconds(clock.now()) + 20, 'long')
    clock.advance(10)
    const { number, entries } = await store.feed.snapshot()
    expect([number, entries.map(({ id }) => id)]).toEqual([2, ['long']])
    expect((await store.feed.after(0))?.entries.map(({ id }) => id)).toEqual(['long'])
  })

  it('after the sweep the numbers go on, and what is too old is unknown', async ({ store, clock }) => {
    for (let index = 0; index < 4; index++) await add(store, seconds(clock.now()) + 10)
    clock.advance(10)
    await store.sweep({ keepEndedSeconds: 0, rowsAtMost: 100 })
    expect((await store.feed.snapshot()).number).toBe(4)
    expect(await store.feed.after(1)).toBeUndefined()
    expect(await store.feed.after(4)).toMatchObject({ number: 4, entries: [] })
    await add(store, seconds(clock.now()) + 10, 'next')
    expect(await store.feed.after(4)).toMatchObject({ number: 5, entries: [{ id: 'next' }] })
  })
}

function seconds(instant: number): number {
  return Math.floor(instant / 1000)
}

async function add(store: Store, until: number, id = 'some'): Promise<void> {
  await store.commit(given.change([], { entries: [{ kind: 'token', id, until }] }))
}
