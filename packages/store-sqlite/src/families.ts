import type { DatabaseSync } from 'node:sqlite'
import type { Authentication, ClaimsRequest, Client, Family } from '@countersign/core'
import { readEpochs } from '@countersign/store'
import type { Clients } from './clients.ts'
import { bufferOf, type Column, idColumns, idKey, idOf, idParts, listOf, type Row } from './columns.ts'
import { endReasonNumber, endReasonOf } from './end-reasons.ts'
import { wrote } from './statements.ts'

/** What `readFamily` takes, of the table under the name `f`. */
export const familyColumns: string = `${idColumns('f.key', 'f.rest')}, f.client, hex(f.salt), f.generation, f.rotated_at, f.created_at,
  f.absolute_end_at, f.jkt, f.scope, f.audiences, f.epoch_all, f.epoch_user, f.epoch_client, f.epoch_grant, f.credit_spent_at,
  f.flagged_at, f.ended_at, f.end_reason, f.version, f.claims, f.authentication, f.leaked_at`
export const familyColumnCount = 24

/** A family with its client; `undefined` if the client is gone. `sessionId` and `userId` are not in the row. */
export function readFamily(
  row: Row,
  offset: number,
  ids: { sessionId: string; userId: string },
  clients: Clients,
): { family: Family; client: Client } | undefined {
  const numbered = clients.byNumber(row[offset + 3] as number)
  if (numbered === undefined) return undefined
  const { client } = numbered
  const family: Family = {
    id: idOf(row[offset] as Column, row[offset + 1] as Column, row[offset + 2] as Column),
    sessionId: ids.sessionId,
    userId: ids.userId,
    clientId: client.id,
    salt: Buffer.from(row[offset + 4] as string, 'hex'),
    generation: row[offset + 5] as number,
    rotatedAt: row[offset + 6] as number,
    createdAt: row[offset + 7] as number,
    absoluteEndAt: row[offset + 8] as number,
    jkt: jktOf(row[offset + 9] as Column),
    scope: row[offset + 10] as string,
    audiences: listOf(row[offset + 11] as Column),
    claims: jsonOf<ClaimsRequest>(row[offset + 21] as string | null),
    authentication: jsonOf<Authentication>(row[offset + 22] as string | null),
    epochs: readEpochs(
      row[offset + 12] as Column,
      row[offset + 13] as Column,
      row[offset + 14] as Column,
      row[offset + 15] as Column,
    ),
    creditSpentAt: row[offset + 16] as number | null,
    flaggedAt: row[offset + 17] as number | null,
    leakedAt: row[offset + 23] as number | null,
    endedAt: row[offset + 18] as number | null,
    endReason: endReasonOf(row[offset + 19] as Column),
    version: row[offset + 20] as number,
  }
  return { family, client }
}

/** How a family is written. Its session and client are what it was born with, and never change: no rotation touches an index. */
export function openFamilyWrites(database: DatabaseSync, clients: Clients): FamilyWrites {
  const insert = database.prepare(
    `INSERT INTO family (salt, created_at, generation, rotated_at, absolute_end_at, jkt, scope, audiences, epoch_all, epoch_user, epoch_client,
     epoch_grant, credit_spent_at, flagged_at, leaked_at, ended_at, end_reason, claims, authentication, version, key, rest, session, client)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  )
  const update = database.prepare(
    `UPDATE family SET salt = ?, created_at = ?, generation = ?, rotated_at = ?, absolute_end_at = ?, jkt = ?, scope = ?, audiences = ?, epoch_all = ?,
     epoch_user = ?, epoch_client = ?, epoch_grant = ?, credit_spent_at = ?, flagged_at = ?, leaked_at = ?, ended_at = ?, end_reason = ?,
     claims = ?, authentication = ?, version = ? WHERE key = ? AND rest = ? AND version = ?`,
  )
  const endAny = database.prepare(
    'UPDATE family SET ended_at = ?, end_reason = ?, version = version + 1 WHERE key = ? AND rest = ? AND ended_at IS NULL',
  )

  function end({ id, endedAt, endReason }: Family): boolean {
    const { key, rest } = idParts(id)
    return wrote(endAny, endedAt, endReasonNumber(endReason), key, rest)
  }

  function put(family: Family): boolean {
    const { key, rest } = idParts(family.id)
    const { epochs } = family
    const values = [
      family.salt,
      family.createdAt,
      family.generation,
      family.rotatedAt,
      family.absoluteEndAt,
      storedJkt(family.jkt),
      family.scope,
      JSON.stringify(family.audiences),
      epochs.all,
      epochs.user ?? null,
      epochs.client ?? null,
      epochs.grant ?? null,
      family.creditSpentAt,
      family.flaggedAt,
      family.leakedAt,
      family.endedAt,
      endReasonNumber(family.endReason),
      textOf(family.claims),
      textOf(family.authentication),
      family.version + 1,
      key,
      rest,
    ]
    if (family.version > 0) return wrote(update, ...values, family.version)
    const client = clients.use(family.clientId)
    return wrote(insert, ...values, idKey(family.sessionId), client)
  }

  return { put, end }
}

interface FamilyWrites {
  /** At the version that was read. */
  readonly put: (family: Family) => boolean
  /** At any version, if it has not ended. */
  readonly end: (family: Family) => boolean
}

function jsonOf<T>(column: string | null): T | null {
  return column === null ? null : (JSON.parse(column) as T)
}

function textOf(value: object | null): string | null {
  return value === null ? null : JSON.stringify(value)
}

const thumbprintBytes = 32

/** A SHA-256 thumbprint as its bytes; any other text as it is. */
function storedJkt(jkt: string | null): Uint8Array | string | null {
  if (jkt === null) return null
  const bytes = Buffer.from(jkt, 'base64url')
  return bytes.length === thumbprintBytes && bytes.toString('base64url') === jkt ? bytes : jkt
}

function jktOf(column: Column): string | null {
  return column === null || typeof column === 'string' ? column : bufferOf(column).toString('base64url')
}
