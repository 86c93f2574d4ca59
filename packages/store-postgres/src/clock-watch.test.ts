import { ClockWrong } from '@countersign/store'
import { expect, test } from 'vitest'
import { openClockWatch } from './clock-watch.ts'

test('clocks that are about two minutes apart are wrong once, and right again once they are clearly nearer', () => {
  const told: boolean[] = []
  const watch = openClockWatch(
    () => 0,
    (_ahead, isWrong) => void told.push(isWrong),
  )
  const seconds = [119, 121, 119, 111, -115, 121, 109, 111, 119, -119, -121, -111, -109]
  const refused = seconds.map(ahead => watch()(ahead * 1000) !== undefined)
  expect(refused).toEqual([false, true, true, true, true, true, false, false, false, false, true, true, false])
  expect(told).toEqual(refused)
})

test('an answer that comes late says nothing of how the clocks are now', () => {
  const watch = openClockWatch(() => 0)
  const late = watch()
  expect(watch()(0)).toBeUndefined()
  expect(late(130_000)).toBeInstanceOf(ClockWrong)
  expect(watch()(115_000)).toBeUndefined()
})
