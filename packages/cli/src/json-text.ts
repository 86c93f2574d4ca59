/*
 * JSON as operators write it. What is wrong is said with its place and without what stands there, since that may be a secret; a name that stands twice in one
 * object is wrong too, although JavaScript would take the last and say nothing.
 */

/** A place in a text, both from 1. */
interface Place {
  readonly line: number
  readonly column: number
}

export type ReadJson = { readonly value: unknown } | { readonly problem: string }

/** `problem`: to be said after the name of what was read. */
export function parseJson(written: string): ReadJson {
  const text = written.replace(/^\uFEFF/, '')
  if (text.trim() === '') return { problem: 'is empty' }
  const fault = faultOf(text)
  if (fault === undefined) return { value: JSON.parse(text) }
  const { line, column } = placeOf(text, fault.index)
  const place = `line ${line} column ${column}`
  if (fault.twice === undefined) return { problem: `is not valid JSON (${place}: ${fault.says})` }
  return { problem: `has ${fault.twice} twice in one object (the second time at ${place})` }
}

function placeOf(text: string, index: number): Place {
  const before = text.slice(0, index)
  return { line: before.split('\n').length, column: index - before.lastIndexOf('\n') }
}

interface Fault {
  readonly index: number
  readonly says: string
  /** The name that stands twice. */
  readonly twice?: string
}

class Found extends Error {
  readonly fault: Fault
  constructor(fault: Fault) {
    super(fault.says)
    this.fault = fault
  }
}

const blanks = /[ \t\n\r]*/y
const string = /"(?:[ !#-[\]-\u{10ffff}]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"/uy
const plain = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+-])/y

/** The first fault (RFC 8259), if there is one. */
function faultOf(text: string): Fault | undefined {
  let index = 0

  const skip = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = index
    const found = pattern.exec(text)?.[0]
    index += found?.length ?? 0
    return found
  }
  const next = (): string => {
    skip(blanks)
    return text[index] ?? ''
  }
  const stop = (says: string, more: Partial<Fault> = {}): never => {
    throw new Found({ index, says: index >= text.length ? 'it ends too early' : says, ...more })
  }

  function value(): void {
    const first = next()
    if (first === '{') object()
    else if (first === '[') list()
    else if (first === '"') skip(string) ?? stop('a string does not end, or needs a \\ before one of its characters')
    else if (skip(plain) === undefined) stop(insteadOfValue(first))
  }

  function list(): void {
    index++
    if (next() === ']') return void index++
    for (;;) {
      value()
      const after = next()
      if (after !== ',' && after !== ']') stop('a comma or ] should stand here')
      index++
      if (after === ']') return
      if (next() === ']') stop('the comma before it is one too many')
    }
  }

  function object(): void {
    const names = new Set<string>()
    index++
    if (next() === '}') return void index++
    for (;;) {
      name(names)
      if (next() !== ':') stop('a colon should stand here')
      index++
      value()
      const after = next()
      if (after !== ',' && after !== '}') stop('a comma or } should stand here')
      index++
      if (after === '}') return
      if (next() === '}') stop('the comma before it is one too many')
    }
  }

  function name(names: Set<string>): void {
    next()
    const start = index
    const written = skip(string) ?? stop('a name in double quotes should stand here')
    const read = JSON.parse(written) as string
    if (names.has(read)) {
      index = start
      stop('', { twice: written.length > 80 ? 'a name' : written })
    }
    names.add(read)
  }

  try {
    value()
    if (next() !== '') stop('nothing may follow what ended before')
    return undefined
  } catch (error) {
    if (error instanceof Found) return error.fault
    throw error
  }
}

function insteadOfValue(first: string): string {
  if (first === "'") return 'strings stand in double quotes'
  if (first === '/' || first === '#') return 'JSON has no comments'
  return 'a value should stand here'
}
