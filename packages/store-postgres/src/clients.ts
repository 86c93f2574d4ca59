import { type Client, declareClient } from '@countersign/core'
import { type Column, parsedOf } from './columns.ts'
import type { Columns, VersionedTable } from './row-writes.ts'

export const clientTable: VersionedTable = {
  name: 'client',
  key: ['id'],
  foundBy: ['id', 'text'],
  born: [],
  changing: ['body'],
}

export function columnsOfClient(client: Client): Columns {
  return { id: client.id, version: client.version, body: bodyOf(client) }
}

const completed = new WeakMap<Client, Client>()

/** A client out of its JSON; what an earlier version did not know of has its default. */
export function clientOf(column: Column): Client {
  const written = parsedOf<Client>(column)
  const known = completed.get(written)
  if (known !== undefined) return known
  const client = Object.freeze(declareClient(written))
  completed.set(written, client)
  return client
}

/** A row that is kept as JSON, as it will be once it is written. */
export function bodyOf<R extends { readonly version: number }>(row: R): string {
  return JSON.stringify({ ...row, version: row.version + 1 })
}
