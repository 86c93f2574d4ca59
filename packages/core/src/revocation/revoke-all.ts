import type { AuditRecord } from '../audit/audit.ts'
import type { Change } from '../change.ts'
import type { Issuer } from '../issuer.ts'
import type { Snapshot } from '../snapshots.ts'
import { epochEntry } from './entries.ts'

/**
 * Raises the epoch `all`: every access token is dead, here at once and everywhere within the bound, and logins get new ones at their next refresh.
 * Seconds since 1970 at least: an older history of this store, restored, has given out no epoch as high.
 */
export function revokeAll(
  { now, issuer }: Snapshot,
  reason: 'operator' | 'restored',
  { issuer: more = {}, facts = {} }: { readonly issuer?: Partial<Issuer>; readonly facts?: AuditRecord['facts'] } = {},
): Change {
  const epoch = Math.max(issuer.epoch + 1, Math.floor(now / 1000))
  return {
    writes: [{ table: 'issuer', row: { ...issuer, ...more, epoch } }],
    entries: [epochEntry('all', '', epoch, now, issuer)],
    audit: [{ event: 'all.revoked', time: now, facts: { reason, ...facts } }],
    durable: true,
    time: now,
  }
}

/**
 * What has to be said of a store that went back to a backup: its history is another one from here on (`incarnation`), what lay idle since
 * is not blamed for it, and the refresh rule knows (decision 4). `facts`: what was revoked again.
 */
export function markRestored(snapshot: Snapshot, incarnation: string, facts?: AuditRecord['facts']): Change {
  return revokeAll(snapshot, 'restored', {
    issuer: { incarnation, restoredAt: snapshot.now },
    ...(facts && { facts }),
  })
}
