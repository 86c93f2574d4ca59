import type { Authentication, ClaimsRequest, EndReason, Family } from '@countersign/core'
import { readEpochs } from '@countersign/store'
import { byteaOf, type Column, idOf, parsedOf, type Row, uuidOf } from './columns.ts'
import type { Columns, VersionedTable } from './row-writes.ts'
import { namesStoredClient } from './sessions.ts'

/** What `readFamily` takes, of the table under the name `f`. */
export const familyColumns: string = `f.id, f.session_id, f.client_id, f.salt, f.generation, f.rotated_at, f.created_at, f.absolute_end_at,
  f.jkt, f.scope, f.audiences, f.epoch_all, f.epoch_user, f.epoch_client, f.epoch_grant, f.credit_spent_at, f.flagged_at,
  f.ended_at, f.end_reason, f.version, f.claims, f.authentication, f.leaked_at`
export const familyColumnCount = 23

/** `userId` is not in the row: it is the session's. */
export function readFamily(row: Row, offset: number, userId: string): Family {
  const claims = row[offset + 20] as string | null
  const authentication = row[offset + 21] as string | null
  return {
    id: idOf(row[offset] as Column),
    sessionId: idOf(row[offset + 1] as Column),
    userId,
    clientId: row[offset + 2] as string,
    salt: row[offset + 3] as Buffer,
    generation: row[offset + 4] as number,
    rotatedAt: row[offset + 5] as number,
    createdAt: row[offset + 6] as number,
    absoluteEndAt: row[offset + 7] as number,
    jkt: row[offset + 8] as string | null,
    scope: row[offset + 9] as string,
    audiences: parsedOf(row[offset + 10] as Column),
    claims: claims === null ? null : parsedOf<ClaimsRequest>(claims),
    authentication: authentication === null ? null : (JSON.parse(authentication) as Authentication),
    epochs: readEpochs(
      row[offset + 11] as Column,
      row[offset + 12] as Column,
      row[offset + 13] as Column,
      row[offset + 14] as Column,
    ),
    creditSpentAt: row[offset + 15] as number | null,
    flaggedAt: row[offset + 16] as number | null,
    leakedAt: row[offset + 22] as number | null,
    endedAt: row[offset + 17] as number | null,
    endReason: row[offset + 18] as EndReason | null,
    version: row[offset + 19] as number,
  }
}

/** Its session and client are what it was born with, and never change: no rotation touches an index. */
export const familyTable: VersionedTable = {
  name: 'family',
  key: ['id'],
  born: ['session_id', 'client_id'],
  changing: [
    'salt',
    'generation',
    'rotated_at',
    'created_at',
    'absolute_end_at',
    'jkt',
    'scope',
    'audiences',
    'epoch_all',
    'epoch_user',
    'epoch_client',
    'epoch_grant',
    'credit_spent_at',
    'flagged_at',
    'leaked_at',
    'ended_at',
    'end_reason',
    'claims',
    'authentication',
  ],
  insertIf: namesStoredClient,
}

/** Its end alone, over whatever has rotated. */
export const familyEndTable: VersionedTable = {
  name: 'family',
  key: ['id'],
  born: [],
  changing: ['ended_at', 'end_reason'],
  updateIf: 't.ended_at IS NULL',
  anyVersion: true,
}

export function columnsOfFamily(family: Family): Columns {
  const { epochs } = family
  return {
    id: uuidOf(family.id),
    session_id: uuidOf(family.sessionId),
    client_id: family.clientId,
    salt: byteaOf(family.salt),
    generation: family.generation,
    rotated_at: family.rotatedAt,
    created_at: family.createdAt,
    absolute_end_at: family.absoluteEndAt,
    jkt: family.jkt,
    scope: family.scope,
    audiences: JSON.stringify(family.audiences),
    epoch_all: epochs.all,
    epoch_user: epochs.user,
    epoch_client: epochs.client,
    epoch_grant: epochs.grant,
    credit_spent_at: family.creditSpentAt,
    flagged_at: family.flaggedAt,
    leaked_at: family.leakedAt,
    ended_at: family.endedAt,
    end_reason: family.endReason,
    claims: family.claims === null ? null : JSON.stringify(family.claims),
    authentication: family.authentication === null ? null : JSON.stringify(family.authentication),
    version: family.version,
  }
}
