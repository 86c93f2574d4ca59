import type { FeedEntry } from '@countersign/protocol'
import type { AuditRecord } from './audit/audit.ts'
import type { Client } from './clients/client.ts'
import { isShortLived, type ShortLivedKind, type ShortLivedRows } from './grant-types/short-lived.ts'
import type { Grant } from './grants/grant.ts'
import type { Instant } from './ids.ts'
import type { Issuer } from './issuer.ts'
import type { KeyRing } from './keys/key-ring.ts'
import type { Family, Session } from './sessions/session.ts'
import type { Identity, User } from './users/user.ts'

/**
 * One row to write. `row.version` is the version that was read: the store applies the write only if the stored
 * version still equals it, and stores `version + 1`. Version 0: the row must not exist yet, which also makes e-mail
 * addresses and identities unique.
 */
export type Write =
  | { readonly table: 'issuer'; readonly row: Issuer }
  | { readonly table: 'keyRing'; readonly row: KeyRing }
  | { readonly table: 'client'; readonly row: Client }
  | { readonly table: 'user'; readonly row: User }
  | { readonly table: 'identity'; readonly row: Identity }
  | { readonly table: 'session'; readonly row: Session }
  | FamilyWrite
  | { readonly table: 'grant'; readonly row: Grant }
  | ShortLivedWrite

/**
 * `endsOnly`: of a row that is there, its end alone is written, over whatever was rotated since it was read; `'conflict'` if it has ended. What an end is decided by no rotation
 * changes, and who rotates all the time would keep a versioned one from being made.
 */
export interface FamilyWrite {
  readonly table: 'family'
  readonly row: Family
  readonly endsOnly?: true
}

/** A row that lives for minutes; the table is its kind. */
export type ShortLivedWrite = {
  [Kind in ShortLivedKind]: { readonly table: Kind; readonly row: ShortLivedRows[Kind] }
}[ShortLivedKind]

export function isShortLivedWrite(write: Write): write is ShortLivedWrite {
  return isShortLived(write.table)
}

/** What a decision wants to be true afterwards: all of it or nothing. */
export interface Change {
  readonly writes: readonly Write[]
  readonly audit: readonly AuditRecord[]
  readonly entries: readonly FeedEntry[]
  /** True: on disk before the answer. False (a rotation): may be forgotten by a crash, and row 4 repairs it. */
  readonly durable: boolean
  /** The time of the decision, by the store's clock. */
  readonly time: Instant
}

/** Several changes as one: durable if any is. */
export function combine(first: Change, ...others: readonly Change[]): Change {
  return others.reduce<Change>(
    (all, one) => ({
      writes: [...all.writes, ...one.writes],
      audit: [...all.audit, ...one.audit],
      entries: [...all.entries, ...one.entries],
      durable: all.durable || one.durable,
      time: all.time,
    }),
    first,
  )
}
