import { posix } from 'node:path'
import type { Tree } from './tidy/tree.ts'

/**
 * A block of code in a document that is the text of a file which runs:
 *
 *     <!-- from: examples/api/src/server.ts#protect -->
 *     ```ts
 *     …
 *     ```
 *
 * After `#` stands the name of a region, from `// region name` to `// endregion` in that file (or `# region` …).
 */
export interface QuotedBlock {
  readonly path: string
  readonly line: number
  readonly source: string
  readonly code: string
}

const marker = /^<!--\s*from:\s*(\S+)\s*-->$/

/** The marked blocks of a document. A marker without a block is a block without code: it equals no file. */
export function quotedBlocks(path: string, text: string): QuotedBlock[] {
  const lines = text.split('\n')
  return lines.flatMap((line, index) => {
    const source = marker.exec(line.trim())?.[1]
    if (source === undefined) return []
    let start = index + 1
    while (lines[start]?.trim() === '') start++
    const fence = /^\s*(`{3,})/.exec(lines[start] ?? '')?.[1]
    const end = fence === undefined ? -1 : lines.findIndex((one, place) => place > start && one.trim() === fence)
    return [{ path, line: index + 1, source, code: end < 0 ? '' : lines.slice(start + 1, end).join('\n') }]
  })
}

/** What the block should say; undefined if the file or the region is not there. */
export function quotedText(tree: Tree, source: string): string | undefined {
  const [path = '', region] = source.split('#')
  const text = tree.get(posix.normalize(path))
  if (text === undefined || region === undefined) return text?.trimEnd()
  const lines = text.split('\n')
  const start = lines.findIndex(line => /^\s*(\/\/|#|<!--)\s*region\s/.test(line) && regionName(line) === region)
  if (start < 0) return undefined
  const end = lines.findIndex((line, place) => place > start && /^\s*(\/\/|#|<!--)\s*endregion\b/.test(line))
  return end < 0 ? undefined : withoutIndentation(lines.slice(start + 1, end))
}

function regionName(line: string): string | undefined {
  return /region\s+([\w-]+)/.exec(line)?.[1]
}

function withoutIndentation(lines: readonly string[]): string {
  const depths = lines.filter(line => line.trim() !== '').map(line => /^ */.exec(line)?.[0].length ?? 0)
  const depth = Math.min(...depths)
  return lines
    .map(line => line.slice(depth))
    .join('\n')
    .trimEnd()
}
