import { expect, test } from 'vitest'
import type { Every } from '../every.ts'
import { createLookout } from './lookout.ts'

const never: Every = () => () => {}

/** A look that goes on until it is let go. */
function given(every: Every = never) {
  const ends: ((error?: Error) => void)[] = []
  const failures: unknown[] = []
  const lookout = createLookout({
    every,
    everyMs: 1,
    work: () => new Promise((resolve, reject) => ends.push(error => (error === undefined ? resolve() : reject(error)))),
    onFailure: failure => failures.push(failure),
  })
  return { lookout, ends, failures }
}

test('one look at a time: whatever is said meanwhile is looked at once more by the same, and waited for', async () => {
  const { lookout, ends } = given()
  let resolved = 0
  const looks = [lookout.look(), lookout.look(), lookout.look()].map(look => look.then(() => resolved++))
  expect(ends).toHaveLength(1)
  ends[0]?.()
  await expect.poll(() => ends.length).toBe(2)
  expect(resolved).toBe(0)
  ends[1]?.()
  await Promise.all(looks)
  expect([resolved, ends.length]).toEqual([3, 2])
})

test.each([0, 1, 2, 3, 4, 5, 6])('what is said %i steps after the work has ended is looked at as well', async steps => {
  const { lookout, ends } = given()
  const first = lookout.look()
  ends[0]?.()
  for (let step = 0; step < steps; step++) await undefined
  const said = lookout.look()
  await new Promise(resolve => setImmediate(resolve))
  expect(ends).toHaveLength(2)
  ends[1]?.()
  await Promise.all([first, said])
})

test('a look that fails is told, and the next one is another chance', async () => {
  const { lookout, ends, failures } = given()
  const look = lookout.look()
  ends[0]?.(new Error('the store is away'))
  await look
  expect(failures).toEqual([new Error('the store is away')])
  void lookout.look()
  expect(ends).toHaveLength(2)
})

test('a stop waits for the look that was begun, and there is no other, also not by the clock', async () => {
  let tick = () => {}
  let isTicking = true
  const { lookout, ends } = given((_ms, action) => {
    tick = action
    return () => {
      isTicking = false
    }
  })
  tick()
  const stopped = lookout.stop()
  void lookout.look()
  expect([lookout.hasStopped(), isTicking]).toEqual([true, false])
  ends[0]?.()
  await stopped
  await lookout.look()
  expect(ends).toHaveLength(1)
})
