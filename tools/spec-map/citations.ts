import { isNode, type SyntaxNode, statements, type Tree, walk } from '../tidy/tree.ts'
import type { Spec } from './specs.ts'

/** A place that cites a section, and what stands there: a declaration of ours, or a test. */
export interface Citation {
  readonly spec: string
  /** `4.1.3`. */
  readonly section: string
  readonly path: string
  /** The declaration's name, or the test's sentence. */
  readonly name: string
}

/** What the sources of the packages cite: each citation belongs to the top-level declaration in which, or above which, it stands. */
export function citationsOfSources(tree: Tree, specs: readonly Spec[]): Citation[] {
  return [...tree]
    .filter(([path]) => isImplementation(path))
    .flatMap(([path, text]) => citationsOfSource(path, text, specs))
}

/** What tests cite, in their sentences or in a comment above or in them. */
export function citationsOfTests(tree: Tree, specs: readonly Spec[]): Citation[] {
  return [...tree]
    .filter(([path]) => isTestOrContract(path))
    .flatMap(([path, text]) => citationsOfTest(path, text, specs))
}

function isImplementation(path: string): boolean {
  return /^packages\/[^/]+\/src\/.*\.ts$/.test(path) && !isTestOrContract(path) && !/\/testing\/|\/sample-/.test(path)
}

function isTestOrContract(path: string): boolean {
  return /\.test\.ts$|\/contract\/|^packages\/.*-contract\.ts$/.test(path)
}

function citationsOfSource(path: string, text: string, specs: readonly Spec[]): Citation[] {
  const cited = sectionsCited(text, specs)
  if (cited.length === 0) return []
  const declarations = statements(path, text).filter(({ type }) => type !== 'ImportDeclaration')
  return cited.flatMap(({ spec, section, offset }) => {
    const declaration = declarations.find(({ end }) => offset < end) ?? declarations.at(-1)
    return declaration === undefined ? [] : [{ spec, section, path, name: nameOf(declaration) }]
  })
}

function nameOf(statement: SyntaxNode): string {
  const declared = isNode(statement.declaration) ? statement.declaration : statement
  if (isNode(declared.id)) return String(declared.id.name)
  const [first] = Array.isArray(declared.declarations) ? declared.declarations : []
  return isNode(first) && isNode(first.id) ? String(first.id.name) : 'module'
}

interface TestSpan {
  readonly start: number
  readonly end: number
  readonly sentence: string
}

function citationsOfTest(path: string, text: string, specs: readonly Spec[]): Citation[] {
  const cited = sectionsCited(text, specs)
  if (cited.length === 0) return []
  const tests = testsOf(path, text)
  return cited.flatMap(({ spec, section, offset }) => {
    const inside = tests.filter(({ start, end }) => start <= offset && offset < end).at(-1)
    const test = inside ?? tests.find(({ start }) => offset < start)
    return test === undefined ? [] : [{ spec, section, path, name: test.sentence }]
  })
}

/** Calls of `test`, `it` and `describe`, in the order in which they begin. */
function testsOf(path: string, text: string): TestSpan[] {
  const found: TestSpan[] = []
  walk(path, text, node => {
    if (node.type !== 'CallExpression' || !Array.isArray(node.arguments)) return
    const callee = text.slice(node.start, node.start + 40)
    if (!/^(?:\w+\.)?(?:test|it|describe)\b/.test(callee)) return
    const [first] = node.arguments as SyntaxNode[]
    if (first === undefined || !/^['"`]/.test(text.slice(first.start, first.start + 1))) return
    found.push({ start: node.start, end: node.end, sentence: text.slice(first.start + 1, first.end - 1) })
  })
  return found.sort((one, other) => one.start - other.start)
}

/** `RFC 6749 §4.1.3`, and what follows with a comma: `RFC 9449 §8, §9`. */
function sectionsCited(text: string, specs: readonly Spec[]): { spec: string; section: string; offset: number }[] {
  return specs.flatMap(({ name }) => {
    const words = name.replaceAll(' ', String.raw`(?:\s+\*?\s*)`)
    const pattern = new RegExp(String.raw`${words},?\s+(§[\d.]*\d(?:(?:,| and| to)\s*§[\d.]*\d)*)`, 'g')
    return [...text.matchAll(pattern)].flatMap(match =>
      [...(match[1] ?? '').matchAll(/§([\d.]*\d)/g)].map(found => ({
        spec: name,
        section: found[1] ?? '',
        offset: match.index,
      })),
    )
  })
}
