import type { DatabaseSync } from 'node:sqlite'
import type { Session } from '@countersign/core'
import { readEpochs } from '@countersign/store'
import type { Clients } from './clients.ts'
import { type Column, idColumns, idKey, idOf, idParts, listOf, type Row, saltOf } from './columns.ts'
import { endReasonNumber, endReasonOf } from './end-reasons.ts'
import { wrote } from './statements.ts'

/** What `readSession` takes, of the table under the name `s`. */
export const sessionColumns: string = `${idColumns('s.key', 's.rest')}, s.client, s.created_at, s.authenticated_at, s.amr, s.device,
  s.ip, hex(s.cookie_salt), s.absolute_end_at, s.epoch_all, s.epoch_user, s.epoch_client, s.epoch_grant, s.ended_at, s.end_reason,
  s.version`
export const sessionColumnCount = 18

/** `userId` is not in the row: only the key of the user's row is. */
export function readSession(row: Row, offset: number, userId: string, clients: Clients): Session {
  const client = row[offset + 3] as number | null
  const createdAt = row[offset + 4] as number
  return {
    id: idOf(row[offset] as Column, row[offset + 1] as Column, row[offset + 2] as Column),
    userId,
    clientId: client === null ? null : (clients.byNumber(client)?.client.id ?? null),
    createdAt,
    authenticatedAt: (row[offset + 5] as number | null) ?? createdAt,
    amr: listOf(row[offset + 6] as Column),
    device: { label: row[offset + 7] as string, ip: row[offset + 8] as string },
    cookieSalt: saltOf(row[offset + 9] as Column),
    absoluteEndAt: row[offset + 10] as number,
    epochs: readEpochs(
      row[offset + 11] as Column,
      row[offset + 12] as Column,
      row[offset + 13] as Column,
      row[offset + 14] as Column,
    ),
    endedAt: row[offset + 15] as number | null,
    endReason: endReasonOf(row[offset + 16] as Column),
    version: row[offset + 17] as number,
  }
}

/** How a session is written. Its user and client are what it was born with, and are never changed. */
export function openSessionWrites(database: DatabaseSync, clients: Clients): (session: Session) => boolean {
  const insert = database.prepare(
    `INSERT INTO session (created_at, authenticated_at, amr, device, ip, cookie_salt, absolute_end_at, epoch_all, epoch_user,
     epoch_client, epoch_grant, ended_at, end_reason, version, key, rest, user, client)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  )
  const update = database.prepare(
    `UPDATE session SET created_at = ?, authenticated_at = ?, amr = ?, device = ?, ip = ?, cookie_salt = ?,
     absolute_end_at = ?, epoch_all = ?, epoch_user = ?, epoch_client = ?, epoch_grant = ?, ended_at = ?, end_reason = ?,
     version = ? WHERE key = ? AND rest = ? AND version = ?`,
  )
  return session => {
    const { key, rest } = idParts(session.id)
    const { epochs } = session
    const values = [
      session.createdAt,
      session.authenticatedAt === session.createdAt ? null : session.authenticatedAt,
      JSON.stringify(session.amr),
      session.device.label,
      session.device.ip,
      session.cookieSalt,
      session.absoluteEndAt,
      epochs.all,
      epochs.user ?? null,
      epochs.client ?? null,
      epochs.grant ?? null,
      session.endedAt,
      endReasonNumber(session.endReason),
      session.version + 1,
      key,
      rest,
    ]
    if (session.version > 0) return wrote(update, ...values, session.version)
    const client = session.clientId === null ? null : clients.use(session.clientId)
    return wrote(insert, ...values, idKey(session.userId), client)
  }
}
