import { hashCode, type ShortLived } from '../grant-types/short-lived-row.ts'
import type { Instant } from '../ids.ts'

/** The audit log's first rows were removed, up to this one: the log goes on behind it. There is one at most, kept for good: its `expiresAt` never comes. */
export interface AuditAnchor extends ShortLived {
  /** The last row that was removed. */
  readonly number: number
  /** Its hash, over which that of the next row is taken. */
  readonly rowHash: string
  readonly prunedAt: Instant
  /** What was older was to go: the latest of all cuts. */
  readonly before: Instant
  /** Removed rows of changes that a wrong clock had written ahead lay between these times, inclusive. */
  readonly ahead?: TimeSpan
  /** So far the rows are deleted. Those from here to `number` are removed all the same: whoever sweeps deletes them, some at a time. */
  readonly deletedThrough: number
}

export interface TimeSpan {
  readonly from: Instant
  readonly through: Instant
}

/** Whether a row of that time may have been among those that are gone. */
export function mayBeRemoved({ before, ahead }: AuditAnchor, time: Instant): boolean {
  return time < before || (ahead !== undefined && time >= ahead.from && time <= ahead.through)
}

export function spanOf(one: TimeSpan | undefined, other: TimeSpan | undefined): TimeSpan | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return { from: Math.min(one.from, other.from), through: Math.max(one.through, other.through) }
}

/** By which the anchor is found. */
export const auditAnchorHash: string = hashCode('audit anchor')

/** The anchor once the next rows are deleted, at most so many; `undefined`: there are none. */
export function deletedNext(anchor: AuditAnchor | undefined, rowsAtMost: number): AuditAnchor | undefined {
  if (anchor === undefined || rowsAtMost < 1 || anchor.deletedThrough >= anchor.number) return undefined
  return { ...anchor, deletedThrough: Math.min(anchor.deletedThrough + rowsAtMost, anchor.number) }
}
