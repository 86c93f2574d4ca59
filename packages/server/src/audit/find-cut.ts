import { type AuditCut, type Instant, spanOf, type TimeSpan } from '@countersign/core'
import type { Store } from '@countersign/store'
import { tellsOfChange } from '../restore/find-newest.ts'

/** A cut, and what is known of what goes. */
export interface FoundCut extends AuditCut {
  /** When the last row that goes was written, by itself. */
  readonly time: Instant
  /** False: all that goes are words of cuts before. */
  readonly takesMore: boolean
}

const rowsAtOnce = 1_000

/**
 * The rows from a number on that are older than a time, up to the first that is not: the log is in the order of its numbers, and nearly in that of time. What a restore has
 * revoked again stands behind younger rows, and goes when they do. A row from the future was written by a clock that was wrong: it goes with those around it.
 *
 * The newest row of the log never goes: numbers go on from it.
 */
export async function findCut(
  store: Store,
  where: { readonly after: number; readonly before: Instant; readonly now: Instant; readonly rowsAtMost?: number },
): Promise<FoundCut | undefined> {
  const { before, now, rowsAtMost = Number.POSITIVE_INFINITY } = where
  let found: FoundCut | undefined
  let seen = 0
  let others = false
  let first: number | undefined
  let ahead: TimeSpan | undefined
  /** Old, and not known to be followed by any. */
  let candidate: FoundCut | undefined
  for (let after = where.after; ; ) {
    const rows = await store.readAudit(after, rowsAtOnce)
    if (rows.length === 0) return found
    for (const { number, hash, record } of rows) {
      found = candidate ?? found
      candidate = undefined
      const { time } = record
      const isYoung = time >= before && time <= now
      if (isYoung || seen >= rowsAtMost) return found
      seen++
      first ??= number
      if (time > now && tellsOfChange(record)) ahead = spanOf(ahead, { from: time, through: time })
      others ||= record.event !== 'audit.pruned'
      if (time < before)
        candidate = {
          last: { number, hash },
          after: first - 1,
          rows: seen,
          before,
          ahead,
          time,
          takesMore: others,
        }
      after = number
    }
  }
}
