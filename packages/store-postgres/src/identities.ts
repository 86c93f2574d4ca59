import type { Identity, ToldPerson } from '@countersign/core'
import { type Column, idOf, type Row, uuidOf } from './columns.ts'
import type { Columns, VersionedTable } from './row-writes.ts'

/** What `readIdentity` takes, of the table under the name `d`. */
export const identityColumns =
  'd.user_id, d.connection, d.subject, d.linked_at, d.unlinked_at, d.told, d.sealed_tokens, d.version'
export const identityColumnCount = 8

/** `undefined` where an outer join found none. */
export function readIdentity(row: Row, offset: number): Identity | undefined {
  if (row[offset] === null) return undefined
  const told = row[offset + 5] as string | null
  return {
    userId: idOf(row[offset] as Column),
    connection: row[offset + 1] as string,
    subject: row[offset + 2] as string,
    linkedAt: row[offset + 3] as number,
    unlinkedAt: row[offset + 4] as number | null,
    told: told === null ? null : (JSON.parse(told) as ToldPerson),
    sealedTokens: row[offset + 6] as string | null,
    version: row[offset + 7] as number,
  }
}

export const identityTable: VersionedTable = {
  name: 'identity',
  key: ['connection', 'subject'],
  born: [],
  changing: ['user_id', 'linked_at', 'unlinked_at', 'told', 'sealed_tokens'],
}

export function columnsOfIdentity(identity: Identity): Columns {
  return {
    connection: identity.connection,
    subject: identity.subject,
    user_id: uuidOf(identity.userId),
    linked_at: identity.linkedAt,
    unlinked_at: identity.unlinkedAt,
    told: identity.told === null ? null : JSON.stringify(identity.told),
    sealed_tokens: identity.sealedTokens,
    version: identity.version,
  }
}

/** What connections have told and given of users who were deleted. The versions rise, so that nobody who read it before can write it again. */
export const eraseIdentitiesText: string = `WITH own AS MATERIALIZED (
    SELECT connection, subject FROM countersign.identity WHERE user_id = ANY ($1::uuid[])
    ORDER BY connection, subject FOR NO KEY UPDATE)
  UPDATE countersign.identity d SET told = NULL, sealed_tokens = NULL, version = d.version + 1 FROM own
  WHERE d.connection = own.connection AND d.subject = own.subject`
