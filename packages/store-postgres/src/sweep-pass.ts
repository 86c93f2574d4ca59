import type { Instant } from '@countersign/core'
import type { Row } from './columns.ts'
import type { Transaction } from './database.ts'
import type { Statement } from './statements.ts'

/** Deletes at most `rowsAtMost` of the rows that `judge` lets go; says how many went. */
export type SweepPass = (rowsAtMost: number, cut: Instant, judge: (row: Row) => boolean) => Promise<number>

/** Rows looked at for each that may go. Most live, and no index says which do not: it would cost every rotation. */
const looksPerRow = 4
const beforeFirst = '00000000-0000-0000-0000-000000000000'
const last = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

/**
 * A pass over a table in the order of its ids, a stretch at a time: each sweep goes on where the last one of this node stopped, and
 * begins anew at the end. `maybe` is a condition over `$3`, the time before which a row must have been over. What is looked at
 * begins with the row's id and version: a row that was written meanwhile stays, and so does one for which `goesIf` does not hold any more.
 */
export function openSweepPass(
  database: Pick<Transaction, 'query'>,
  statement: (text: string) => Statement,
  query: { table: 'family' | 'session'; columns: string; from: string; id: string; maybe: string; goesIf?: string },
): SweepPass {
  const { table, columns, from, id, maybe, goesIf = 'true' } = query
  const readStretchEnd = statement(`SELECT id FROM countersign.${table} WHERE id > $1 ORDER BY id LIMIT 1 OFFSET $2`)
  const readCandidates = statement(
    `SELECT ${columns} FROM ${from}
     WHERE ${id} > $1 AND ${id} <= $2 AND (${maybe}) ORDER BY ${id}`,
  )
  const drop = statement(
    `DELETE FROM countersign.${table} t USING unnest($1::uuid[], $2::integer[]) judged(id, version)
     WHERE t.id = judged.id AND t.version = judged.version AND (${goesIf}) RETURNING t.id`,
  )
  let after = beforeFirst

  return async (rowsAtMost, cut, judge) => {
    if (rowsAtMost <= 0) return 0
    const [stretchEnd] = await database.query(readStretchEnd, [after, rowsAtMost * looksPerRow - 1])
    const end = stretchEnd?.[0] as string | undefined
    const rows = await database.query(readCandidates, [after, end ?? last, cut])
    const over = rows.filter(judge)
    const going = over.slice(0, rowsAtMost)
    after = over.length > rowsAtMost ? (going.at(-1)?.[0] as string) : (end ?? beforeFirst)
    if (going.length === 0) return 0
    return (await database.query(drop, [going.map(([id]) => id), going.map(([, version]) => version)])).length
  }
}
