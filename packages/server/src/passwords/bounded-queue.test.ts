import { expect, test } from 'vitest'
import { createBoundedQueue } from './bounded-queue.ts'

/** A queue whose works end when the test says so, and what became of each, in order. */
function held(limits: { concurrent: number; waiting: number; waitingMilliseconds?: number; now?: () => number }) {
  const fullAfter: number[] = []
  const full = (milliseconds: number): Error => {
    fullAfter.push(milliseconds)
    return new Error('full')
  }
  const queue = createBoundedQueue({ ...limits, full })
  const started: string[] = []
  const refused: string[] = []
  const ends: (() => void)[] = []
  return {
    started,
    refused,
    fullAfter,
    close: queue.close,
    add(name: string, from: string, milliseconds?: number): void {
      const work = (): Promise<void> => {
        started.push(name)
        return new Promise(end => ends.push(end))
      }
      queue.run(work, from, milliseconds).catch(() => refused.push(name))
    },
    async endAll(): Promise<void> {
      for (let quiet = 0; quiet < 3; ) {
        const end = ends.shift()
        quiet = end === undefined ? quiet + 1 : 0
        end?.()
        await new Promise(done => setImmediate(done))
      }
    },
  }
}

test('turns go round: one who comes last waits behind one work of each other, not behind a hundred of one', async () => {
  const queue = held({ concurrent: 1, waiting: 100 })
  for (let n = 0; n < 50; n++) queue.add(`flood ${n}`, 'attacker')
  for (let n = 0; n < 50; n++) queue.add(`more ${n}`, 'second address')
  queue.add('maria', 'home')
  await queue.endAll()
  expect(queue.started.indexOf('maria')).toBeLessThanOrEqual(3)
  expect(queue.started).toHaveLength(101)
  expect(queue.started.filter(name => name.startsWith('flood'))[7]).toBe('flood 7')
})

test('a full queue refuses the one who filled it, not the one who comes', async () => {
  const queue = held({ concurrent: 1, waiting: 10 })
  for (let n = 0; n < 30; n++) queue.add(`flood ${n}`, n % 2 === 0 ? 'attacker' : 'second address')
  queue.add('maria', 'home')
  queue.add('maria again', 'home')
  await queue.endAll()
  expect(queue.started).toContain('maria')
  expect(queue.started).toContain('maria again')
  expect(queue.started).toHaveLength(11)
  expect(queue.refused).toHaveLength(21)
})

test('where each has one in it, who comes next is refused', async () => {
  const queue = held({ concurrent: 1, waiting: 3 })
  for (const name of ['a', 'b', 'c', 'd', 'e']) queue.add(name, name)
  await queue.endAll()
  expect([queue.started, queue.refused]).toEqual([['a', 'b', 'c', 'd'], ['e']])
})

test('dear work fills the queue sooner, and who is refused learns how long the rest takes', async () => {
  const queue = held({ concurrent: 2, waiting: 100, waitingMilliseconds: 1_000 })
  for (let n = 0; n < 10; n++) queue.add(`${n}`, `${n}`, 500)
  await queue.endAll()
  expect([queue.started, queue.refused]).toEqual([
    ['0', '1', '2', '3', '4', '5'],
    ['6', '7', '8', '9'],
  ])
  expect(queue.fullAfter).toEqual([1_500, 1_500, 1_500, 1_500])
})

test('where work takes longer than was reckoned fewer may wait, until it is faster again', async () => {
  let now = 0
  const queue = held({ concurrent: 1, waiting: 100, waitingMilliseconds: 1_000, now: () => now })
  const workThrough = async (count: number, milliseconds: number): Promise<void> => {
    for (let n = 0; n < count; n++) {
      queue.add('usual', 'usual', 100)
      now += milliseconds
      await queue.endAll()
    }
  }
  const flood = async (): Promise<number> => {
    const before = queue.refused.length
    for (let n = 0; n < 30; n++) queue.add('flood', `${n}`, 100)
    await queue.endAll()
    return 29 - (queue.refused.length - before)
  }
  expect(await flood()).toBe(10)
  await workThrough(50, 500)
  expect(await flood()).toBe(4)
  expect(queue.fullAfter.at(-1)).toBeCloseTo(2_500, 0)
  await workThrough(50, 100)
  expect(await flood()).toBe(10)
})

test('whoever came last is refused while they wait, once it shows that they would wait twice as long as anybody may', async () => {
  let now = 0
  const queue = held({ concurrent: 1, waiting: 100, waitingMilliseconds: 1_000, now: () => now })
  for (let n = 0; n <= 10; n++) queue.add(`${n}`, `${n}`, 100)
  queue.add('10 again', '10', 100)
  // The first takes two seconds: each is reckoned with 575 ms from then on.
  now += 2_000
  await queue.endAll()
  expect([queue.started, queue.refused]).toEqual([
    ['0', '1', '2', '3', '4', '5', '6'],
    ['10 again', '10', '9', '8', '7'],
  ])
  queue.add('later', '7', 100)
  await queue.endAll()
  expect(queue.started.at(-1)).toBe('later')
})

test('work that takes longer than anybody may wait is still done, one after the other', async () => {
  const queue = held({ concurrent: 1, waiting: 100, waitingMilliseconds: 1_000 })
  for (const name of ['a', 'b', 'c']) queue.add(name, name, 5_000)
  await queue.endAll()
  expect([queue.started, queue.refused]).toEqual([['a', 'b'], ['c']])
  queue.add('d', 'd', 5_000)
  await queue.endAll()
  expect(queue.started.at(-1)).toBe('d')
})

test('a queue that is closed refuses what waits, and ends when what runs has ended', async () => {
  const queue = held({ concurrent: 1, waiting: 100 })
  for (const name of ['a', 'b', 'c']) queue.add(name, name)
  let isClosed = false
  const closed = queue.close().then(() => {
    isClosed = true
  })
  await new Promise(done => setImmediate(done))
  expect([queue.started, queue.refused, isClosed]).toEqual([['a'], ['b', 'c'], false])
  await queue.endAll()
  await closed
  queue.add('d', 'd')
  await queue.endAll()
  expect([queue.started, queue.refused]).toEqual([['a'], ['b', 'c', 'd']])
})
