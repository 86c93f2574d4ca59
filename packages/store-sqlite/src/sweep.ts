import type { DatabaseSync } from 'node:sqlite'
import type { Instant, Issuer } from '@countersign/core'
import { familyOverAt, isForgettable, isSessionForgettable, type SweepLimits } from '@countersign/store'
import type { Clients } from './clients.ts'
import { idKey } from './columns.ts'
import { familyColumnCount, familyColumns, readFamily } from './families.ts'
import type { Feed } from './feed.ts'
import { readSession, sessionColumnCount, sessionColumns } from './sessions.ts'
import { prepareRead } from './statements.ts'

/** Deletes what can have no effect any more, inside a transaction; says how many rows went. */
export type Sweep = (limits: SweepLimits, at: { now: Instant; issuer: Issuer }) => number

/** Rows looked at for each that may go: a sweep takes up where the last one stopped, and begins anew at the end. */
const looksPerRow = 4
const smallestId = -(2n ** 63n)

export function openSweep(database: DatabaseSync, clients: Clients, feed: Feed): Sweep {
  const deleteCodes = database.prepare(
    'DELETE FROM code WHERE hash IN (SELECT hash FROM code WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)',
  )
  // Ids of users are not needed to judge: any will do, and the join is saved.
  const families = prepareRead(
    database,
    `SELECT ${familyColumns}, ${sessionColumns} FROM family f JOIN session s ON s.key = f.session
     WHERE f.key > ? ORDER BY f.key LIMIT ?`,
  )
  const sessions = prepareRead(
    database,
    `SELECT ${sessionColumns}, EXISTS (SELECT 1 FROM family f WHERE f.session = s.key) FROM session s
     WHERE s.key > ? ORDER BY s.key LIMIT ?`,
  )
  const deleteFamily = database.prepare('DELETE FROM family WHERE key = ?')
  const deleteSession = database.prepare('DELETE FROM session WHERE key = ?')
  let familiesFrom = smallestId
  let sessionsFrom = smallestId

  function sweepFamilies(limits: SweepLimits, at: { now: Instant; issuer: Issuer }, rowsAtMost: number): number {
    const looks = Math.max(1, rowsAtMost * looksPerRow)
    const rows = families.all(familiesFrom, looks)
    familiesFrom = rows.length < looks ? smallestId : familiesFrom
    let gone = 0
    for (const row of rows) {
      if (gone >= rowsAtMost) break
      const session = readSession(row, familyColumnCount, '', clients)
      const found = readFamily(row, 0, { sessionId: session.id, userId: '' }, clients)
      if (found === undefined) continue
      const key = idKey(found.family.id)
      if (rows.length === looks) familiesFrom = key
      const overAt = familyOverAt(found.family, { session, client: found.client, issuer: at.issuer })
      if (!isForgettable(overAt, at.now, limits)) continue
      deleteFamily.run(key)
      gone++
    }
    return gone
  }

  function sweepSessions(limits: SweepLimits, now: Instant, rowsAtMost: number): number {
    const looks = Math.max(1, rowsAtMost * looksPerRow)
    const rows = sessions.all(sessionsFrom, looks)
    sessionsFrom = rows.length < looks ? smallestId : sessionsFrom
    let gone = 0
    for (const row of rows) {
      if (gone >= rowsAtMost) break
      const session = readSession(row, 0, '', clients)
      const key = idKey(session.id)
      if (rows.length === looks) sessionsFrom = key
      if (row[sessionColumnCount] === 1 || !isSessionForgettable(session, now, limits)) continue
      deleteSession.run(key)
      gone++
    }
    return gone
  }

  return (limits, at) => {
    let gone = Number(deleteCodes.run(at.now, limits.rowsAtMost).changes)
    gone += feed.forgetPassed(limits.rowsAtMost - gone)
    gone += sweepFamilies(limits, at, limits.rowsAtMost - gone)
    return gone + sweepSessions(limits, at.now, limits.rowsAtMost - gone)
  }
}
