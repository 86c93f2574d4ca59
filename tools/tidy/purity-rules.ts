import { isBuiltin } from 'node:module'
import { packageOf } from './import-graph.ts'
import { declaredNames } from './name-rules.ts'
import {
  dottedName,
  type Finding,
  isNode,
  lineAt,
  parse,
  type Rule,
  type SyntaxNode,
  sources,
  type Tree,
  walk,
} from './tree.ts'

/** Packages that get time and randomness as arguments, always. */
const purePackages = ['protocol', 'core']

/** Packages where they are arguments with a default, and the defaults live in one file. */
const packagesWithDefaults = ['store', 'store-sqlite', 'store-postgres', 'verify', 'app', 'backend']

/** What a file can reach without importing it. */
const worldlyGlobals = new Set([
  'Date.now',
  'Math.random',
  'performance.now',
  'process.hrtime',
  'process.hrtime.bigint',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'crypto.getRandomValues',
  'crypto.randomUUID',
  'crypto.randomBytes',
])

/** What it can import from Node, under whatever local name. */
const worldlyImports = /^(random(Bytes|Int|UUID|Fill|FillSync)|webcrypto|getRandomValues|performance|hrtime)$/

interface Use {
  readonly path: string
  readonly line: number
  readonly name: string
}

export const clockRule: Rule = {
  name: 'clock and randomness',
  why: 'They are arguments, so that the simulation and the tests run the real code.',
  check: tree => [
    ...purePackages.flatMap(name => judgePure(tree, name)),
    ...packagesWithDefaults.flatMap(name => judgeDefaults(tree, name)),
  ],
}

function judgePure(tree: Tree, name: string): Finding[] {
  return usesIn(tree, name).map(use => ({
    path: use.path,
    line: use.line,
    message: `${use.name}: take it as an argument`,
  }))
}

function judgeDefaults(tree: Tree, name: string): Finding[] {
  const uses = usesIn(tree, name)
  const files = [...new Set(uses.map(use => use.path))]
  if (files.length < 2) return []
  return uses.map(use => ({
    path: use.path,
    line: use.line,
    message: `${use.name}: defaults for clock and randomness live in one file of a package, here they are in ${files.length}`,
  }))
}

function usesIn(tree: Tree, name: string): Use[] {
  return sources(tree, 'without tests')
    .filter(([path]) => packageOf(path) === name)
    .flatMap(([path, text]) => usesInFile(path, text))
}

function usesInFile(path: string, text: string): Use[] {
  const uses = worldlyImportsOf(path, text)
  // A parameter called `randomBytes` or `setTimeout` is exactly what is wanted.
  const own = new Set(declaredNames(path, text).map(({ name }) => name))
  walk(path, text, (node, ancestors) => {
    const name = worldlyName(node, ancestors.at(-1))
    if (name !== undefined && !own.has(name)) uses.push({ path, line: lineAt(text, node.start), name })
  })
  return uses
}

function worldlyImportsOf(path: string, text: string): Use[] {
  return parse(path, text).module.staticImports.flatMap(({ moduleRequest, entries, start }) => {
    const from = moduleRequest.value
    if (!isBuiltin(from)) return []
    const line = lineAt(text, start)
    if (/^(node:)?timers/.test(from)) return [{ path, line, name: from }]
    const names = entries.filter(entry => !entry.isType).map(({ importName }) => importName.name ?? '')
    return names.filter(name => worldlyImports.test(name)).map(name => ({ path, line, name }))
  })
}

function worldlyName(node: SyntaxNode, parent: SyntaxNode | undefined): string | undefined {
  if (node.type === 'NewExpression' && dottedName(node.callee) === 'Date') {
    return (node.arguments as unknown[]).length === 0 ? 'new Date()' : undefined
  }
  if (node.type === 'Identifier' && !isReference(node, parent)) return undefined
  const name = dottedName(node)?.replace(/^(globalThis|window|self)\./, '')
  return name !== undefined && worldlyGlobals.has(name) ? name : undefined
}

/** False for names of members (`timers.setTimeout`, `{ setTimeout: … }`) and in types. */
function isReference(node: SyntaxNode, parent: SyntaxNode | undefined): boolean {
  if (parent === undefined || !isNode(parent)) return true
  if (parent.type === 'MemberExpression') return parent.object === node || parent.computed === true
  if (parent.type === 'Property') return parent.value === node || parent.shorthand === true
  return !parent.type.startsWith('TS') && !parent.type.startsWith('Import') && parent.type !== 'PropertyDefinition'
}
