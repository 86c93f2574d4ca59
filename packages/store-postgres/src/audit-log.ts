import { type AuditAnchor, auditAnchorHash, deletedNext } from '@countersign/core'
import { beginsLate, refusePruned, type StoredAuditRow } from '@countersign/store'
import { bodyOf } from './clients.ts'
import type { Transaction } from './database.ts'
import { pendingText } from './sequencer.ts'
import { refuseStandby } from './snapshots.ts'
import type { Statement } from './statements.ts'

/** The numbered rows. */
export interface AuditLog {
  /** What was committed before the call has its number when it is read. */
  readonly read: (after: number, limit: number) => Promise<readonly StoredAuditRow[]>
  readonly deletePruned: (rowsAtMost: number) => Promise<number>
}

export function openAuditLog(
  database: Pick<Transaction, 'query'>,
  statement: (text: string) => Statement,
  sequence: () => Promise<void>,
): AuditLog {
  const readAnchor = statement("SELECT body FROM countersign.short_lived WHERE kind = 'auditAnchor' AND hash = $1")
  // Whoever moves the anchor deletes what lies between, and nobody else. From number to number, since what has gone before lies in the index until it is vacuumed.
  const deleteRows = statement(
    `WITH moved AS (
       UPDATE countersign.short_lived SET body = $3, version = version + 1
       WHERE kind = 'auditAnchor' AND hash = $1 AND version = $2 RETURNING version
     )
     DELETE FROM countersign.audit WHERE number > $4 AND number <= $5 AND EXISTS (SELECT FROM moved)
       AND number < (SELECT number FROM countersign.audit ORDER BY number DESC LIMIT 1) RETURNING number`,
  )
  const readPending = statement(`SELECT pg_is_in_recovery(), ${pendingText('audit')}`)
  const readRows = statement(
    'SELECT number, body, hash FROM countersign.audit WHERE number > $1 ORDER BY number LIMIT $2',
  )
  async function anchor(): Promise<AuditAnchor | undefined> {
    const [row] = await database.query(readAnchor, [auditAnchorHash])
    return row && (JSON.parse(row[0] as string) as AuditAnchor)
  }

  async function read(after: number, limit: number): Promise<readonly StoredAuditRow[]> {
    const [state] = await database.query(readPending, [])
    refuseStandby(state?.[0] ?? null)
    if (state?.[1] === true) await sequence()
    const rows = (await database.query(readRows, [after, limit])).map(([number, body, hash]) => ({
      number: number as number,
      ...(JSON.parse(`{${body as string}}`) as Pick<StoredAuditRow, 'record' | 'sealedPersonal'>),
      hash: (hash as Buffer).toString('base64url'),
    }))
    if (beginsLate(rows, after)) refusePruned(await anchor(), after)
    return rows
  }

  async function deletePruned(rowsAtMost: number): Promise<number> {
    const before = await anchor()
    const next = deletedNext(before, rowsAtMost)
    if (before === undefined || next === undefined) return 0
    const body = bodyOf(next)
    const values = [auditAnchorHash, before.version, body, before.deletedThrough, next.deletedThrough]
    return (await database.query(deleteRows, values)).length
  }

  return { read, deletePruned }
}
