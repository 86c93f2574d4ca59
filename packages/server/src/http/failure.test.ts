import { StoreUnavailable } from '@countersign/store'
import { expect, test } from 'vitest'
import type { Log } from '../log.ts'
import { refusalOfFailure } from './failure.ts'

function recording(): { log: Log; lines: unknown[] } {
  const lines: unknown[] = []
  const write = (facts: Readonly<Record<string, unknown>>, text: string): void => void lines.push([text, facts])
  return { log: { info: write, warn: write, error: write }, lines }
}

test('a thousand failures that are alike are one line a second, which says how many there were; another kind has its own', () => {
  const { log, lines } = recording()
  for (let n = 0; n < 1_000; n++) {
    expect(refusalOfFailure(new StoreUnavailable('away'), log, 5_000 + n * 2).reason).toBe('unavailable')
  }
  refusalOfFailure(new StoreUnavailable('full'), log, 6_999)
  const facts = { failure: 'StoreUnavailable', cause: 'away' }
  expect(lines).toEqual([
    ['unavailable', facts],
    ['unavailable', { ...facts, alike: 499 }],
    ['unavailable', { ...facts, cause: 'full' }],
  ])
})

test('who has been quiet for a second is told of at once, without a count', () => {
  const { log, lines } = recording()
  for (const time of [0, 1_000, 60_000]) refusalOfFailure(new TypeError('of ours'), log, time)
  expect(lines).toMatchObject([
    ['unexpected failure', { failure: 'TypeError' }],
    ['unexpected failure', { failure: 'TypeError' }],
    ['unexpected failure', { failure: 'TypeError' }],
  ])
})
