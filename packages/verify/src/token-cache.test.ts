import { expect, test } from 'vitest'
import { type Cached, tokenCache } from './token-cache.ts'

function item(token: string, bytes = 100): Cached {
  return { token, bytes }
}

const end = 'x'.repeat(22)

test('what was put in is found by an equal text', () => {
  const cache = tokenCache(1_000)
  cache.set(item(`one.${end}`))
  expect(cache.get(['one', end].join('.'))).toEqual(item(`one.${end}`))
})

test('CVE-2026-35039: tokens that end alike are told apart', () => {
  const cache = tokenCache(1_000)
  cache.set(item(`one.${end}`))
  expect(cache.get(`two.${end}`)).toBeUndefined()
  cache.set(item(`two.${end}`))
  expect(cache.get(`one.${end}`)).toBeUndefined()
  expect(cache.get(`two.${end}`)?.token).toBe(`two.${end}`)
  expect(cache.bytes).toBe(100)
})

test('CVE-2026-35039: tokens whose ends differ but make the same number are told apart', () => {
  const cache = tokenCache(1_000)
  const [first, second] = ['one.-PEYS-PlHarg', 'one.Qwujn3hS3VaQ']
  cache.set(item(first))
  expect(cache.get(second)).toBeUndefined()
  cache.set(item(second))
  // One place for both: otherwise this pair would show nothing.
  expect(cache.size).toBe(1)
  expect(cache.get(first)).toBeUndefined()
  expect(cache.get(second)?.token).toBe(second)
})

test('it never holds more bytes than it may, whatever is put in', () => {
  const cache = tokenCache(1_000)
  for (let i = 0; i < 5_000; i++) {
    cache.set(item(`${i}`, (i * 37) % 600))
    if (i % 3 === 0) cache.get(`${i - 2}`)
    expect(cache.bytes).toBeLessThanOrEqual(1_000)
  }
  cache.set(item('too large', 501))
  expect(cache.get('too large')).toBeUndefined()
})

test('what is used stays when what is not used goes', () => {
  const cache = tokenCache(1_000)
  cache.set(item('used'))
  for (let i = 0; i < 100; i++) {
    cache.set(item(`other ${i}`))
    expect(cache.get('used')?.token).toBe('used')
  }
  expect(cache.get('other 0')).toBeUndefined()
})

test('a cache of no size holds nothing', () => {
  const cache = tokenCache(0)
  cache.set(item('one'))
  expect(cache.size).toBe(0)
})
