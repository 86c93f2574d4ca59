import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { quotedBlocks, quotedText } from './executed-documents.ts'
import { trackedTree } from './tidy/tree.ts'

const house = trackedTree(fileURLToPath(new URL('..', import.meta.url)))

describe('code in the documents is code that runs', () => {
  const blocks = [...house].flatMap(([path, text]) => (path.endsWith('.md') ? quotedBlocks(path, text) : []))

  test('each block with a source equals it', () => {
    for (const { path, line, source, code } of blocks) {
      expect(code, `${path}:${line} differs from ${source}`).toBe(quotedText(house, source))
    }
  })

  test('the table of import directions can be quoted', () => {
    expect(quotedText(house, 'tools/tidy/import-directions.ts#directions')).toContain("core: ['protocol']")
  })
})

describe('a marked block', () => {
  const tree = new Map([
    ['a.ts', 'one()\n'],
    [
      'b.ts',
      'start()\n  // region first\n  if (x) {\n    two()\n  }\n  // endregion\n// region second\nthree()\n// endregion\n',
    ],
  ])

  test('is found with its source and its code', () => {
    const text = '# Title\n\n<!-- from: a.ts -->\n\n```ts\none()\n```\n\n```ts\nunmarked()\n```\n'
    expect(quotedBlocks('README.md', text)).toEqual([{ path: 'README.md', line: 3, source: 'a.ts', code: 'one()' }])
  })

  test('whose fence is missing equals nothing', () => {
    expect(quotedBlocks('README.md', '<!-- from: a.ts -->\none()\n')).toMatchObject([{ code: '' }])
  })

  test('means the whole file, or the lines of a region without their indentation', () => {
    expect(quotedText(tree, 'a.ts')).toBe('one()')
    expect(quotedText(tree, './b.ts#first')).toBe('if (x) {\n  two()\n}')
    expect(quotedText(tree, 'b.ts#second')).toBe('three()')
  })

  test('equals nothing when its file or region is gone', () => {
    expect(quotedText(tree, 'c.ts')).toBeUndefined()
    expect(quotedText(tree, 'b.ts#sec')).toBeUndefined()
  })
})
