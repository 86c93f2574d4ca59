/** A claim of a document, and the test that shows it: `[word]: ../path "name of the test"`, or `…` in a table whose page names the files. */
export interface ShownBy {
  readonly path: string
  readonly name: string
}

/** The tests that a document names at its links; paths from the root. */
export function testsShownBy(text: string): readonly ShownBy[] {
  const references = [...text.matchAll(/^\[[^\]]+\]: \.\.\/(\S+) "(.+)"$/gm)]
  return references.map(([, path = '', name = '']) => ({ path, name }))
}

/** References that nothing in the text uses, and words in brackets that lead nowhere. */
export function brokenReferences(text: string): readonly string[] {
  const defined = [...text.matchAll(/^\[([^\]]+)\]: /gm)].map(([, word = '']) => word)
  const used = new Set([...text.matchAll(/\]\[([^\]]+)\]/g)].map(([, word = '']) => word))
  return [...defined.filter(word => !used.has(word)), ...[...used].filter(word => !defined.includes(word))]
}

/** Whether a file has a test, or a group of them, of exactly this name. */
export function hasTest(source: string, name: string): boolean {
  const quotes = ["'", '`', '"']
  return quotes.some(quote => /(?:test|describe|it)(?:\.\w+)*\(\s*$/.test(before(source, quote + name + quote)))
}

/** What stands before a text; empty if it is not there. */
function before(source: string, text: string): string {
  const [beginning = '', ...rest] = source.split(text)
  return rest.length === 0 ? '' : beginning
}
