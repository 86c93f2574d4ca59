import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { gapsOfSpecMap, specMapDocument } from './spec-map/document.ts'
import type { Spec } from './spec-map/specs.ts'
import { trackedTree } from './tidy/tree.ts'

describe('the map of specifications', () => {
  const house = trackedTree(fileURLToPath(new URL('..', import.meta.url)))

  test('has no gap: each section that we say we implement has a function and a test', () => {
    expect(gapsOfSpecMap(house)).toEqual([])
  })

  test('docs/spec-map.md is what the sources say; `npm run docs:spec-map` writes it', () => {
    expect(house.get('docs/spec-map.md')).toBe(specMapDocument(house))
  })
})

describe('a citation', () => {
  const specs: readonly Spec[] = [
    {
      name: 'RFC 1',
      title: 'One',
      sections: [
        ['2', 'two'],
        ['3.1', 'three'],
        ['4', 'four'],
      ],
    },
  ]
  const source =
    '/** Does it (RFC 1 §2, §3.1). */\nexport function act(): void {}\n\n/** Other. */\nexport const x = 1 // RFC 1 §4\n'
  const tests = "test('it does (RFC 1 §2)', () => {})\n\n// RFC 1 §3.1\ntest('it does more', () => {})\n"
  const tree = new Map([
    ['packages/a/src/act.ts', source],
    ['packages/a/src/act.test.ts', tests],
  ])

  test('belongs to the declaration and to the test where it stands, or above which it stands', () => {
    const document = specMapDocument(tree, specs)
    expect(document).toContain(
      '| §2 two | [act](../packages/a/src/act.ts) | [it does (RFC 1 §2)](../packages/a/src/act.test.ts) |',
    )
    expect(document).toContain(
      '| §3.1 three | [act](../packages/a/src/act.ts) | [it does more](../packages/a/src/act.test.ts) |',
    )
  })

  test('that is missing is a gap', () => {
    expect(gapsOfSpecMap(tree, specs)).toEqual(['RFC 1 §4: no test cites it'])
    expect(gapsOfSpecMap(new Map(), specs)).toHaveLength(6)
  })
})
