/** What comes back for a column: `bigint` as a number (times and counters are far below 2^53), `bytea` as bytes, `uuid` as text. */
export type Column = null | boolean | number | string | Buffer

/** A row as an array: half the time of an object with names. */
export type Row = readonly Column[]

/** An id (16 bytes, base64url) as PostgreSQL's `uuid` takes it. Both sort alike, by their bytes. */
export function uuidOf(id: string): string {
  return Buffer.from(id, 'base64url').toString('hex')
}

/** The id of a `uuid` column. */
export function idOf(column: Column): string {
  return Buffer.from((column as string).replaceAll('-', ''), 'hex').toString('base64url')
}

/** Bytes as they stand in a row that is sent as JSON. */
export function byteaOf(bytes: Buffer | null): string | null {
  return bytes === null ? null : `\\x${bytes.toString('hex')}`
}

const parsed = new Map<string, unknown>()
const parsedAtMost = 10_000

/**
 * What a column of JSON holds. Issuer, clients and lists of words come with every snapshot, and are the same texts again and
 * again: each is parsed once, and what it was parsed to is shared and frozen.
 */
export function parsedOf<T>(column: Column): T {
  const text = column as string
  const known = parsed.get(text)
  if (known !== undefined) return known as T
  const value = deeplyFrozen(JSON.parse(text) as T)
  if (parsed.size >= parsedAtMost) parsed.clear()
  parsed.set(text, value)
  return value
}

function deeplyFrozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  for (const member of Object.values(value)) deeplyFrozen(member)
  return Object.freeze(value)
}

/** Text that no column can hold names no row: PostgreSQL has no NUL in text. */
export function canBeStored(text: string): boolean {
  return !text.includes('\0')
}
