import { StoreUnavailable } from '@countersign/store'

/** What SQLite throws (Node: `ERR_SQLITE_ERROR`): the low byte of `errcode` is the primary result code. */
interface SqliteError extends Error {
  readonly errcode: number
}

/** SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_TOOBIG: one statement was wrong, the world is well. */
const ownFaults: readonly number[] = [18, 19, 20]

const texts: Readonly<Record<number, string>> = {
  3: 'the database file may not be accessed',
  5: 'the database is locked by another program',
  6: 'the database is locked by another program',
  8: 'the database file is read-only',
  10: 'the disk failed while the database was read or written',
  11: 'the database file is damaged',
  13: 'the disk is full',
  14: 'the database file cannot be opened',
  26: 'the database file is damaged, or is none',
}

function isSqliteError(error: unknown): error is SqliteError {
  return error instanceof Error && typeof (error as Partial<SqliteError>).errcode === 'number'
}

/** True if the outside world broke: disk, lock, file. A statement that was refused is none. */
export function isWorldFailure(error: unknown): boolean {
  return isSqliteError(error) && !ownFaults.includes(error.errcode & 255)
}

/**
 * The error as the port wants it: a failure of the world becomes `StoreUnavailable`, which says what broke and never what
 * was written; anything else stays what it is.
 */
export function translated(error: unknown): unknown {
  // Node's answer for a statement of a database that is closed.
  if ((error as { code?: unknown }).code === 'ERR_INVALID_STATE') return new StoreUnavailable('the store is closed')
  if (!isSqliteError(error) || !isWorldFailure(error)) return error
  const text = texts[error.errcode & 255] ?? 'the database failed'
  return new StoreUnavailable(`${text} (SQLite ${error.errcode})`)
}

/** Runs `read` and translates what it throws. */
export function translating<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw translated(error)
  }
}
