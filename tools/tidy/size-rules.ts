import { type Ratchet, ratchet } from './ratchet.ts'
import { dottedName, type Finding, isNode, isTest, lineAt, type Rule, type SyntaxNode, sources, walk } from './tree.ts'

const linesOfSource = 400
const linesOfTest = 600
const linesOfFunction = 70
/** A function that makes an object holds the functions of that object: each is measured by itself, and all together. */
const linesOfClosure = 200

interface Measured {
  readonly key: string
  readonly path: string
  readonly line: number
  readonly what: string
  readonly lines: number
  readonly limit: number
}

export const sizeRule: Rule = sizeRuleWith(ratchet)

/** The rule with another list of exceptions (for its tests). */
export function sizeRuleWith(exceptions: Ratchet): Rule {
  return {
    name: 'size',
    why: `A file has at most ${linesOfSource} lines (tests ${linesOfTest}), a function at most ${linesOfFunction} of its own.`,
    check: tree => {
      const measured = sources(tree).flatMap(([path, text]) => [
        measureFile(path, text),
        ...measureFunctions(path, text),
      ])
      return [...measured.flatMap(one => judge(one, exceptions)), ...forgotten(measured, exceptions)]
    },
  }
}

function judge({ key, path, line, what, lines, limit }: Measured, exceptions: Ratchet): Finding[] {
  const allowed = exceptions[key]?.lines ?? limit
  return lines > allowed ? [{ path, line, message: `${what} has ${lines} lines, ${allowed} are allowed` }] : []
}

/** Rows of the list that allow more than is used. */
function forgotten(measured: readonly Measured[], exceptions: Ratchet): Finding[] {
  return Object.entries(exceptions).flatMap(([key, { lines }]) => {
    const used = Math.max(0, ...measured.filter(one => one.key === key && one.lines > one.limit).map(one => one.lines))
    if (used === lines) return []
    return [
      {
        path: 'tools/tidy/ratchet.ts',
        message: `${key}: ${used === 0 ? 'not needed any more' : `lower it to ${used}`}`,
      },
    ]
  })
}

function measureFile(path: string, text: string): Measured {
  const lines = text.replace(/\n$/, '').split('\n').length
  return { key: path, path, line: 1, what: 'the file', lines, limit: isTest(path) ? linesOfTest : linesOfSource }
}

function measureFunctions(path: string, text: string): Measured[] {
  const measured: Measured[] = []
  const found: { node: SyntaxNode; name: string; first: number; last: number }[] = []
  walk(path, text, (node, ancestors) => {
    if (!/^(Function(Declaration|Expression)|ArrowFunctionExpression)$/.test(node.type) || isFrameOfTests(node)) return
    const name = functionName(node, ancestors.at(-1))
    found.push({ node, name, first: lineAt(text, node.start), last: lineAt(text, node.end) })
  })
  for (const { node, name, first, last } of found) {
    const inner = found.filter(
      one => one.node.start > node.start && one.node.end <= node.end && one.last - one.first > 1,
    )
    const linesOfOthers = new Set(inner.flatMap(one => range(one.first, one.last)))
    const total = last - first + 1
    const about = { key: `${path}#${name}`, path, line: first }
    measured.push({ ...about, what: `function ${name}`, lines: total - linesOfOthers.size, limit: linesOfFunction })
    if (inner.length > 0) {
      const key = `${path}#${name} with what is in it`
      measured.push({ ...about, key, what: `function ${name} with what is in it`, lines: total, limit: linesOfClosure })
    }
  }
  return measured
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}

function functionName(node: SyntaxNode, parent: SyntaxNode | undefined): string {
  const names = [node.id, parent?.id, parent?.key, (parent?.arguments as unknown[] | undefined)?.[0]]
  for (const candidate of names) {
    if (!isNode(candidate)) continue
    const name = dottedName(candidate) ?? candidate.value
    if (typeof name === 'string') return name
  }
  return 'anonymous'
}

/** True for a function whose own statements declare tests: it is a list of functions, each measured by itself. */
function isFrameOfTests(node: SyntaxNode): boolean {
  const body = node.body
  if (!isNode(body) || !Array.isArray(body.body)) return false
  return (body.body as SyntaxNode[]).some(statement => {
    const expression = statement.expression
    if (!isNode(expression) || expression.type !== 'CallExpression') return false
    const callee = expression.callee
    const name = dottedName(isNode(callee) && callee.type === 'CallExpression' ? callee.callee : callee) ?? ''
    return /^(test|it|describe)\b/.test(name)
  })
}
