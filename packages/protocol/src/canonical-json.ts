/**
 * Canonical JSON (RFC 8785): members sorted by UTF-16 code units, numbers and strings as ECMAScript writes them.
 * `undefined` members are left out. Refuses (throws) what JSON cannot say: NaN, infinities, functions.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'string') return quoted(value)
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const members = value as Record<string, unknown>
    let text = ''
    for (const name of Object.keys(members).sort()) {
      const member = members[name]
      if (member === undefined) continue
      text += `${text === '' ? '' : ','}${quoted(name)}:${canonicalJson(member)}`
    }
    return `{${text}}`
  }
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError('not a JSON number')
  const text = JSON.stringify(value)
  if (text === undefined) throw new TypeError('not a JSON value')
  return text
}

/** Claims are words, ids and URLs: nothing in them is escaped, and looking is half the price of `JSON.stringify`. */
const needsNoEscape = /^[\w:/.?=&-]*$/

function quoted(text: string): string {
  return needsNoEscape.test(text) ? `"${text}"` : JSON.stringify(text)
}
