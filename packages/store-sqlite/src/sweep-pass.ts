import type { DatabaseSync } from 'node:sqlite'
import type { Instant } from '@countersign/core'
import { idKey, type Row } from './columns.ts'
import { prepareRead } from './statements.ts'

/** Deletes at most `rowsAtMost` of the rows that `judge` lets go; says how many went. */
export type SweepPass = (
  rowsAtMost: number,
  cut: Instant,
  judge: (row: Row) => { readonly id: string; readonly goes: boolean },
) => number

/** Rows looked at for each that may go. Most live, and no index says which do not: it would cost every rotation. */
const looksPerRow = 4
const beforeFirst = -(2n ** 63n)
const last = 2n ** 63n - 1n

/**
 * A pass over a table in the order of its keys, a stretch at a time: each sweep goes on where the last one stopped, and
 * begins anew at the end. `maybe` is a condition over `?3`, the time before which a row must have been over.
 */
export function openSweepPass(
  database: DatabaseSync,
  query: { table: 'family' | 'session'; columns: string; from: string; key: string; maybe: string },
): SweepPass {
  const { table, columns, from, key, maybe } = query
  const candidates = prepareRead(
    database,
    `SELECT ${columns} FROM ${from} WHERE ${key} > ?1 AND ${key} <= ?2 AND (${maybe}) ORDER BY ${key}`,
  )
  const stretchEnd = database.prepare(`SELECT key FROM ${table} WHERE key > ? ORDER BY key LIMIT 1 OFFSET ?`)
  stretchEnd.setReadBigInts(true)
  const drop = database.prepare(`DELETE FROM ${table} WHERE key = ?`)
  let after = beforeFirst

  return (rowsAtMost, cut, judge) => {
    if (rowsAtMost <= 0) return 0
    const end = (stretchEnd.get(after, rowsAtMost * looksPerRow - 1) as { key: bigint } | undefined)?.key
    const rows = candidates.all(after, end ?? last, cut)
    after = end ?? beforeFirst
    let gone = 0
    for (const row of rows) {
      const { id, goes } = judge(row)
      if (!goes) continue
      drop.run(idKey(id))
      gone++
      if (gone < rowsAtMost) continue
      after = idKey(id)
      break
    }
    return gone
  }
}
