import type { DatabaseSync } from 'node:sqlite'
import type { AuditRecord } from '@countersign/core'
import { type AuditHead, chainedRow, firstAuditHash, type StoredAuditRow } from '@countersign/store'
import { bufferOf, type Column } from './columns.ts'
import { prepareRead } from './statements.ts'

export interface AuditLog {
  /** The newest row, also of a transaction that is under way. */
  readonly head: () => AuditHead
  readonly append: (record: AuditRecord, sealedPersonal: string | null) => void
  /** After a rollback: the log ends at `head` again. */
  readonly resetTo: (head: AuditHead) => void
  readonly read: (after: number, upTo: number, limit: number) => readonly StoredAuditRow[]
  /** How many rows there are. */
  readonly count: () => number
  /** Deletes the rows up to this one, but never the newest; says how many went. */
  readonly deleteThrough: (number: number) => number
}

/** The head is kept in memory: this process is the file's only writer. */
export function openAuditLog(database: DatabaseSync): AuditLog {
  const newest = prepareRead(database, 'SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1')
  const insert = database.prepare('INSERT INTO audit (number, body, hash) VALUES (?, ?, ?)')
  const rows = prepareRead(
    database,
    'SELECT number, body, hash FROM audit WHERE number > ? AND number <= ? ORDER BY number LIMIT ?',
  )
  const count = prepareRead(database, 'SELECT count(*) FROM audit')
  const drop = database.prepare('DELETE FROM audit WHERE number <= ? AND number < ?')
  const last = newest.one()
  let head: AuditHead = last
    ? { number: last[0] as number, hash: hashOf(last[1] as Column) }
    : { number: 0, hash: firstAuditHash }
  return {
    head: () => head,
    append(record, sealedPersonal) {
      const row = chainedRow(head, record, sealedPersonal)
      const body = JSON.stringify({ record: row.record, sealedPersonal })
      insert.run(row.number, body, Buffer.from(row.hash, 'base64url'))
      head = row
    },
    resetTo(earlier) {
      head = earlier
    },
    read(after, upTo, limit) {
      return rows.all(after, upTo, limit).map(row => ({
        number: row[0] as number,
        ...(JSON.parse(row[1] as string) as Pick<StoredAuditRow, 'record' | 'sealedPersonal'>),
        hash: hashOf(row[2] as Column),
      }))
    },
    count: () => count.one()?.[0] as number,
    deleteThrough: number => Number(drop.run(number, head.number).changes),
  }
}

function hashOf(column: Column): string {
  return bufferOf(column).toString('base64url')
}
