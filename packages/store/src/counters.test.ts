import { beforeEach, expect, test } from 'vitest'
import { type Counters, createMemoryCounters, type Limit } from './counters.ts'

const six: Limit = { kind: 'logins', attempts: 6, windowSeconds: 60 }

let now: number
let counters: Counters
beforeEach(() => {
  now = 1_800_000_000_000
  counters = createMemoryCounters(() => now, 100)
})

async function takeAll(key: string, limit = six): Promise<number> {
  let taken = 0
  while ((await counters.take(limit, key)).allowed) taken++
  return taken
}

test('attempts are allowed up to the limit, and one more each time its share of the window has passed', async () => {
  expect(await takeAll('a')).toBe(6)
  expect(await counters.take(six, 'a')).toEqual({ allowed: false, retryAfterSeconds: 10 })
  now += 4_000
  expect(await counters.take(six, 'a')).toEqual({ allowed: false, retryAfterSeconds: 6 })
  now += 6_000
  expect(await takeAll('a')).toBe(1)
  now += 3_600_000
  expect(await takeAll('a')).toBe(6)
})

test('keys do not concern each other', async () => {
  await takeAll('a')
  expect(await takeAll('b')).toBe(6)
})

test('a clock that is set back gives nothing and takes nothing', async () => {
  await takeAll('a')
  now -= 3_600_000
  expect((await counters.take(six, 'a')).allowed).toBe(false)
  now += 10_000
  expect(await takeAll('a')).toBe(1)
})

test('an attempt that is given back can be taken again, and no more than there ever were', async () => {
  await takeAll('a')
  await counters.giveBack(six, 'a')
  expect(await takeAll('a')).toBe(1)
  for (let n = 0; n < 20; n++) await counters.giveBack(six, 'a')
  expect(await takeAll('a')).toBe(6)
  await counters.giveBack(six, 'never seen')
  expect(await takeAll('never seen')).toBe(6)
})

test('a cleared key starts anew', async () => {
  await takeAll('a')
  await counters.clear(six, 'a')
  expect(await takeAll('a')).toBe(6)
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
  await takeAll('idle')
  await takeAll('busy')
  for (let n = 0; n < 150; n++) {
    await counters.take(six, `flood${n}`)
    await counters.take(six, 'busy')
  }
  expect(await takeAll('idle')).toBe(6)
  expect(await takeAll('busy')).toBe(0)
  expect(await counters.remembers('known')).toBe(true)
})

test('kinds are apart: neither do their keys meet, nor does a flood of one push out what is counted of another', async () => {
  const other: Limit = { ...six, kind: 'sign-ups' }
  await takeAll('idle')
  expect(await takeAll('idle', other)).toBe(6)
  for (let n = 0; n < 1_000; n++) await counters.take(other, `flood${n}`)
  expect(await takeAll('idle')).toBe(0)
  expect(await takeAll('idle', other)).toBe(6)
})

test('what is given back whole takes no place: it pushes nothing out', async () => {
  await takeAll('idle')
  for (let n = 0; n < 1_000; n++) {
    await counters.take(six, `flood${n}`)
    await counters.giveBack(six, `flood${n}`)
  }
  expect(await takeAll('idle')).toBe(0)
})

test('several limits are decided in one step: under all or none, in their order up to the first that refuses', async () => {
  const [one, other] = [
    { kind: 'of an address', attempts: 2, windowSeconds: 60 },
    { kind: 'of an account', attempts: 3, windowSeconds: 60 },
  ]
  counters = createMemoryCounters(() => now, 5)
  const all = (account: string) => [
    { limit: one, key: 'here' },
    { limit: other, key: account },
  ]
  const none = { isRemembered: false, each: [] }
  await counters.take(other, 'a')
  expect(await counters.takeTogether({ all: all('a') })).toEqual({ allowed: true, retryAfterSeconds: 0, ...none })
  await counters.take(other, 'a')
  // Refused by the second: the first is not used up.
  expect(await counters.takeTogether({ all: all('a') })).toEqual({ allowed: false, retryAfterSeconds: 20, ...none })
  expect((await counters.takeTogether({ all: all('b') })).allowed).toBe(true)
  // Refused by the first: whatever is named after it takes nobody's place.
  for (let n = 0; n < 100; n++) {
    expect(await counters.takeTogether({ all: all(`c${n}`) })).toEqual({
      allowed: false,
      retryAfterSeconds: 30,
      ...none,
    })
  }
  expect((await counters.take(other, 'a')).allowed).toBe(false)
})

test('and each of others that has room, unless a key is remembered', async () => {
  const rare = { kind: 'rare', attempts: 1, windowSeconds: 60 }
  const wanted = {
    all: [{ limit: six, key: 'a' }],
    each: [
      { limit: rare, key: 'a' },
      { limit: six, key: 'b' },
    ],
    unlessRemembered: 'known',
  }
  const room = { allowed: true, retryAfterSeconds: 0 }
  expect(await counters.takeTogether(wanted)).toEqual({ ...room, isRemembered: false, each: [room, room] })
  const second = { ...room, isRemembered: false, each: [{ allowed: false, retryAfterSeconds: 60 }, room] }
  expect(await counters.takeTogether(wanted)).toEqual(second)
  await counters.remember('known', 60)
  expect(await counters.takeTogether(wanted)).toEqual({ ...room, isRemembered: true, each: [] })
})
