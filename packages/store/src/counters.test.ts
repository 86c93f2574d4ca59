import { beforeEach, expect, test } from 'vitest'
import { type Counters, createMemoryCounters } from './counters.ts'

let now: number
let counters: Counters
beforeEach(() => {
  now = 1_800_000_000_000
  counters = createMemoryCounters(() => now, 100)
})

async function takeAll(key: string, limit: number): Promise<number> {
  let taken = 0
  while ((await counters.take(key, limit, 60)).allowed) taken++
  return taken
}

test('attempts are allowed up to the limit, and one more each time its share of the window has passed', async () => {
  expect(await takeAll('a', 6)).toBe(6)
  expect(await counters.take('a', 6, 60)).toEqual({ allowed: false, retryAfterSeconds: 10 })
  now += 4_000
  expect(await counters.take('a', 6, 60)).toEqual({ allowed: false, retryAfterSeconds: 6 })
  now += 6_000
  expect(await takeAll('a', 6)).toBe(1)
  now += 3_600_000
  expect(await takeAll('a', 6)).toBe(6)
})

test('keys do not concern each other', async () => {
  await takeAll('a', 6)
  expect(await takeAll('b', 6)).toBe(6)
})

test('a clock that is set back gives nothing and takes nothing', async () => {
  await takeAll('a', 6)
  now -= 3_600_000
  expect((await counters.take('a', 6, 60)).allowed).toBe(false)
  now += 10_000
  expect(await takeAll('a', 6)).toBe(1)
})

test('an attempt that is given back can be taken again, and no more than there ever were', async () => {
  await takeAll('a', 6)
  await counters.giveBack('a', 6, 60)
  expect(await takeAll('a', 6)).toBe(1)
  for (let n = 0; n < 20; n++) await counters.giveBack('a', 6, 60)
  expect(await takeAll('a', 6)).toBe(6)
  await counters.giveBack('never seen', 6, 60)
  expect(await takeAll('never seen', 6)).toBe(6)
})

test('a cleared key starts anew', async () => {
  await takeAll('a', 6)
  await counters.clear('a')
  expect(await takeAll('a', 6)).toBe(6)
})

test('a key is remembered until its time has passed', async () => {
  expect(await counters.remembers('a')).toBe(false)
  await counters.remember('a', 60)
  now += 59_999
  expect(await counters.remembers('a')).toBe(true)
  now += 1
  expect(await counters.remembers('a')).toBe(false)
})

test('memory is bounded: idle keys go first, and attempts never push out what is remembered', async () => {
  await counters.remember('known', 60)
  await takeAll('idle', 6)
  await takeAll('busy', 6)
  for (let n = 0; n < 150; n++) {
    await counters.take(`flood${n}`, 6, 60)
    await counters.take('busy', 6, 60)
  }
  expect(await takeAll('idle', 6)).toBe(6)
  expect(await takeAll('busy', 6)).toBe(0)
  expect(await counters.remembers('known')).toBe(true)
})
