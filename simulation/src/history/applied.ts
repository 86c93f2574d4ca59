import { type Change, type Instant, isShortLivedWrite, type Write } from '@countersign/core'

/** A change as it was applied, and when, in true time. */
export interface Applied {
  readonly change: Change
  readonly time: number
  /** By the store's clock. */
  readonly storeTime: Instant
  readonly node: string
}

/** The key of a written row among all rows. */
export function rowKeyOf(write: Write): string {
  if (isShortLivedWrite(write)) return `${write.table} ${write.row.hash}`
  switch (write.table) {
    case 'issuer':
    case 'keyRing':
      return write.table
    case 'identity':
      return `identity ${write.row.connection} ${write.row.subject}`
    case 'grant':
      return `grant ${write.row.userId} ${write.row.clientId}`
    default:
      return `${write.table} ${write.row.id}`
  }
}
