import { isUtf8 } from 'node:buffer'

const deepestLevel = 32

/**
 * Parses a JSON object out of a token, and freezes it all the way down: claims are shared between requests.
 * Undefined for anything that two parsers could read differently (RFC 8725 §2.4, RFC 7515 §4): not UTF-8, duplicate
 * members, `__proto__`, lone surrogates, an array or a bare value, more than 32 levels.
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
  // JSON.parse silently keeps the last of two equal names. Then the text names more members than the value has.
  return sealAndCount(value, 0) === countNames(text) ? (value as Record<string, unknown>) : undefined
}

/** Members named in a valid JSON text: the colons outside strings. */
function countNames(text: string): number {
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

/** Freezes, and counts the members in all objects; not a number if something must be refused. */
function sealAndCount(value: unknown, level: number): number {
  if (typeof value === 'string') return value.isWellFormed() ? 0 : Number.NaN
  if (typeof value !== 'object' || value === null) return 0
  if (level > deepestLevel) return Number.NaN
  let members = 0
  if (Array.isArray(value)) {
    for (const item of value) members += sealAndCount(item, level + 1)
  } else {
    for (const name of Object.keys(value)) {
      if (name === '__proto__' || !name.isWellFormed()) return Number.NaN
      members += 1 + sealAndCount((value as Record<string, unknown>)[name], level + 1)
    }
  }
  Object.freeze(value)
  return members
}
