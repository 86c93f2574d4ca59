import type { Client } from '@countersign/core'
import type { Columns, VersionedTable } from './row-writes.ts'

export const clientTable: VersionedTable = { name: 'client', key: ['id'], born: [], changing: ['body'] }

export function columnsOfClient(client: Client): Columns {
  return { id: client.id, version: client.version, body: bodyOf(client) }
}

/** A row that is kept as JSON, as it will be once it is written. */
export function bodyOf<R extends { readonly version: number }>(row: R): string {
  return JSON.stringify({ ...row, version: row.version + 1 })
}
