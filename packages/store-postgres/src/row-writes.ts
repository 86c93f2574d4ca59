import type { Statement } from './statements.ts'

/** How rows of a table are written; as column → value, for `json_populate_recordset`. */
export type Columns = Readonly<Record<string, unknown>>

/** A table whose rows carry a version. */
export interface VersionedTable {
  readonly name: string
  /** What finds a row, and what it answers with once written. */
  readonly key: readonly string[]
  /** Besides the key, what is fixed when the row is made. */
  readonly born: readonly string[]
  readonly changing: readonly string[]
  /** What must be true of a row `v` to be written, besides its version. */
  readonly insertIf?: string
  readonly updateIf?: string
  /** True: a row is written whatever its version is by now. */
  readonly anyVersion?: true
}

/** The two statements that write a table. `$1`: rows as JSON, with the version that was read. Each answers with the keys of what it wrote. */
export interface RowWrites {
  readonly insert: Statement
  readonly update: Statement
}

export function openRowWrites(table: VersionedTable, statement: (text: string) => Statement): RowWrites {
  return { insert: statement(insertText(table)), update: statement(updateText(table)) }
}

function insertText({ name, key, born, changing, insertIf = 'true' }: VersionedTable): string {
  const columns = [...key, ...born, ...changing]
  return `INSERT INTO countersign.${name} (${columns.join(', ')}, version)
    SELECT ${columns.map(column => `v.${column}`).join(', ')}, 1
    FROM json_populate_recordset(NULL::countersign.${name}, $1::json) v WHERE v.version = 0 AND (${insertIf})
    ON CONFLICT DO NOTHING RETURNING ${key.join(', ')}`
}

/**
 * `from`: what else is looked at for each row that is written. The versions' range holds for every row: without it the planner takes JSON to be a hundred rows, and
 * reads a table of some thousand from end to end for one of them; with it it takes it for one. So rows are found by their key, whatever the tables have
 * come to hold since the plan was made, and locked in the order in which they are given.
 */
export function updateText(table: VersionedTable, from = ''): string {
  const { name, key, changing, updateIf = 'true', anyVersion = false } = table
  return `UPDATE countersign.${name} t SET ${[...changing.map(column => `${column} = v.${column}`), 'version = t.version + 1'].join(', ')}
    FROM ${from} json_populate_recordset(NULL::countersign.${name}, $1::json) v
    WHERE v.version BETWEEN 1 AND 2147483647 AND ${key.map(column => `t.${column} = v.${column}`).join(' AND ')} AND (${anyVersion} OR t.version = v.version) AND (${updateIf})
    RETURNING ${key.map(column => `t.${column}`).join(', ')}`
}
