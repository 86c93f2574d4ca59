import type { Tree } from '../tidy/tree.ts'
import { type Citation, citationsOfSources, citationsOfTests } from './citations.ts'
import { specs as ourSpecs, type Spec } from './specs.ts'

/** A section with what implements it and what shows it. */
interface MappedSection {
  readonly spec: Spec
  readonly section: string
  readonly about: string
  readonly functions: readonly Citation[]
  readonly tests: readonly Citation[]
}

function mapSections(tree: Tree, specs: readonly Spec[]): MappedSection[] {
  const [functions, tests] = [citationsOfSources(tree, specs), citationsOfTests(tree, specs)]
  return specs.flatMap(spec =>
    spec.sections.map(([section, about]) => {
      const isHere = (one: Citation): boolean => one.spec === spec.name && isWithin(one.section, section)
      return { spec, section, about, functions: functions.filter(isHere), tests: tests.filter(isHere) }
    }),
  )
}

/** §4.1.2.1 counts for §4.1.2 where it is not listed by itself; the exact one always does. */
function isWithin(cited: string, listed: string): boolean {
  return cited === listed || cited.startsWith(`${listed}.`)
}

/** What is missing: a section that no function cites, or no test. Each line says what to do. */
export function gapsOfSpecMap(tree: Tree, specs: readonly Spec[] = ourSpecs): string[] {
  return mapSections(tree, specs).flatMap(({ spec, section, functions, tests }) => {
    const name = `${spec.name} §${section}`
    return [
      ...(functions.length === 0 ? [`${name}: no function in packages/ cites it`] : []),
      ...(tests.length === 0 ? [`${name}: no test cites it`] : []),
    ]
  })
}

const preface = `# Specifications

Each section that Countersign implements, the functions that do it, and the tests that show it. Written by \`npm run docs:spec-map\` from what
functions and tests cite, by the list in [tools/spec-map/specs.ts](../tools/spec-map/specs.ts); a section without a function or without a
test fails the tests.
`

/** The text of docs/spec-map.md. */
export function specMapDocument(tree: Tree, specs: readonly Spec[] = ourSpecs): string {
  const sections = mapSections(tree, specs)
  const parts = specs.map(spec => {
    const rows = sections
      .filter(one => one.spec === spec)
      .map(({ section, about, functions, tests }) => `| §${section} ${about} | ${cells(functions)} | ${cells(tests)} |`)
    return `## ${spec.name}: ${spec.title}\n\n| Section | Functions | Tests |\n|---|---|---|\n${rows.join('\n')}\n`
  })
  return `${preface}\n${parts.join('\n')}`
}

const shownAtMost = 4

function cells(citations: readonly Citation[]): string {
  const names = new Map(citations.map(one => [`${one.path}#${one.name}`, one]))
  const shown = [...names.values()].slice(0, shownAtMost).map(({ path, name }) => `[${escaped(name)}](../${path})`)
  const more = names.size - shown.length
  return [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join('<br>')
}

function escaped(text: string): string {
  const oneLine = text.replaceAll(/\s+/g, ' ')
  return oneLine.replaceAll(/[|[\]<>`*_\\]/g, character => `\\${character}`)
}
