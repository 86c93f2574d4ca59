import { expect, test } from 'vitest'
import { createLanguages } from './language/languages.ts'
import { describeTime, describeWait, exactTime, machineTime } from './relative-time.ts'

const { first: english } = createLanguages()

const now = Date.UTC(2026, 10, 12, 9, 30)

test.each([
  [0, 'just now'],
  [59, 'just now'],
  [-300, 'just now'],
  [60, '1 minute ago'],
  [59 * 60, '59 minutes ago'],
  [2 * 3600, '2 hours ago'],
  [25 * 3600, 'yesterday'],
  [6 * 86_400, '6 days ago'],
  [8 * 86_400, '4 Nov 2026'],
  [400 * 86_400, '8 Oct 2025'],
])('%d seconds before now is "%s"', (seconds, text) => {
  expect(describeTime(now - seconds * 1000, now, english)).toBe(text)
})

test('the exact time names its zone, the machine time is RFC 3339', () => {
  expect(exactTime(now, english)).toBe('12 Nov 2026, 09:30 UTC')
  expect(machineTime(now)).toBe('2026-11-12T09:30:00.000Z')
})

test('a time that is none is unknown, and throws nothing', () => {
  for (const time of [Number.NaN, Number.POSITIVE_INFINITY, -1, 9e15]) {
    expect([describeTime(time, now, english), exactTime(time, english), machineTime(time)]).toEqual([
      'unknown',
      'unknown',
      '',
    ])
  }
})

test.each([
  [0, '1 second'],
  [45.2, '46 seconds'],
  [91, '2 minutes'],
  [3600, '60 minutes'],
  [3 * 3600 + 1, '4 hours'],
  [Number.NaN, '60 seconds'],
])('a wait of %d seconds is "%s"', (seconds, text) => {
  expect(describeWait(seconds, english)).toBe(text)
})
