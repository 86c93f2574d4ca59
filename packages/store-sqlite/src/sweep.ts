import type { DatabaseSync } from 'node:sqlite'
import type { Snapshot } from '@countersign/core'
import { familyOverAt, isForgettable, isSessionForgettable, type SweepLimits, sweepShares } from '@countersign/store'
import type { Clients } from './clients.ts'
import { familyColumnCount, familyColumns, readFamily } from './families.ts'
import type { Feed } from './feed.ts'
import { readSession, sessionColumns } from './sessions.ts'
import { openSweepPass } from './sweep-pass.ts'

/** Deletes what can have no effect any more, inside a transaction; says how many rows went. */
export type Sweep = (limits: SweepLimits, snapshot: Snapshot) => number

export function openSweep(database: DatabaseSync, clients: Clients, feed: Feed): Sweep {
  const deleteExpired = database.prepare(
    `DELETE FROM short_lived WHERE (kind, hash) IN
     (SELECT kind, hash FROM short_lived WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)`,
  )
  // What SQL leaves in is judged by the port's own rules; it leaves out what is surely in use.
  const sweepFamilies = openSweepPass(database, {
    table: 'family',
    columns: `${familyColumns}, ${sessionColumns}`,
    from: 'family f JOIN session s ON s.key = f.session',
    key: 'f.key',
    maybe: `f.rotated_at < ?3 OR f.ended_at < ?3 OR s.ended_at < ?3 OR f.absolute_end_at < ?3 OR s.absolute_end_at < ?3`,
  })
  const sweepSessions = openSweepPass(database, {
    table: 'session',
    columns: sessionColumns,
    from: 'session s',
    key: 's.key',
    maybe: 's.created_at < ?3 AND NOT EXISTS (SELECT 1 FROM family f WHERE f.session = s.key)',
  })

  return (limits, snapshot) => {
    const { now, issuer } = snapshot
    const cut = now - limits.keepEndedSeconds * 1000
    // A flood of one kind must not keep the others: each has its share, and what is not needed of it is the next one's.
    const budget = sweepShares(limits.rowsAtMost)
    let gone = Number(deleteExpired.run(now, budget(0, 0)).changes)
    gone += feed.forgetPassed(budget(1, gone))
    gone += sweepFamilies(budget(2, gone), cut, row => {
      // Users' ids are not needed to judge; the join is saved.
      const session = readSession(row, familyColumnCount, '', clients)
      const found = readFamily(row, 0, { sessionId: session.id, userId: '' }, clients)
      const overAt = found && familyOverAt(found.family, { session, client: found.client, issuer })
      const goes = overAt !== undefined && isForgettable(overAt, now, limits)
      return { id: found?.family.id ?? session.id, goes }
    })
    gone += sweepSessions(budget(3, gone), cut, row => {
      const session = readSession(row, 0, '', clients)
      return { id: session.id, goes: isSessionForgettable(session, now, limits) }
    })
    gone += clients.forgetUnused(now, budget(4, gone))
    gone += Number(deleteExpired.run(now, limits.rowsAtMost - gone).changes)
    gone += feed.forgetPassed(limits.rowsAtMost - gone)
    return gone
  }
}
