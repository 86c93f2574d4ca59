import type { Statement } from './statements.ts'

/** How rows of a table are written; as column → value, for `json_populate_recordset`. */
export type Columns = Readonly<Record<string, unknown>>

/** A table whose rows carry a version. */
export interface VersionedTable {
  readonly name: string
  /** What finds a row, and what it answers with once written. */
  readonly key: readonly string[]
  /** The column of the key that an index finds it by, and its type. */
  readonly foundBy: readonly [column: string, type: 'uuid' | 'text' | 'boolean']
  /** Besides the key, what is fixed when the row is made. */
  readonly born: readonly string[]
  readonly changing: readonly string[]
  /** What must be true of a row `v` to be written, besides its version. */
  readonly insertIf?: string
  readonly updateIf?: string
}

/**
 * The two statements that write a table. `$1`: rows as JSON, with the version that was read; `$2` of an update: what they are found by.
 * Each answers with the keys of what it wrote.
 */
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
 * `from`: what else is looked at for each row that is written. `$2` says nothing new, but that it is few rows: without it the planner takes
 * JSON to be a hundred, and reads a table of some thousand rows from end to end for one of them.
 */
export function updateText({ name, key, foundBy, changing, updateIf = 'true' }: VersionedTable, from = ''): string {
  const [column, type] = foundBy
  return `UPDATE countersign.${name} t SET ${[...changing.map(column => `${column} = v.${column}`), 'version = t.version + 1'].join(', ')}
    FROM ${from} json_populate_recordset(NULL::countersign.${name}, $1::json) v
    WHERE t.${column} = ANY ($2::${type}[]) AND ${key.map(column => `t.${column} = v.${column}`).join(' AND ')} AND t.version = v.version AND (${updateIf})
    RETURNING ${key.map(column => `t.${column}`).join(', ')}`
}

/** The values of an update. */
export function updateValues({ foundBy: [column] }: VersionedTable, rows: readonly Columns[]): readonly unknown[] {
  return [JSON.stringify(rows), rows.map(row => row[column])]
}
