import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { advisoriesDocument, gapsOfAdvisories } from './advisories/document.ts'
import { namedTests } from './advisories/named-tests.ts'
import { trackedTree } from './tidy/tree.ts'

describe('the flaws of others', () => {
  const house = trackedTree(fileURLToPath(new URL('..', import.meta.url)))

  test('have each a test that bears the identifier, or a reason; and every identifier that we name is listed', () => {
    expect(gapsOfAdvisories(house)).toEqual([])
  })

  test('docs/advisories.md is what list and tests say; `npm run docs:advisories` writes it', () => {
    expect(house.get('docs/advisories.md')).toBe(advisoriesDocument(house))
  })
})

describe('a row', () => {
  const tests = [
    "test('CVE-2020-1001: it is refused', () => {})",
    "test.each([['CVE-2020-1002, -1003: one', 1], ['two', 2]])('%s is refused', () => {})",
    "// CVE-2020-1004 is only talked about\nconst about = 'CVE-2020-1005'",
  ]
  const tree = new Map([['packages/a/src/act.test.ts', tests.join('\n')]])
  const row = (id: string, without?: string) => [
    { title: 'All', advisories: [{ ids: [id], whose: 'X', flaw: 'f', ...(without === undefined ? {} : { without }) }] },
  ]
  const gapsOf = (id: string, without?: string) =>
    gapsOfAdvisories(tree, row(id, without)).filter(gap => gap.startsWith(`${id}:`) || gap.startsWith(`${id} is no`))

  test('is shown by tests, and by rows of tables of tests, that bear its identifier', () => {
    expect(namedTests(tree)).toEqual([
      { path: 'packages/a/src/act.test.ts', sentence: 'CVE-2020-1001: it is refused', identifiers: ['CVE-2020-1001'] },
      {
        path: 'packages/a/src/act.test.ts',
        sentence: 'CVE-2020-1002, -1003: one',
        identifiers: ['CVE-2020-1002', 'CVE-2020-1003'],
      },
    ])
    expect(gapsOf('CVE-2020-1003')).toEqual([])
    expect(advisoriesDocument(tree, row('CVE-2020-1001'))).toContain(
      '| CVE-2020-1001 | X | f | [CVE-2020-1001: it is refused](../packages/a/src/act.test.ts) |',
    )
  })

  test('that no test bears needs a reason, and one that a test bears has none', () => {
    expect(gapsOf('CVE-2020-1004')).toEqual(['CVE-2020-1004: no test bears it, and no reason is given'])
    expect(gapsOf('CVE-2020-1005', 'There is none of it here')).toEqual([])
    expect(gapsOf('CVE-2020-1001', 'There is none of it here')).toEqual([
      'CVE-2020-1001: a test bears it; the reason is idle',
    ])
  })

  test('that is missing, listed twice or misspelt is told', () => {
    expect(gapsOfAdvisories(tree, row('CVE-2020-1001'))).toContain('CVE-2020-1002 is cited, but stands in no chapter')
    expect(gapsOfAdvisories(tree, [...row('CVE-2020-1001'), ...row('CVE-2020-1001')])).toContain(
      'CVE-2020-1001 is listed twice',
    )
    expect(gapsOf('CVE-20-1')).toContain('CVE-20-1 is no identifier')
  })
})
