import { expect, test } from 'vitest'
import { createSettledClock } from './settled-clock.ts'

const start = Date.UTC(2026, 10, 1)
const hour = 3_600_000

test('a clock that goes as time does is settled from the beginning, however slowly it drifts', () => {
  const clock = createSettledClock()
  for (let elapsed = 0; elapsed < 100 * hour; elapsed += 10_000) {
    expect(clock.isSettled(start + elapsed * 1.001, elapsed)).toBe(true)
  }
})

test.each([120_000, hour, 38 * 24 * hour])('one that jumps %i ms ahead and back never says that it is past', jump => {
  const clock = createSettledClock()
  expect(clock.isSettled(start, 0)).toBe(true)
  for (let elapsed = 10_000; elapsed < hour; elapsed += 10_000)
    expect(clock.isSettled(start + jump + elapsed, elapsed)).toBe(false)
  expect(clock.isSettled(start + hour, hour)).toBe(true)
})

test('one that was set right is believed an hour later', () => {
  const clock = createSettledClock()
  clock.isSettled(start, 0)
  const jump = 24 * hour
  expect(clock.isSettled(start + jump, 10_000)).toBe(false)
  expect(clock.isSettled(start + jump + hour - 10_000, hour)).toBe(false)
  expect(clock.isSettled(start + jump + hour, hour + 10_000)).toBe(true)
  expect(clock.isSettled(start + jump + hour + 10_000, hour + 20_000)).toBe(true)
})

test('a second jump ahead while one is waited for is waited for no longer', () => {
  const clock = createSettledClock()
  clock.isSettled(start, 0)
  expect(clock.isSettled(start + hour, 10_000)).toBe(false)
  expect(clock.isSettled(start + 5 * hour, 1_800_000)).toBe(false)
  expect(clock.isSettled(start + 5 * hour, hour + 10_000)).toBe(true)
})

test('one that goes back is settled: too little is deleted', () => {
  const clock = createSettledClock()
  clock.isSettled(start, 0)
  expect(clock.isSettled(start - 24 * hour, 10_000)).toBe(true)
  expect(clock.isSettled(start - 24 * hour + 10_000, 20_000)).toBe(true)
  // Set right again: that is a jump ahead, like any other.
  expect(clock.isSettled(start + 30_000, 30_000)).toBe(false)
})
