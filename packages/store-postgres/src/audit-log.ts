import type { StoredAuditRow } from '@countersign/store'
import type { Transaction } from './database.ts'
import { pendingText } from './sequencer.ts'
import { refuseStandby } from './snapshots.ts'
import type { Statement } from './statements.ts'

/** The numbered rows. What was committed before the call has its number when it is read. */
export function openAuditLog(
  database: Pick<Transaction, 'query'>,
  statement: (text: string) => Statement,
  sequence: () => Promise<void>,
): (after: number, limit: number) => Promise<readonly StoredAuditRow[]> {
  const readPending = statement(`SELECT pg_is_in_recovery(), ${pendingText('audit')}`)
  const readRows = statement(
    'SELECT number, body, hash FROM countersign.audit WHERE number > $1 ORDER BY number LIMIT $2',
  )
  return async (after, limit) => {
    const [state] = await database.query(readPending, [])
    refuseStandby(state?.[0] ?? null)
    if (state?.[1] === true) await sequence()
    const rows = await database.query(readRows, [after, limit])
    return rows.map(([number, body, hash]) => ({
      number: number as number,
      ...(JSON.parse(`{${body as string}}`) as Pick<StoredAuditRow, 'record' | 'sealedPersonal'>),
      hash: (hash as Buffer).toString('base64url'),
    }))
  }
}
