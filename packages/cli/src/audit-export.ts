import type { AuditView } from '@countersign/server'
import { type AuditHead, brokenAuditRow, firstAuditHash } from '@countersign/store'

/** The audit log is not what was written: a row was changed, moved or taken away. */
export class BrokenAuditLog extends Error {
  override readonly name = 'BrokenAuditLog'
}

/**
 * Hands the rows after a number on, a JSON object a line, each checked against the one before it. Returns where the log ends: who notes
 * that elsewhere can later tell whether its end was cut off. Throws `BrokenAuditLog` at the first row that does not fit.
 */
export async function exportAudit(
  read: (after: number) => Promise<readonly AuditView[]>,
  after: number,
  write: (line: string) => Promise<void>,
): Promise<AuditHead> {
  let head: AuditHead = { number: 0, hash: firstAuditHash }
  if (after > 0) head = await rowOf(read, after)
  for (;;) {
    const rows = await read(head.number)
    const last = rows.at(-1)
    if (last === undefined) return head
    const broken = brokenAuditRow(rows, head)
    for (const row of rows) {
      if (row.number === broken) break
      await write(lineOf(row))
    }
    if (broken !== undefined) {
      throw new BrokenAuditLog(`The audit log is broken: row ${broken} does not follow from the one before it.`)
    }
    head = last
  }
}

/** The row as it is chained, and beside it its time as people and tools for logs read it (RFC 3339). */
function lineOf({ number, ...rest }: AuditView): string {
  return `${JSON.stringify({ number, time: new Date(rest.record.time), ...rest })}\n`
}

async function rowOf(read: (after: number) => Promise<readonly AuditView[]>, number: number): Promise<AuditHead> {
  const [row] = await read(number - 1)
  if (row?.number === number) return row
  throw new BrokenAuditLog(`The audit log has no row ${number}.`)
}
