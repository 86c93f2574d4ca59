import type { AuthorizationCode, ShortLivedWrite } from '@countersign/core'
import { bodyOf } from './clients.ts'
import { uuidOf } from './columns.ts'
import type { Columns, VersionedTable } from './row-writes.ts'

/**
 * Rows that live for minutes, found by the hash of something that somebody holds: kind and hash are the key, the rest is
 * JSON. What a code stands on is named in columns too, so that one statement brings it along.
 */
export const shortLivedTable: VersionedTable = {
  name: 'short_lived',
  key: ['hash', 'kind'],
  born: ['session_id', 'client_id'],
  changing: ['expires_at', 'due_at', 'family_id', 'body'],
}

export function columnsOfShortLived(write: ShortLivedWrite): Columns {
  const { table, row } = write
  const columns = {
    kind: table,
    hash: row.hash,
    expires_at: row.expiresAt,
    due_at: 'dueAt' in row ? row.dueAt : null,
    version: row.version,
    body: bodyOf(row),
  }
  return write.table === 'code' ? { ...columns, ...columnsBehindCode(write.row) } : columns
}

function columnsBehindCode({ sessionId, clientId, familyId }: AuthorizationCode): Columns {
  return {
    session_id: uuidOf(sessionId),
    client_id: clientId,
    family_id: familyId === null ? null : uuidOf(familyId),
  }
}
