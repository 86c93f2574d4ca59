import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSync } from 'oxc-parser'

/** A node of the syntax tree (ESTree with TypeScript). */
export interface SyntaxNode {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [member: string]: unknown
}

/** The files under judgement: path from the repository's root → text. */
export type Tree = ReadonlyMap<string, string>

export interface Finding {
  readonly path: string
  readonly line?: number
  readonly message: string
}

/** One rule of the house. `why` is shown with its findings. */
export interface Rule {
  readonly name: string
  readonly why: string
  readonly check: (tree: Tree) => readonly Finding[]
}

const binary = /\.(png|ico|woff2?|jpe?g|gif|webp|pdf|gz|sqlite)$/

/** Everything that git tracks and that is still there. */
export function trackedTree(root: string): Tree {
  // CI containers often check out as another user; only the list of names is wanted here.
  const listing = execFileSync('git', ['-c', 'safe.directory=*', 'ls-files', '-z'], { cwd: root, encoding: 'utf8' })
  const paths = listing.split('\0').filter(path => path !== '' && !binary.test(path) && existsSync(join(root, path)))
  return new Map(paths.map(path => [path, readFileSync(join(root, path), 'utf8')]))
}

const source = /\.(ts|tsx|mts|js|mjs|jsx)$/

export function isSource(path: string): boolean {
  return source.test(path)
}

/** Tests, and the folders `testing/` with what several tests need. */
export function isTest(path: string): boolean {
  return /\.test\.tsx?$|\/testing\//.test(path)
}

/** The source files of a tree, with or without tests. */
export function sources(tree: Tree, which: 'all' | 'without tests' = 'all'): [path: string, text: string][] {
  return [...tree].filter(([path]) => isSource(path) && (which === 'all' || !isTest(path)))
}

const parsed = new Map<string, { text: string; result: ReturnType<typeof parseSync> }>()

/** Parses a file once; several rules look at the same tree. */
export function parse(path: string, text: string): ReturnType<typeof parseSync> {
  const known = parsed.get(path)
  if (known?.text === text) return known.result
  const result = parseSync(path, text)
  parsed.set(path, { text, result })
  return result
}

/** The top-level statements. */
export function statements(path: string, text: string): readonly SyntaxNode[] {
  return parse(path, text).program.body as unknown as SyntaxNode[]
}

/** Calls `visit` for every node with its ancestors, outermost first. */
export function walk(
  path: string,
  text: string,
  visit: (node: SyntaxNode, ancestors: readonly SyntaxNode[]) => void,
): void {
  walkNode(parse(path, text).program as unknown as SyntaxNode, [], visit)
}

function walkNode(
  node: SyntaxNode,
  ancestors: readonly SyntaxNode[],
  visit: (node: SyntaxNode, ancestors: readonly SyntaxNode[]) => void,
): void {
  visit(node, ancestors)
  const inside = [...ancestors, node]
  for (const member of Object.values(node)) {
    if (Array.isArray(member)) {
      for (const child of member) if (isNode(child)) walkNode(child, inside, visit)
    } else if (isNode(member)) walkNode(member, inside, visit)
  }
}

export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && typeof (value as SyntaxNode).type === 'string'
}

/** The number of the line that holds the character, from 1. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length
}

/** `Date.now` for a chain of plain names, else undefined. */
export function dottedName(node: unknown): string | undefined {
  if (!isNode(node)) return undefined
  if (node.type === 'Identifier') return node.name as string
  if (node.type !== 'MemberExpression' || node.computed === true) return undefined
  const object = dottedName(node.object)
  const property = dottedName(node.property)
  return object === undefined || property === undefined ? undefined : `${object}.${property}`
}
