import { hash } from 'node:crypto'
import type { AuditAnchor, AuditRecord } from '@countersign/core'
import { canonicalJson } from '@countersign/protocol'
import { AuditPruned, type StoredAuditRow } from './store.ts'

/** The hash before the first row. */
export const firstAuditHash = ''

/** Where the chain ends: the newest row's number and hash. */
export interface AuditHead {
  readonly number: number
  readonly hash: string
}

/** The row that follows `head`: numbered, its hash taken over the previous hash and all of the row. */
export function chainedRow(head: AuditHead, record: AuditRecord, sealedPersonal: string | null): StoredAuditRow {
  const { personal: _sealed, ...kept } = record
  const row = { number: head.number + 1, record: kept, sealedPersonal }
  return { ...row, hash: hashOf(head.hash, row) }
}

/** SHA-256 over the previous hash (32 bytes, none for the first row) ‖ the row in canonical JSON, base64url. */
function hashOf(previous: string, row: Omit<StoredAuditRow, 'hash'>): string {
  const { number, record, sealedPersonal } = row
  const text = Buffer.from(canonicalJson({ number, record, sealedPersonal }))
  return hash('sha256', Buffer.concat([Buffer.from(previous, 'base64url'), text]), 'base64url')
}

/**
 * The number of the first row that does not follow from the one before it (changed, dropped, moved), or `undefined` if the
 * chain is whole. `head` is what precedes `rows`: by default nothing, the beginning of the log.
 */
export function brokenAuditRow(
  rows: readonly StoredAuditRow[],
  head: AuditHead = { number: 0, hash: firstAuditHash },
): number | undefined {
  let { number, hash } = head
  for (const row of rows) {
    if (row.number !== number + 1 || row.hash !== hashOf(hash, row)) return row.number
    number = row.number
    hash = row.hash
  }
  return undefined
}

/** What precedes the first row that a log still has. */
export function headOf(anchor: AuditAnchor | undefined): AuditHead {
  return anchor === undefined ? { number: 0, hash: firstAuditHash } : { number: anchor.number, hash: anchor.rowHash }
}

/** True if the rows that were read after a number do not begin with the next one. */
export function beginsLate(rows: readonly StoredAuditRow[], after: number): boolean {
  const [first] = rows
  return first !== undefined && first.number > after + 1
}

/** Rows that were deleted without an anchor are missing for another reason, and the chain says so. */
export function refusePruned(anchor: AuditAnchor | undefined, after: number): void {
  if (anchor !== undefined && anchor.number > after) throw new AuditPruned(anchor)
}
