import { expect, test } from 'vitest'
import { proofMemory } from './proof-memory.ts'

test('an id is good once for as long as a proof can live, wherever in time it falls', () => {
  for (let start = 0; start < 200; start += 7) {
    const memory = proofMemory(100, 1_000)
    memory.use('earlier', 0)
    expect(memory.use('a', start)).toBe('fresh')
    for (let later = start; later <= start + 100; later += 5) expect(memory.use('a', later)).toBe('used')
  }
})

test('what has expired is forgotten, and makes room', () => {
  const memory = proofMemory(100, 10)
  for (let i = 0; i < 10; i++) expect(memory.use(`${i}`, 0)).toBe('fresh')
  expect(memory.use('one more', 50)).toBe('full')
  expect(memory.use('0', 50)).toBe('used')
  expect(memory.use('one more', 250)).toBe('fresh')
})
