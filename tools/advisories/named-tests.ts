import { isNode, type SyntaxNode, type Tree, walk } from '../tidy/tree.ts'

/** A test, or a row of a table of tests, whose sentence bears the identifier of an advisory. */
export interface NamedTest {
  readonly path: string
  readonly sentence: string
  readonly identifiers: readonly string[]
}

const identifier = /\b(?:CVE-\d{4}-\d{4,7}|GHSA(?:-[23456789cfghjmpqrvwx]{4}){3})\b/g

/** `CVE-2025-27370, -27371`: what comes after the comma belongs to the same year. */
const furtherOfTheYear = /\b(CVE-\d{4})(-\d{4,7}), (-\d{4,7})\b/g

export function identifiersIn(text: string): string[] {
  const whole = text.replaceAll(furtherOfTheYear, '$1$2, $1$3')
  return [...new Set([...whole.matchAll(identifier)].map(([found]) => found))]
}

/** Every test of the packages that says in its sentence which advisory it is about, in the order of the files. */
export function namedTests(tree: Tree): NamedTest[] {
  return [...tree].filter(([path]) => holdsTests(path)).flatMap(([path, text]) => testsOf(path, text))
}

function holdsTests(path: string): boolean {
  return /^(?:packages|e2e|examples|simulation)\/.*(?:\.test\.ts|-contract\.ts|\/testing\/[^/]+\.ts)$/.test(path)
}

function testsOf(path: string, text: string): NamedTest[] {
  if (identifiersIn(text).length === 0) return []
  const found: NamedTest[] = []
  walk(path, text, (node, ancestors) => {
    if (!isText(node) || !isSentence(node, ancestors.at(-1), text)) return
    const sentence = text.slice(node.start + 1, node.end - 1)
    const identifiers = identifiersIn(sentence)
    if (identifiers.length > 0) found.push({ path, sentence, identifiers })
  })
  return found
}

function isText(node: SyntaxNode): boolean {
  return (node.type === 'Literal' && typeof node.value === 'string') || node.type === 'TemplateLiteral'
}

/** The first argument of `test`, `it` or `describe`, or the first cell of a row that one of them runs through. */
function isSentence(node: SyntaxNode, parent: SyntaxNode | undefined, text: string): boolean {
  if (parent?.type === 'ArrayExpression') return first(parent.elements) === node
  if (parent?.type !== 'CallExpression' || first(parent.arguments) !== node || !isNode(parent.callee)) return false
  return /^(?:test|it|describe)\b/.test(text.slice(parent.callee.start, parent.callee.end))
}

function first(list: unknown): unknown {
  return Array.isArray(list) ? list[0] : undefined
}
