import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import type { Row } from './columns.ts'

/** A prepared read: rows come as arrays. */
export interface Read {
  readonly one: (...values: SQLInputValue[]) => Row | undefined
  readonly all: (...values: SQLInputValue[]) => readonly Row[]
}

export function prepareRead(database: DatabaseSync, sql: string): Read {
  const statement = database.prepare(sql)
  statement.setReturnArrays(true)
  return {
    one: (...values) => statement.get(...values) as unknown as Row | undefined,
    all: (...values) => statement.all(...values) as unknown as readonly Row[],
  }
}

/** True if the statement wrote its row; false if the row is there already or at another version. */
export function wrote(statement: StatementSync, ...values: SQLInputValue[]): boolean {
  return statement.run(...values).changes === 1
}
