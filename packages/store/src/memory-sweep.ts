import type { Snapshot } from '@countersign/core'
import { familyOverAt, isForgettable, isSessionForgettable } from './liveness.ts'
import type { MemoryFeed } from './memory-feed.ts'
import type { MemoryTables } from './memory-tables.ts'
import type { SweepLimits } from './store.ts'
import { sweepShares } from './sweep-shares.ts'

/** Deletes what can have no effect any more, at most `limits.rowsAtMost` rows, each kind its share. */
export function sweepMemory(tables: MemoryTables, feed: MemoryFeed, snapshot: Snapshot, limits: SweepLimits): number {
  const { now, issuer } = snapshot
  let gone = 0
  const budget = sweepShares(limits.rowsAtMost)
  let end = budget(0, gone)
  const mayGo = (): boolean => gone < end
  const dropExpired = (): void => {
    for (const [key, row] of tables.shortLived) {
      if (!mayGo()) break
      if (row.expiresAt <= now && tables.shortLived.delete(key)) gone++
    }
  }
  dropExpired()
  gone += feed.forgetPassed(budget(1, gone))
  end = gone + budget(2, gone)
  for (const family of tables.families.values()) {
    const session = tables.sessions.get(family.sessionId)
    const client = tables.clients.get(family.clientId)
    if (!mayGo() || session === undefined || client === undefined) continue
    const overAt = familyOverAt(family, { session, client, issuer })
    if (!isForgettable(overAt, now, limits)) continue
    tables.dropFamily(family)
    gone++
  }
  end = gone + budget(3, gone)
  for (const session of tables.sessions.values()) {
    if (!mayGo() || tables.familiesOf(session.id).length > 0) continue
    if (!isSessionForgettable(session, now, limits)) continue
    tables.dropSession(session)
    gone++
  }
  end = gone + budget(4, gone)
  for (const { id, expiresAt } of tables.clients.values()) {
    if (mayGo() && expiresAt !== null && expiresAt <= now && tables.clients.delete(id)) gone++
  }
  end = limits.rowsAtMost
  dropExpired()
  gone += feed.forgetPassed(limits.rowsAtMost - gone)
  return gone
}
