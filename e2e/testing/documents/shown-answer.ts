/**
 * Compares an answer with the one that a document shows. `…` stands for what differs from time to time: in a text for any characters, in an object for
 * further members, at the end of an array for further elements. A number of ten digits is a time, and is any such. All else is meant to the letter.
 *
 * @module
 */

export interface ShownAnswer {
  /** Absent: that it went well. */
  readonly status: number | undefined
  /** JSON, or lines of text that come in this order, perhaps with others between them. */
  readonly body: { readonly json: unknown } | { readonly lines: readonly string[] }
}

/** `201 {"id":"AaIL…"}`; or without the status; or lines of a header. */
export function readShownAnswer(shown: readonly string[]): ShownAnswer {
  const [, status, rest] = /^(\d{3})?(?:\s+|$)?(.*)$/s.exec(shown.join('\n').trim()) ?? []
  const text = rest?.trim() ?? ''
  const told = status ?? /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1]
  return {
    status: told === undefined ? undefined : Number(told),
    body: text.startsWith('{') ? { json: parseWithGaps(text) } : { lines: text.split('\n').filter(Boolean) },
  }
}

const gap = '…'

/** JSON in which a lone `…` may stand for members or elements. */
function parseWithGaps(text: string): unknown {
  const inside: string[] = []
  const json = text.replace(/"(?:[^"\\]|\\.)*"|[[\]{}…]/g, found => {
    if (found === '{' || found === '[') inside.push(found)
    else if (found === '}' || found === ']') inside.pop()
    return found === gap ? (inside.at(-1) === '{' ? `"${gap}":0` : `"${gap}"`) : found
  })
  return JSON.parse(json)
}

/** What differs, as sentences; none if the answer is as it is shown. */
export function differences(shown: ShownAnswer['body'], text: string): string[] {
  if ('lines' in shown) return linesThatLack(shown.lines, text)
  try {
    return compare(shown.json, JSON.parse(text), '')
  } catch {
    return [`the answer is no JSON: ${text}`]
  }
}

function linesThatLack(shown: readonly string[], text: string): string[] {
  let rest = text.split('\n').map(line => line.trim())
  for (const line of shown) {
    const place = rest.findIndex(one => lineFits(line.trim(), one))
    if (place < 0) return [`no line is "${line}" in\n${text}`]
    rest = rest.slice(place + 1)
  }
  return []
}

/** Below a header the body is JSON as a rule. */
function lineFits(shown: string, came: string): boolean {
  if (!shown.startsWith('{')) return fits(shown, came)
  return came.startsWith('{') && differences({ json: parseWithGaps(shown) }, came).length === 0
}

function compare(shown: unknown, came: unknown, path: string): string[] {
  if (typeof shown === 'string' && typeof came === 'string' && fits(shown, came)) return []
  if (isTime(shown) && isTime(came)) return []
  if (Array.isArray(shown) && Array.isArray(came)) return compareArrays(shown, came, path)
  if (isObject(shown) && isObject(came)) return compareObjects(shown, came, path)
  return shown === came ? [] : [`${path || 'the answer'} is ${JSON.stringify(came)}, shown as ${JSON.stringify(shown)}`]
}

function compareArrays(shown: readonly unknown[], came: readonly unknown[], path: string): string[] {
  const goesOn = shown.at(-1) === gap
  const listed = goesOn ? shown.slice(0, -1) : shown
  const isLong = goesOn ? came.length >= listed.length : came.length === listed.length
  if (!isLong) return [`${path || 'the answer'} has ${came.length} elements: ${JSON.stringify(came)}`]
  return listed.flatMap((one, place) => compare(one, came[place], `${path}[${place}]`))
}

function compareObjects(
  { [gap]: more, ...shown }: Readonly<Record<string, unknown>>,
  came: Readonly<Record<string, unknown>>,
  path: string,
): string[] {
  const unshown = more === undefined ? Object.keys(came).filter(name => !Object.hasOwn(shown, name)) : []
  return [
    ...unshown.map(name => `${path}.${name} is not shown: ${JSON.stringify(came[name])}`),
    ...Object.entries(shown).flatMap(([name, value]) => compare(value, came[name], `${path}.${name}`)),
  ]
}

function fits(shown: string, came: string): boolean {
  const parts = shown.split(gap).map(part => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`, 's').test(came)
}

function isTime(value: unknown): boolean {
  return typeof value === 'number' && value >= 1e9
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
