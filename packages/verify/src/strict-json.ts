import { isUtf8 } from 'node:buffer'

const deepestLevel = 32

/**
 * Parses a JSON object out of a token, and freezes it all the way down: claims are shared between requests.
 * Undefined for anything that two parsers could read differently (RFC 8725 §2.4, RFC 7515 §4): not UTF-8, duplicate
 * members, `__proto__`, lone surrogates, an array or a bare value, more than 32 levels.
 *
 * On the path of every token that is new, so written for speed: 0.8 µs beside the 1.5 µs of `JSON.parse`.
 */
export function parseStrictObject(bytes: Buffer): Readonly<Record<string, unknown>> | undefined {
  if (!isUtf8(bytes)) return undefined
  const text = bytes.toString('utf8')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const escaped = text.includes('\\')
  // JSON.parse silently keeps the last of two equal names. Then the text names more members than the value has.
  const names = escaped ? countNamesAmongEscapes(text) : countNames(text)
  return sealAndCount(value, escaped, 0) === names ? (value as Record<string, unknown>) : undefined
}

/** Members named in a valid JSON text without escapes: strings with a colon behind them. */
function countNames(text: string): number {
  let names = 0
  for (let start = text.indexOf('"'); start >= 0; ) {
    const end = text.indexOf('"', start + 1)
    let after = end + 1
    while (text.charCodeAt(after) <= 0x20) after++
    if (text.charCodeAt(after) === 0x3a) names++
    start = text.indexOf('"', after)
  }
  return names
}

/** The same where a quote may be part of a string: the colons outside strings. */
function countNamesAmongEscapes(text: string): number {
  let names = 0
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (inString) {
      if (unit === 0x5c) i++
      else if (unit === 0x22) inString = false
    } else if (unit === 0x22) inString = true
    else if (unit === 0x3a) names++
  }
  return names
}

/**
 * Freezes, and counts the members in all objects; not a number if something must be refused. Bytes that are UTF-8 hold
 * no lone surrogate: only where there are escapes must it be looked for.
 */
function sealAndCount(value: unknown, escaped: boolean, level: number): number {
  if (typeof value === 'string') return escaped && !value.isWellFormed() ? Number.NaN : 0
  if (typeof value !== 'object' || value === null) return 0
  if (level > deepestLevel) return Number.NaN
  let members = 0
  if (Array.isArray(value)) {
    for (const item of value) members += sealAndCount(item, escaped, level + 1)
  } else {
    for (const name of Object.keys(value)) {
      if (name === '__proto__' || (escaped && !name.isWellFormed())) return Number.NaN
      members += 1 + sealAndCount((value as Record<string, unknown>)[name], escaped, level + 1)
    }
  }
  Object.freeze(value)
  return members
}
