import { posix } from 'node:path'
import { isNode, isSource, lineAt, parse, statements, type Tree, walk } from './tree.ts'

/** One import or re-export in a file. */
export interface Import {
  readonly path: string
  readonly line: number
  /** As written: `./x.ts`, `node:fs`, `@countersign/core`. */
  readonly specifier: string
}

/** All imports of a file: static, re-exports, `import()` of a constant, and `import('…')` in types. */
export function importsOf(path: string, text: string): Import[] {
  const { staticImports, staticExports, dynamicImports } = parse(path, text).module
  const found: Import[] = staticImports.map(one => ({
    path,
    line: lineAt(text, one.start),
    specifier: one.moduleRequest.value,
  }))
  for (const { entries } of staticExports) {
    for (const { moduleRequest, start } of entries) {
      if (moduleRequest) found.push({ path, line: lineAt(text, start), specifier: moduleRequest.value })
    }
  }
  for (const { moduleRequest, start } of dynamicImports) {
    const constant = /^['"`]([^'"`$]+)['"`]$/.exec(text.slice(moduleRequest.start, moduleRequest.end))
    if (constant?.[1] !== undefined) found.push({ path, line: lineAt(text, start), specifier: constant[1] })
  }
  if (text.includes('import(')) {
    walk(path, text, node => {
      const specifier = node.type === 'TSImportType' && isNode(node.source) ? node.source.value : undefined
      if (typeof specifier === 'string') found.push({ path, line: lineAt(text, node.start), specifier })
    })
  }
  return found
}

/** The file that a relative import means, as a path from the root. */
export function relativeTarget({ path, specifier }: Import): string | undefined {
  return specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : undefined
}

/** `packages/core/src/x.ts` → `core`. */
export function packageOf(path: string): string | undefined {
  return /^packages\/([^/]+)\//.exec(path)?.[1]
}

/** The source files that packages publish as entries, by the `@countersign/source` condition of their exports. */
export function entriesOf(tree: Tree): Set<string> {
  const entries = new Set<string>()
  for (const [path, text] of tree) {
    if (!path.endsWith('/package.json')) continue
    const collect = (exported: unknown): void => {
      if (typeof exported !== 'object' || exported === null) return
      for (const [condition, target] of Object.entries(exported)) {
        if (condition === '@countersign/source' && typeof target === 'string') {
          entries.add(posix.join(posix.dirname(path), target))
        } else collect(target)
      }
    }
    collect((JSON.parse(text) as { exports?: unknown }).exports)
  }
  return entries
}

/** File → the files of the tree that it imports. */
export function importGraph(tree: Tree): Map<string, string[]> {
  const graph = new Map<string, string[]>()
  for (const [path, text] of tree) {
    if (!isSource(path)) continue
    const targets = importsOf(path, text).map(relativeTarget)
    graph.set(path, targets.filter(target => target !== undefined && tree.has(target)) as string[])
  }
  return graph
}

/** The cycles of a graph, one for each edge that closes one, each as the list of files on the way round. */
export function cyclesOf(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const cycles: string[][] = []
  const done = new Set<string>()
  const way: string[] = []
  const follow = (path: string): void => {
    if (way.includes(path)) {
      cycles.push([...way.slice(way.indexOf(path)), path])
      return
    }
    if (done.has(path)) return
    way.push(path)
    for (const target of graph.get(path) ?? []) follow(target)
    way.pop()
    done.add(path)
  }
  for (const path of graph.keys()) follow(path)
  return cycles
}

/** True if a file does nothing but pass on what other files export. */
export function onlyReExports(path: string, text: string): boolean {
  const body = statements(path, text)
  return body.length > 0 && body.every(statement => /^Export(Named|All)/.test(statement.type) && statement.source)
}
