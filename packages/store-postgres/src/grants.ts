import type { Grant } from '@countersign/core'
import { type Column, idOf, parsedOf, type Row, uuidOf } from './columns.ts'
import type { Columns, VersionedTable } from './row-writes.ts'
import { namesStoredClient } from './sessions.ts'

/** What `readGrant` takes, of the table under the name `g`. */
export const grantColumns =
  'g.user_id, g.client_id, g.scopes, g.audiences, g.created_at, g.allowed_at, g.withdrawn_at, g.epoch, g.version'
export const grantColumnCount = 9

/** `undefined` where an outer join found none. */
export function readGrant(row: Row, offset: number): Grant | undefined {
  if (row[offset] === null) return undefined
  return {
    userId: idOf(row[offset] as Column),
    clientId: row[offset + 1] as string,
    scopes: parsedOf(row[offset + 2] as Column),
    audiences: parsedOf(row[offset + 3] as Column),
    createdAt: row[offset + 4] as number,
    allowedAt: row[offset + 5] as number,
    withdrawnAt: row[offset + 6] as number | null,
    epoch: row[offset + 7] as number,
    version: row[offset + 8] as number,
  }
}

export const grantTable: VersionedTable = {
  name: 'user_grant',
  key: ['user_id', 'client_id'],
  born: [],
  changing: ['scopes', 'audiences', 'created_at', 'allowed_at', 'withdrawn_at', 'epoch'],
  insertIf: namesStoredClient,
}

export function columnsOfGrant(grant: Grant): Columns {
  return {
    user_id: uuidOf(grant.userId),
    client_id: grant.clientId,
    scopes: JSON.stringify(grant.scopes),
    audiences: JSON.stringify(grant.audiences),
    created_at: grant.createdAt,
    allowed_at: grant.allowedAt,
    withdrawn_at: grant.withdrawnAt,
    epoch: grant.epoch,
    version: grant.version,
  }
}
