import { isBuiltin } from 'node:module'
import { allowedNodeModules, importDirections } from './import-directions.ts'
import {
  cyclesOf,
  entriesOf,
  type Import,
  importGraph,
  importsOf,
  onlyReExports,
  packageOf,
  relativeTarget,
} from './import-graph.ts'
import { type Finding, isTest, lineAt, type Rule, sources, statements, type Tree } from './tree.ts'

export const importDirectionsRule: Rule = {
  name: 'import directions',
  why: 'Imports run one way (tools/tidy/import-directions.ts).',
  check: tree => eachImport(tree).flatMap(one => judgeDirection(one)),
}

function eachImport(tree: Tree): Import[] {
  return sources(tree).flatMap(([path, text]) => importsOf(path, text))
}

function judgeDirection(one: Import): Finding[] {
  const from = packageOf(one.path)
  if (from === undefined) return []
  const allowed = importDirections[from]
  if (allowed === undefined) return [finding(one, `package ${from} has no row in the table`)]
  const target = relativeTarget(one)
  if (target !== undefined) {
    return packageOf(target) === from
      ? []
      : [finding(one, `${one.specifier} leaves the package: import it by its name`)]
  }
  const to = /^@countersign\/([^/]+)/.exec(one.specifier)?.[1]
  if (to === undefined || to === from || allowed.includes('*') || allowed.includes(to)) return []
  return [finding(one, `${from} may not import ${to}`)]
}

export const nodeModulesRule: Rule = {
  name: 'node modules',
  why: 'Decisions do no I/O, and vocabulary and browser code run anywhere.',
  check: tree =>
    eachImport(tree).flatMap(one => {
      const allowed = allowedNodeModules[packageOf(one.path) ?? '']
      if (allowed === undefined || isTest(one.path) || !isBuiltin(one.specifier)) return []
      return allowed.includes(one.specifier) ? [] : [finding(one, `${one.specifier} is not for this package`)]
    }),
}

export const cyclesRule: Rule = {
  name: 'import cycles',
  why: 'A cycle cannot be read in any order; types count too.',
  check: tree => cyclesOf(importGraph(tree)).map(cycle => ({ path: cycle[0] ?? '', message: cycle.join(' → ') })),
}

export const barrelsRule: Rule = {
  name: 'barrel files',
  why: "Only a package's entries re-export; elsewhere import the file that holds the thing.",
  check: tree => {
    const entries = entriesOf(tree)
    return sources(tree).flatMap(([path, text]) => {
      if (entries.has(path)) return []
      if (onlyReExports(path, text)) return [{ path, message: 'only re-exports, and is no entry of a package' }]
      return statements(path, text)
        .filter(statement => statement.type === 'ExportAllDeclaration')
        .map(statement => ({
          path,
          line: lineAt(text, statement.start),
          message: '`export *` in a file that is no entry',
        }))
    })
  },
}

function finding({ path, line }: Import, message: string): Finding {
  return { path, line, message }
}
