import type { Change } from '../change.ts'
import type { Instant } from '../ids.ts'
import type { AuditRecord } from './audit.ts'
import { type AuditAnchor, auditAnchorHash, spanOf, type TimeSpan } from './audit-anchor.ts'

/** Rows that are to go: all up to one of them. */
export interface AuditCut {
  /** The last that goes. It is not the log's last one: numbers would begin anew. */
  readonly last: { readonly number: number; readonly hash: string }
  /** The number before the first that goes. */
  readonly after: number
  /** How many. */
  readonly rows: number
  /** What is older than that was to go. */
  readonly before: Instant
  /** Between which times those lie that a wrong clock has written ahead, as far as they tell of changes. */
  readonly ahead?: TimeSpan | undefined
}

/**
 * Rows younger than that are not removed. What reads the log reads it within seconds; a node that was away for longer finds the sessions that
 * had ended swept by then, and no logout is told so late.
 */
export const auditKeptAtLeastSeconds: number = 7 * 86_400

const never = Number.MAX_SAFE_INTEGER

/** The anchor moves, and the log says so: a log whose beginning somebody has cut off lacks that row. */
export function pruneAudit(
  anchor: AuditAnchor | undefined,
  { last, after, rows, before, ahead }: AuditCut,
  { now, by }: { readonly now: Instant; readonly by?: 'operator' | undefined },
): Change {
  const allAhead = spanOf(anchor?.ahead, ahead)
  const row: AuditAnchor = {
    hash: auditAnchorHash,
    number: last.number,
    rowHash: last.hash,
    prunedAt: now,
    before: Math.max(before, anchor?.before ?? before),
    ...(allAhead && { ahead: allAhead }),
    deletedThrough: anchor?.deletedThrough ?? after,
    expiresAt: never,
    version: anchor?.version ?? 0,
  }
  const facts = { through: last.number, hash: last.hash, rows, before, ...(by && { by }) }
  return {
    writes: [{ table: 'auditAnchor', row }],
    audit: [{ event: 'audit.pruned', time: now, facts }],
    entries: [],
    durable: true,
    time: now,
  }
}

/** Whether a row says that the log was cut off up to this number and hash. */
export function tellsOfCut(record: Omit<AuditRecord, 'personal'>, through: AuditCut['last']): boolean {
  const { event, facts } = record
  return event === 'audit.pruned' && facts?.through === through.number && facts.hash === through.hash
}
