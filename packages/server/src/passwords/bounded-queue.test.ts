import { expect, test } from 'vitest'
import { createBoundedQueue } from './bounded-queue.ts'

/** A queue whose works end when the test says so, and what became of each, in order. */
function held(limits: { concurrent: number; waiting: number; waitingMilliseconds?: number }) {
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
