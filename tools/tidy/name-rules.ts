import { freeFolders } from './import-directions.ts'
import { type Finding, isNode, lineAt, type Rule, type SyntaxNode, sources, walk } from './tree.ts'

const vagueNames = new Set(['util', 'utils', 'helper', 'helpers', 'common', 'types', 'misc', 'shared', 'lib'])

const kebabFile = /^[a-z0-9]+(-[a-z0-9]+)*(\.(test|config|d|[a-z]{2}))*\.[a-z0-9]+$/
const kebabFolder = /^\.?[a-z0-9]+(-[a-z0-9]+)*$/

export const fileNamesRule: Rule = {
  name: 'file names',
  why: 'A file is called after what it holds, in kebab-case.',
  check: tree =>
    [...tree.keys()]
      .filter(path => ['packages', ...freeFolders].includes(path.split('/')[0] ?? ''))
      .flatMap(path => judgePath(path)),
}

function judgePath(path: string): Finding[] {
  const folders = path.split('/')
  const file = folders.pop() ?? ''
  const findings: Finding[] = []
  for (const name of [...folders, file.replace(/\..*$/, '')]) {
    if (vagueNames.has(name)) findings.push({ path, message: `"${name}" says nothing: name the thing` })
  }
  const isDocument = /^([A-Z]+\.md|LICENSE)$|^\./.test(file)
  if (!(isDocument || kebabFile.test(file)) || !folders.every(folder => kebabFolder.test(folder))) {
    findings.push({ path, message: 'not in kebab-case' })
  }
  return findings
}

/** Names that do not say what they hold. Members are free: wire objects keep the names of their RFC. */
const bannedNames: ReadonlyMap<string, string> = new Map([
  ['at', 'accessToken, or the moment with its unit'],
  ['rt', 'refreshToken'],
  ['ctx', 'what it is the context of'],
  ['opts', 'options, or better the fields themselves'],
  ['data', 'what it is the data of'],
  ['handle', 'what it handles, as a verb and a noun'],
])

export const identifiersRule: Rule = {
  name: 'identifiers',
  why: 'A name says what it holds; acronyms are words (Jwks, Dpop).',
  check: tree =>
    sources(tree).flatMap(([path, text]) =>
      declaredNames(path, text).flatMap(({ name, start }) => {
        const better = bannedNames.get(name)
        const line = lineAt(text, start)
        if (better !== undefined) return [{ path, line, message: `\`${name}\`: say ${better}` }]
        return shouts(name) ? [{ path, line, message: `\`${name}\`: acronyms are words` }] : []
      }),
    ),
}

function shouts(name: string): boolean {
  return /[a-z]/.test(name) && (/[A-Z]{3,}/.test(name) || /[a-z]ID(?![a-z])/.test(name))
}

export interface DeclaredName {
  readonly name: string
  readonly start: number
}

const declarations = /^(Function(Declaration|Expression)|ClassDeclaration|TS(Interface|TypeAlias)Declaration)$/

/** Names that a file declares itself: variables, parameters, functions, types; not members, not what it imports. */
export function declaredNames(path: string, text: string): DeclaredName[] {
  const names: DeclaredName[] = []
  walk(path, text, node => {
    if (declarations.test(node.type)) names.push(...bindings(node.id))
    if (node.type === 'VariableDeclarator') names.push(...bindings(node.id))
    if (node.type === 'CatchClause') names.push(...bindings(node.param))
    if (/^(Function|ArrowFunction)/.test(node.type)) {
      for (const parameter of node.params as unknown[]) names.push(...bindings(parameter))
    }
  })
  return names
}

/** The names that a pattern binds. */
function bindings(pattern: unknown): DeclaredName[] {
  if (!isNode(pattern)) return []
  switch (pattern.type) {
    case 'Identifier':
      return [{ name: pattern.name as string, start: pattern.start }]
    case 'AssignmentPattern':
      return bindings(pattern.left)
    case 'RestElement':
      return bindings(pattern.argument)
    case 'ArrayPattern':
      return (pattern.elements as unknown[]).flatMap(bindings)
    case 'ObjectPattern':
      return (pattern.properties as SyntaxNode[]).flatMap(property =>
        // `{ data }` takes the name that another interface gave it.
        property.shorthand === true ? [] : bindings(property.type === 'Property' ? property.value : property),
      )
    default:
      return []
  }
}
