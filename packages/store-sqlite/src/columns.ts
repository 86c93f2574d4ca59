/** What SQLite gives back for a column. */
export type Column = null | number | string | Uint8Array

/** A row as an array: half the time of an object with names. */
export type Row = readonly Column[]

/*
 * Ids are 16 bytes that grow with time. The first eight are the primary key (an integer is SQLite's own row number: the
 * fastest look-up and the smallest reference), the other eight are compared. Two ids that share the first eight
 * cannot both be stored; the second insert is a conflict, and its maker makes another.
 */

export interface IdParts {
  readonly key: bigint
  readonly rest: Uint8Array
}

export function idParts(id: string): IdParts {
  const bytes = Buffer.from(id, 'base64url')
  return { key: bytes.readBigInt64BE(0), rest: bytes.subarray(8) }
}

/** The key alone, for a reference to another row. */
export function idKey(id: string): bigint {
  return Buffer.from(id, 'base64url').readBigInt64BE(0)
}

/**
 * An id out of the two halves of its key (JavaScript's numbers cannot hold the whole) and the rest, in hex: as bytes each
 * column would be an ArrayBuffer of its own, which costs as much as ten columns of text.
 */
export function idOf(high: Column, low: Column, rest: Column): string {
  const bytes = Buffer.allocUnsafe(16)
  bytes.writeInt32BE(high as number, 0)
  bytes.writeUInt32BE(low as number, 4)
  bytes.write(rest as string, 8, 'hex')
  return bytes.toString('base64url')
}

/** A salt, read in hex for the same reason; null for none. */
export function saltOf(hex: Column): Buffer | null {
  return hex === '' ? null : Buffer.from(hex as string, 'hex')
}

/** The columns that `idOf` takes. */
export function idColumns(key: string, rest: string): string {
  return `${key} >> 32, ${key} & 4294967295, hex(${rest})`
}

export function bufferOf(column: Column): Buffer {
  const bytes = column as Uint8Array
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

const lists = new Map<string, readonly string[]>()
const listsAtMost = 1_000

/** A list of words, kept as JSON. The same few texts come again and again. */
export function listOf(column: Column): readonly string[] {
  const text = column as string
  const known = lists.get(text)
  if (known !== undefined) return known
  const list: readonly string[] = Object.freeze(JSON.parse(text))
  if (lists.size >= listsAtMost) lists.clear()
  lists.set(text, list)
  return list
}
