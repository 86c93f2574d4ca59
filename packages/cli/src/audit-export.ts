import { type AuditAnchor, tellsOfCut } from '@countersign/core'
import type { AuditView } from '@countersign/server'
import { type AuditHead, brokenAuditRow, headOf } from '@countersign/store'

/** The audit log is not what was written: a row was changed, moved or taken away. */
export class BrokenAuditLog extends Error {
  override readonly name = 'BrokenAuditLog'
}

/** Where to read from, and what is there. */
export interface AuditSource {
  readonly read: (after: number) => Promise<readonly AuditView[]>
  /** If rows were removed from the log. */
  readonly anchor: AuditAnchor | undefined
  /** The row after which to begin; 0: with the first that there is. */
  readonly after: number
}

/** What was exported: behind which row it begins, by which row it is told that those before were removed, and where the log ends. */
export interface ExportedAudit {
  readonly begin: AuditHead
  readonly toldByRow: number | undefined
  readonly end: AuditHead
}

/**
 * Hands the rows after a number on, a JSON object a line, each checked against the one before it. Whoever notes elsewhere where the log ends can later tell whether its end was cut off.
 * Throws `BrokenAuditLog` at the first row that does not fit, and at the end if rows at the beginning are gone and none says that they were removed.
 */
export async function exportAudit(
  { read, anchor, after }: AuditSource,
  write: (line: string) => Promise<void>,
): Promise<ExportedAudit> {
  const begin = await beginning({ read, anchor, after })
  const isFirst = anchor !== undefined && begin.number === anchor.number
  let toldByRow: number | undefined
  let end = begin
  for (;;) {
    const rows = await read(end.number)
    const last = rows.at(-1)
    if (last === undefined) break
    const broken = brokenAuditRow(rows, end)
    for (const row of rows) {
      if (row.number === broken) break
      if (isFirst && tellsOfCut(row.record, begin)) toldByRow = row.number
      await write(lineOf(row))
    }
    if (broken !== undefined) {
      throw new BrokenAuditLog(`The audit log is broken: row ${broken} does not follow from the one before it.`)
    }
    end = last
  }
  if (isFirst && toldByRow === undefined) {
    throw new BrokenAuditLog(
      `The audit log is broken: it begins after row ${begin.number}, and no row says that those before were removed.`,
    )
  }
  return { begin, toldByRow, end }
}

async function beginning({ read, anchor, after }: AuditSource): Promise<AuditHead> {
  const first = headOf(anchor)
  if (after === 0 || after === first.number) return first
  const [row] = await read(after - 1)
  if (row?.number === after) return row
  throw new BrokenAuditLog(`The audit log has no row ${after}.`)
}

/** The row as it is chained, and beside it its time as people and tools for logs read it (RFC 3339). */
function lineOf({ number, ...rest }: AuditView): string {
  return `${JSON.stringify({ number, time: new Date(rest.record.time), ...rest })}\n`
}
