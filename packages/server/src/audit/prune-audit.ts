import { type AuditAnchor, auditAnchorHash, auditKeptAtLeastSeconds, type Instant, pruneAudit } from '@countersign/core'
import { type Refusal, refuse } from '@countersign/protocol'
import { AuditPruned, type Store } from '@countersign/store'
import type { Services } from '../services.ts'
import { decideAndCommit } from '../sign-in/decide-and-commit.ts'
import { findCut } from './find-cut.ts'

/** Until when: a moment (milliseconds since 1970), or so many days ago. */
export type WantedCut = { readonly before: Instant } | { readonly days: number }

/** What was removed, or would be. Times are RFC 3339. */
export interface PrunedAudit {
  readonly dry_run: boolean
  readonly before: string
  /** How many; 0: none is as old. */
  readonly rows: number
  /** The last of them: its number, its hash, when it was written. */
  readonly through?: number
  readonly hash?: string
  readonly time?: string
}

export async function loadAnchor(store: Store): Promise<AuditAnchor | undefined> {
  return (await store.loadShortLived('auditAnchor', auditAnchorHash))?.row
}

/** By an operator: moves the anchor behind all that is older. What lies before it is deleted afterwards, some at a time. */
export function pruneAuditLog(
  services: Pick<Services, 'store'>,
  wanted: WantedCut,
  { isDryRun = false }: { readonly isDryRun?: boolean } = {},
): Promise<PrunedAudit | Refusal> {
  const { store } = services
  return decideAndCommit(services, async () => {
    const { now } = await store.loadIssuer()
    const before = 'before' in wanted ? wanted.before : now - Math.round(wanted.days * 86_400_000)
    const refusal = refuseCut(before, now)
    if (refusal) return refusal
    const anchor = await loadAnchor(store)
    const cut = await findCut(store, { after: anchor?.number ?? 0, before, now })
    const asked = { dry_run: isDryRun, before: timeText(before) }
    if (cut === undefined) return { result: { ...asked, rows: 0 } }
    const { rows, last, time } = cut
    const result = { ...asked, rows, through: last.number, hash: last.hash, time: timeText(time) }
    return isDryRun ? { result } : { result, change: pruneAudit(anchor, cut, { now, by: 'operator' }) }
  })
}

function refuseCut(before: Instant, now: Instant): Refusal | undefined {
  if (before > now) return refuse('parameter_invalid', { detail: 'before: That is in the future.' })
  if (before <= now - auditKeptAtLeastSeconds * 1000) return undefined
  const detail = `before: Rows of the last ${auditKeptAtLeastSeconds / 86_400} days stay: nodes that were away, their journals and logouts may need them.`
  return refuse('parameter_invalid', { detail })
}

function timeText(time: Instant): string {
  return new Date(time).toISOString()
}

const dayMs = 86_400_000
const rowsOfCutAtMost = 10_000

/** By the sweep: what is older than so long goes. */
export interface AuditRetention {
  /** One step; true: there may be more to do at once. */
  step(now: Instant): Promise<boolean>
}

/**
 * Once a day, at the first look after midnight (UTC), since each cut writes a row itself: a log that was cut off at each look would never become shorter. A log in which nothing
 * but cuts is old stays as it is. Many nodes may do so at once: one of them moves the anchor.
 */
export function createAuditRetention(store: Store, keepSeconds: number): AuditRetention {
  /** Everything up to then is done with, as far as this node knows. */
  let doneBefore = Number.NEGATIVE_INFINITY
  return {
    async step(now) {
      const before = Math.floor((now - keepSeconds * 1000) / dayMs) * dayMs
      if (before <= doneBefore) return false
      const anchor = await loadAnchor(store)
      try {
        const cut = await findCut(store, { after: anchor?.number ?? 0, before, now, rowsAtMost: rowsOfCutAtMost })
        if (cut?.takesMore) {
          // Lost to another node: that one has done it.
          await store.commit(pruneAudit(anchor, cut, { now }))
          return true
        }
      } catch (error) {
        // Another node was first, and has deleted them by now.
        if (error instanceof AuditPruned) return true
        throw error
      }
      doneBefore = before
      return false
    },
  }
}
