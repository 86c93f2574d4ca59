import { type Client, declareClient, webOrigins } from '@countersign/core'
import { type Column, parsedOf } from './columns.ts'
import type { Columns, VersionedTable } from './row-writes.ts'
import { askedText } from './statements.ts'

/** The web origins of its redirect URIs are columns too, while it is switched on: CORS asks for one among very many. */
export const clientTable: VersionedTable = {
  name: 'client',
  key: ['id'],
  born: [],
  changing: ['origin', 'expires_at', 'web_origins', 'body'],
}

export function columnsOfClient(client: Client): Columns {
  const { id, version, origin, expiresAt, disabled, redirectUris } = client
  const origins = disabled ? [] : webOrigins(redirectUris)
  return { id, version, origin, expires_at: expiresAt, web_origins: origins, body: bodyOf(client) }
}

/** Those of `$1` that nobody has used yet, held: neither the sweep nor another change takes them until this transaction is through. */
export const unusedClientsText: string = `SELECT c.body FROM ${askedText('id', '$1::text[]')} JOIN countersign.client c USING (id)
  WHERE c.expires_at IS NOT NULL ORDER BY c.id FOR UPDATE OF c`

/** What a session, family or grant was written for has been used. */
export function usedClient(column: Column): Client {
  return { ...clientOf(column), expiresAt: null }
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
