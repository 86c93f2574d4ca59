import type { Snapshot } from '@countersign/core'
import { familyOverAt, isForgettable, isSessionForgettable, type SweepLimits, sweepShares } from '@countersign/store'
import { clientOf } from './clients.ts'
import type { Column } from './columns.ts'
import type { Transaction } from './database.ts'
import { familyColumnCount, familyColumns, readFamily } from './families.ts'
import type { Feed } from './feed.ts'
import { readSession, sessionColumnCount, sessionColumns } from './sessions.ts'
import type { Statement } from './statements.ts'
import { openSweepPass } from './sweep-pass.ts'

/** Deletes what can have no effect any more; says how many rows went. */
export type Sweep = (limits: SweepLimits, snapshot: Snapshot) => Promise<number>

/** Id and version, which the pass needs of every row. */
const passColumns = 2

export function openSweep(
  database: Pick<Transaction, 'query'>,
  statement: (text: string) => Statement,
  feed: Pick<Feed, 'forgetPassed'>,
): Sweep {
  const deleteShortLived = statement(
    `DELETE FROM countersign.short_lived k USING (
       SELECT kind, hash FROM countersign.short_lived WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2
     ) over WHERE k.kind = over.kind AND k.hash = over.hash AND k.expires_at <= $1 RETURNING k.hash`,
  )
  // Judged again once the row is held: it may be used at this moment.
  const deleteUnusedClients = statement(
    `DELETE FROM countersign.client c USING (
       SELECT id FROM countersign.client WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2
     ) unused WHERE c.id = unused.id AND c.expires_at <= $1 RETURNING c.id`,
  )
  // What SQL leaves in is judged by the port's own rules; it leaves out what is surely in use.
  const sweepFamilies = openSweepPass(database, statement, {
    table: 'family',
    columns: `f.id, f.version, ${familyColumns}, ${sessionColumns}, c.body`,
    from: 'countersign.family f JOIN countersign.session s ON s.id = f.session_id JOIN countersign.client c ON c.id = f.client_id',
    id: 'f.id',
    maybe:
      'f.rotated_at < $3 OR f.ended_at < $3 OR s.ended_at < $3 OR f.absolute_end_at < $3 OR s.absolute_end_at < $3',
  })
  const sweepSessions = openSweepPass(database, statement, {
    table: 'session',
    columns: `s.id, s.version, ${sessionColumns}`,
    from: 'countersign.session s',
    id: 's.id',
    maybe: 's.created_at < $3 AND NOT EXISTS (SELECT FROM countersign.family f WHERE f.session_id = s.id)',
    goesIf: 'NOT EXISTS (SELECT FROM countersign.family f WHERE f.session_id = t.id)',
  })

  async function forgetUnusedClients(now: number, rowsAtMost: number): Promise<number> {
    return rowsAtMost <= 0 ? 0 : (await database.query(deleteUnusedClients, [now, rowsAtMost])).length
  }

  async function dropExpired(now: number, rowsAtMost: number): Promise<number> {
    return rowsAtMost <= 0 ? 0 : (await database.query(deleteShortLived, [now, rowsAtMost])).length
  }

  return async (limits, { now, issuer }) => {
    const cut = now - limits.keepEndedSeconds * 1000
    // A flood of one kind must not keep the others: each has its share, and what is not needed of it is the next one's.
    const budget = sweepShares(limits.rowsAtMost)
    let gone = await dropExpired(now, budget(0, 0))
    gone += await feed.forgetPassed(now, budget(1, gone))
    gone += await sweepFamilies(budget(2, gone), cut, row => {
      const session = readSession(row, passColumns + familyColumnCount)
      const family = readFamily(row, passColumns, session.userId)
      const client = clientOf(row[passColumns + familyColumnCount + sessionColumnCount] as Column)
      return isForgettable(familyOverAt(family, { session, client, issuer }), now, limits)
    })
    gone += await sweepSessions(budget(3, gone), cut, row =>
      isSessionForgettable(readSession(row, passColumns), now, limits),
    )
    gone += await forgetUnusedClients(now, budget(4, gone))
    gone += await dropExpired(now, limits.rowsAtMost - gone)
    gone += await feed.forgetPassed(now, limits.rowsAtMost - gone)
    return gone
  }
}
