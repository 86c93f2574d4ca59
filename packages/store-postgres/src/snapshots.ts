import type { Instant, Issuer, Snapshot } from '@countersign/core'
import { StoreUnavailable } from '@countersign/store'
import { type Column, parsedOf, type Row } from './columns.ts'

/*
 * Every load is one statement, so that it sees one moment. It begins with these columns, and `$1` is the time if the caller
 * has a clock of its own (tests), else null. `now()` is when the statement arrived, before it looked: what it sees is never older
 * than the time that it says.
 */

/** The time, as milliseconds. */
export const nowText = 'coalesce($1::bigint, floor(extract(epoch FROM now()) * 1000)::bigint)'

/** What `readSnapshot` takes; the table `issuer` under the name `i`. */
export const snapshotColumns: string = `pg_is_in_recovery(), ${nowText}, i.body`
export const snapshotColumnCount = 3

export function readSnapshot(row: Row | undefined): Snapshot {
  if (row === undefined) throw new StoreUnavailable('the database holds no issuer')
  refuseStandby(row[0] as Column)
  return { now: row[1] as Instant, issuer: parsedOf<Issuer>(row[2] as Column) }
}

/** A standby may be behind: nothing is decided by what it says. */
export function refuseStandby(inRecovery: Column): void {
  if (inRecovery !== false) throw new StoreUnavailable('the database is a standby; decisions need the primary')
}
