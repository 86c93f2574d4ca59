import { InvalidArgumentError } from 'commander'
import { expect, test } from 'vitest'
import { cutOption } from './cut-option.ts'

test.each([
  ['365d', { days: 365 }],
  ['0d', { days: 0 }],
  ['2026-01-31', { before: Date.UTC(2026, 0, 31) }],
  ['2024-02-29', { before: Date.UTC(2024, 1, 29) }],
  ['2026-01-31T12:30Z', { before: Date.UTC(2026, 0, 31, 12, 30) }],
  ['2026-01-31T12:30:01.5Z', { before: Date.UTC(2026, 0, 31, 12, 30, 1, 500) }],
  ['2026-01-31T00:00:00+02:00', { before: Date.UTC(2026, 0, 30, 22) }],
])('%s is a day, a moment or an age', (text, cut) => {
  expect(cutOption(text)).toEqual(cut)
})

test.each(['', 'x', '365', '1y', '-1d', '1.5d', '123456d', '2026-02-31', '2026-13-01', '2026-1-1', '31.01.2026'])(
  '%j is none',
  text => expect(() => cutOption(text)).toThrow(InvalidArgumentError),
)

// Whose noon it is would hang on the machine.
test.each(['2026-01-31T12:00:00', '2026-01-31T25:00:00Z', '2026-01-31 12:00Z', 'Sat, 31 Jan 2026'])(
  '%j is none either',
  text => expect(() => cutOption(text)).toThrow('such as 2026-01-31T12:00:00Z'),
)
