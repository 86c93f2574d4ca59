import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type { Write } from '@countersign/core'
import type { Row } from './columns.ts'
import { prepareRead } from './statements.ts'

/** Rows of one table, as they would be written to a store that does not have them: at version 0, but for issuer and key ring. */
export interface TableOfStore {
  readonly name: string
  readonly count: number
  pages(): Iterable<readonly Write[]>
}

/** By what a table is read in order: its primary key, so that no page costs more than another. */
export interface PageKey {
  readonly columns: readonly string[]
  /** What `valuesOf` takes: the first of the columns that are read, and no part of the row. */
  readonly selected: readonly string[]
  readonly valuesOf: (row: Row) => SQLInputValue[]
  /** Before every row. */
  readonly start: readonly SQLInputValue[]
}

const beforeAnyNumber = -(2n ** 63n)

/** Halves of a number that JavaScript cannot hold. */
function halvesOf(column: string): readonly string[] {
  return [`${column} >> 32`, `${column} & 4294967295`]
}

function numberOf([high, low]: Row): bigint {
  return BigInt.asIntN(64, (BigInt(high as number) << 32n) | BigInt(low as number))
}

export function byNumber(column: string): PageKey {
  return {
    columns: [column],
    selected: halvesOf(column),
    valuesOf: row => [numberOf(row)],
    start: [beforeAnyNumber],
  }
}

/** By the number of one row, and of another among those of the first. */
export function byNumbers(first: string, second: string): PageKey {
  return {
    columns: [first, second],
    selected: [...halvesOf(first), second],
    valuesOf: row => [numberOf(row), row[2] as number],
    start: [beforeAnyNumber, beforeAnyNumber],
  }
}

/** By two texts, neither of them empty. */
export function byTexts(first: string, second: string): PageKey {
  return {
    columns: [first, second],
    selected: [first, second],
    valuesOf: row => [row[0] as string, row[1] as string],
    start: ['', ''],
  }
}

export interface TablePages {
  readonly name: string
  /** The first of the tables is the one that is paged through; the joined ones are looked up. */
  readonly from: string
  readonly key: PageKey
  readonly columns: string
  readonly read: (row: Row) => readonly Write[]
}

/** Nothing holds more than a page of rows, however many there are. */
export function openTablePages(
  database: DatabaseSync,
  { name, from, key, columns, read }: TablePages,
  rowsOfPage: number,
): TableOfStore {
  const order = key.columns.join(', ')
  const places = key.columns.map(() => '?').join(', ')
  const page = prepareRead(
    database,
    `SELECT ${key.selected.join(', ')}, ${columns} FROM ${from} WHERE (${order}) > (${places}) ORDER BY ${order} LIMIT ${rowsOfPage}`,
  )
  return {
    name,
    count: Number(prepareRead(database, `SELECT count(*) FROM ${name}`).one()?.[0]),
    *pages() {
      for (let after = key.start; ; ) {
        const rows = page.all(...after)
        const last = rows.at(-1)
        if (last === undefined) return
        yield rows.flatMap(row => read(row.slice(key.selected.length)))
        after = key.valuesOf(last)
      }
    },
  }
}
