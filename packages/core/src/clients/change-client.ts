import type { AuditEvent, AuditRecord } from '../audit/audit.ts'
import type { Change } from '../change.ts'
import { epochEntry } from '../revocation/entries.ts'
import type { Snapshot } from '../snapshots.ts'
import type { Client } from './client.ts'

export interface ClientChange {
  readonly event: Extract<AuditEvent, `client.${string}`>
  /** Raises the client's epoch: everything that it was given is dead, here at once and everywhere within the bound. */
  readonly ends?: boolean
  readonly facts?: AuditRecord['facts']
}

/**
 * Writes a client as it is to be, at the version that was read (0: it must not exist). Audited, durable. A longer access token than any before is noted in
 * the same commit: so long must entries of the feed be kept.
 */
export function changeClient({ now, issuer }: Snapshot, client: Client, how: ClientChange): Change {
  const epoch = client.epoch + Number(how.ends ?? false)
  const { accessTokenSeconds } = client.lifetimes
  const isLonger = accessTokenSeconds > issuer.longestAccessTokenSeconds
  const widened = { ...issuer, longestAccessTokenSeconds: accessTokenSeconds }
  return {
    writes: [
      { table: 'client', row: { ...client, epoch } },
      ...(isLonger ? [{ table: 'issuer' as const, row: widened }] : []),
    ],
    audit: [{ event: how.event, time: now, clientId: client.id, ...(how.facts && { facts: how.facts }) }],
    entries: how.ends ? [epochEntry('client', client.id, epoch, now, isLonger ? widened : issuer)] : [],
    durable: true,
    time: now,
  }
}
