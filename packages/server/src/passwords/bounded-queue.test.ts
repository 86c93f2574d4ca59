import { expect, test } from 'vitest'
import { createBoundedQueue } from './bounded-queue.ts'

/** A queue whose works end when the test says so, and what became of each, in order. */
function held(limits: { concurrent: number; waiting: number }) {
  const queue = createBoundedQueue({ ...limits, full: () => new Error('full') })
  const started: string[] = []
  const refused: string[] = []
  const ends: (() => void)[] = []
  return {
    started,
    refused,
    add(name: string, from: string): void {
      const work = (): Promise<void> => {
        started.push(name)
        return new Promise(end => ends.push(end))
      }
      queue.run(work, from).catch(() => refused.push(name))
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
