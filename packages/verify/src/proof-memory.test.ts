import { expect, test } from 'vitest'
import { type Moment, proofMemory } from './proof-memory.ts'

const wallStart = 1_800_000_000_000

/** So many milliseconds after the start, by a wall clock that is off by so many. */
function after(milliseconds: number, off = 0): Moment {
  return { wallMilliseconds: wallStart + milliseconds + off, monotonicMilliseconds: 5 + milliseconds }
}

test('an id is good once for as long as a proof can live, wherever in time it falls', () => {
  for (let start = 0; start < 200; start += 7) {
    const memory = proofMemory(100, 1_000)
    memory.use('earlier', after(0))
    expect(memory.use('a', after(start))).toBe('fresh')
    for (let later = start; later <= start + 100; later += 5) expect(memory.use('a', after(later))).toBe('used')
  }
})

test('what has expired is forgotten, and makes room', () => {
  const memory = proofMemory(100, 10)
  for (let i = 0; i < 10; i++) expect(memory.use(`${i}`, after(0))).toBe('fresh')
  expect(memory.use('one more', after(50))).toBe('full')
  expect(memory.use('0', after(50))).toBe('used')
  expect(memory.use('one more', after(250))).toBe('fresh')
})

test('a wall clock that jumps ahead and back makes nothing good again', () => {
  const memory = proofMemory(100, 1_000)
  expect(memory.use('a', after(0))).toBe('fresh')
  memory.use('b', after(10, 3_600_000))
  memory.use('c', after(20, 7_200_000))
  for (const now of [30, 60, 99]) expect(memory.use('a', after(now))).toBe('used')
})

test('nor does one that is set back, which makes proofs young again', () => {
  const memory = proofMemory(100, 1_000)
  expect(memory.use('a', after(0))).toBe('fresh')
  for (let now = 20; now <= 190; now += 10) {
    memory.use(`b${now}`, after(now, -90))
    expect(memory.use('a', after(now, -90))).toBe('used')
  }
})

test('one that was years ahead for a moment does not fill the memory for years', () => {
  const memory = proofMemory(100, 10)
  memory.use('ahead', after(0, 1e12))
  for (let now = 0; now < 20_000; now += 500) expect(memory.use(`${now}`, after(now))).toBe('fresh')
})
