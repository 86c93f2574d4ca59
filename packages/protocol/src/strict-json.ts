const deepestLevel = 32

/**
 * Parses a JSON object, and refuses (`undefined`) every text that two parsers could read differently (RFC 8259 §4, RFC 8725 §2.4):
 * duplicate members, `__proto__`, NUL and lone surrogates, an array or a bare value, more than 32 levels.
 */
export function parseStrictObject(text: string): Record<string, unknown> | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  // JSON.parse silently keeps the last of two equal names: then the text names more members than the value has.
  return countMembers(value, 0) === countNames(text) ? (value as Record<string, unknown>) : undefined
}

/** Members named in a valid JSON text: the colons outside strings. */
function countNames(text: string): number {
  let names = 0
  let inString = false
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    if (inString) {
      if (unit === 0x5c) index++
      else if (unit === 0x22) inString = false
    } else if (unit === 0x22) inString = true
    else if (unit === 0x3a) names++
  }
  return names
}

/** Members of all objects in it; not a number if something must be refused. */
function countMembers(value: unknown, level: number): number {
  if (typeof value === 'string') return isPlainText(value) ? 0 : Number.NaN
  if (typeof value !== 'object' || value === null) return 0
  if (level > deepestLevel) return Number.NaN
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + countMembers(item, level + 1), 0)
  let members = 0
  for (const [name, member] of Object.entries(value)) {
    if (name === '__proto__' || !isPlainText(name)) return Number.NaN
    members += 1 + countMembers(member, level + 1)
  }
  return members
}

function isPlainText(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}
