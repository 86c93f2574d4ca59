import type { AuthorizationCode } from '@countersign/core'
import { bodyOf } from './clients.ts'
import { uuidOf } from './columns.ts'
import type { Columns, VersionedTable } from './row-writes.ts'

/**
 * Rows that live for minutes, found by the hash of something that somebody holds: kind and hash are the key, the rest is
 * JSON. What a row stands on is named in columns too, where one load is to bring it along.
 */
export const shortLivedTable: VersionedTable = {
  name: 'short_lived',
  key: ['kind', 'hash'],
  born: [],
  changing: ['expires_at', 'session_id', 'client_id', 'family_id', 'body'],
}

/** A kind is never given another meaning. */
type ShortLivedKind = 'code'

export function columnsOfCode(code: AuthorizationCode): Columns {
  return {
    ...keyColumns('code', code.hash),
    expires_at: code.expiresAt,
    session_id: uuidOf(code.sessionId),
    client_id: code.clientId,
    family_id: code.familyId === null ? null : uuidOf(code.familyId),
    version: code.version,
    body: bodyOf(code),
  }
}

function keyColumns(kind: ShortLivedKind, hash: string): Columns {
  return { kind, hash }
}
