import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { brokenReferences, hasTest, testsShownBy } from './shown-by.ts'

const read = (path: string): string => readFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), 'utf8')

describe('what docs/choosing.md says is shown by the tests that it names', () => {
  const page = read('docs/choosing.md')

  test('each of them is there, under exactly that name', () => {
    const named = testsShownBy(page)
    expect(named.length).toBeGreaterThan(10)
    expect(named.filter(({ path, name }) => !hasTest(read(path), name))).toEqual([])
  })

  test('each is linked, and each link leads somewhere', () => {
    expect(brokenReferences(page)).toEqual([])
  })
})

test('docs/threats.md names tests that are there', () => {
  const hosted = ['mail-attacks', 'mail-pages', 'ways-in'].map(name => `packages/server/src/hosted/${name}.test.ts`)
  const sources = ['e2e/attack-page.test.ts', 'e2e/token-handler.test.ts', ...hosted].map(read)
  const rows = read('docs/threats.md')
    .split('\n')
    .filter(line => line.startsWith('| ') && line.split('|').length === 5)
  const names = rows.flatMap(row =>
    [...(row.split('|')[3] ?? '').matchAll(/^ `([^`]+)` $/g)].map(([, name = '']) => name),
  )
  expect(names.length).toBeGreaterThan(8)
  expect(names.filter(name => !sources.some(source => hasTest(source, name)))).toEqual([])
})

test('a name that is no test’s, and a word without a link, are noticed', () => {
  expect(hasTest("test('one thing', () => {})", 'one thing')).toBe(true)
  expect(hasTest("describe.each([1])('one thing', () => {})", 'one thing')).toBe(false)
  expect(hasTest("test(\n  'one thing', () => {})", 'one thing')).toBe(true)
  expect(hasTest("const said = 'one thing'", 'one thing')).toBe(false)
  expect(hasTest('', 'one thing')).toBe(false)
  expect(brokenReferences('see [this][a]\n[b]: ../x.ts "y"')).toEqual(['b', 'a'])
  expect(testsShownBy('[b]: ../x/y.test.ts "one thing"')).toEqual([{ path: 'x/y.test.ts', name: 'one thing' }])
})
