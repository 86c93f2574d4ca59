import type { DatabaseSync } from 'node:sqlite'
import type { DueKind, ShortLivedKind, ShortLivedRows, ShortLivedWrite } from '@countersign/core'
import { prepareRead, wrote } from './statements.ts'

export interface ShortLivedTable {
  readonly load: <Kind extends ShortLivedKind>(kind: Kind, hash: string) => ShortLivedRows[Kind] | undefined
  readonly due: <Kind extends DueKind>(kind: Kind, now: number, rowsAtMost: number) => readonly ShortLivedRows[Kind][]
  readonly put: (write: ShortLivedWrite) => boolean
}

/** They live for minutes: they are kept as JSON. */
export function openShortLived(database: DatabaseSync): ShortLivedTable {
  const read = prepareRead(database, 'SELECT body FROM short_lived WHERE kind = ? AND hash = ?')
  const readDue = prepareRead(
    database,
    'SELECT body FROM short_lived WHERE kind = ? AND due_at <= ? ORDER BY due_at, hash LIMIT ?',
  )
  const insert = database.prepare(
    'INSERT INTO short_lived (expires_at, due_at, version, body, kind, hash) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
  )
  // Most rows that are written again expire when they did: a statement that does not name those columns leaves their indexes alone.
  const updateBody = database.prepare(
    'UPDATE short_lived SET version = ?, body = ? WHERE kind = ? AND hash = ? AND version = ? AND expires_at = ? AND due_at IS ?',
  )
  const update = database.prepare(
    'UPDATE short_lived SET expires_at = ?, due_at = ?, version = ?, body = ? WHERE kind = ? AND hash = ? AND version = ?',
  )
  return {
    load<Kind extends ShortLivedKind>(kind: Kind, hash: string) {
      const row = read.one(kind, hash)
      return row && (JSON.parse(row[0] as string) as ShortLivedRows[Kind])
    },
    due<Kind extends DueKind>(kind: Kind, now: number, rowsAtMost: number) {
      return readDue.all(kind, now, rowsAtMost).map(row => JSON.parse(row[0] as string) as ShortLivedRows[Kind])
    },
    put({ table, row }) {
      const version = row.version + 1
      const times = [row.expiresAt, 'dueAt' in row ? row.dueAt : null]
      const values = [version, JSON.stringify({ ...row, version }), table, row.hash]
      if (row.version === 0) return wrote(insert, ...times, ...values)
      return wrote(updateBody, ...values, row.version, ...times) || wrote(update, ...times, ...values, row.version)
    },
  }
}
