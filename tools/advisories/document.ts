import type { Tree } from '../tidy/tree.ts'
import type { Advisory, Chapter } from './advisory.ts'
import { chapters as ourChapters } from './chapters.ts'
import { identifiersIn, type NamedTest, namedTests } from './named-tests.ts'

/** What does not fit together, each with what to do; nothing if the list and the tests agree. */
export function gapsOfAdvisories(tree: Tree, chapters: readonly Chapter[] = ourChapters): string[] {
  const advisories = chapters.flatMap(chapter => chapter.advisories)
  const tested = new Set(namedTests(tree).flatMap(({ identifiers }) => identifiers))
  const listed = advisories.flatMap(({ ids, also = [] }) => [...ids, ...also])
  return [
    ...[...cited(tree)].filter(id => !listed.includes(id)).map(id => `${id} is cited, but stands in no chapter`),
    ...listed.filter((id, index) => listed.indexOf(id) !== index).map(id => `${id} is listed twice`),
    ...advisories.flatMap(advisory => gapsOf(advisory, tested)),
  ]
}

function gapsOf({ ids, also = [], without }: Advisory, tested: ReadonlySet<string>): string[] {
  const misspelt = [...ids, ...also].filter(id => identifiersIn(id)[0] !== id).map(id => `${id} is no identifier`)
  if (without === undefined) {
    const untested = ids.filter(id => !tested.has(id))
    return [...misspelt, ...untested.map(id => `${id}: no test bears it, and no reason is given`)]
  }
  return [...misspelt, ...ids.filter(id => tested.has(id)).map(id => `${id}: a test bears it; the reason is idle`)]
}

/** Every identifier that a source or a page of ours names, but for the list itself and this tool's own tests. */
function cited(tree: Tree): Set<string> {
  const texts = [...tree].filter(
    ([path]) => !/^tools\/advisories|^docs\/advisories\.md$|package-lock\.json$/.test(path),
  )
  return new Set(texts.flatMap(([, text]) => identifiersIn(text)))
}

const preface = `# Flaws of others

Published flaws of other authorization servers, identity providers and token libraries: what went wrong there, and what shows that it does
not happen here, which is a test that bears the identifier. Where there is none, the row says why it does not apply, or what
it waits for. Written by \`npm run docs:advisories\` from the list in [tools/advisories/](../tools/advisories/chapters.ts) and the sentences of the tests; a row without
test or reason, or a test whose identifier is not listed, fails the tests.
`

/** The text of docs/advisories.md. */
export function advisoriesDocument(tree: Tree, chapters: readonly Chapter[] = ourChapters): string {
  const tests = namedTests(tree)
  const parts = chapters.map(({ title, advisories }) => {
    const rows = advisories.map(one => {
      const names = [...one.ids, ...(one.also ?? []).map(id => `(${id})`)].join('<br>')
      return `| ${names} | ${one.whose} | ${one.flaw} | ${one.without ?? shownBy(one, tests)} |`
    })
    return `## ${title}\n\n| Identifier | Whose | What went wrong | What shows that it does not happen here |\n|---|---|---|---|\n${rows.join('\n')}\n`
  })
  return `${preface}\n${parts.join('\n')}`
}

const shownAtMost = 4

function shownBy({ ids }: Advisory, tests: readonly NamedTest[]): string {
  const bearing = tests.filter(({ identifiers }) => ids.some(id => identifiers.includes(id)))
  const links = bearing.slice(0, shownAtMost).map(({ path, sentence }) => `[${escaped(sentence)}](../${path})`)
  const more = bearing.length - links.length
  return [...links, ...(more > 0 ? [`and ${more} more`] : [])].join('<br>')
}

function escaped(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll(/[|[\]<>`*_\\]/g, character => `\\${character}`)
}
