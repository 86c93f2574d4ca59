import type { EndReason, Session } from '@countersign/core'
import { readEpochs } from '@countersign/store'
import { byteaOf, type Column, idOf, parsedOf, type Row, uuidOf } from './columns.ts'
import type { Columns, VersionedTable } from './row-writes.ts'

/** What `readSession` takes, of the table under the name `s`. */
export const sessionColumns: string = `s.id, s.user_id, s.client_id, s.created_at, s.authenticated_at, s.amr, s.device,
  s.cookie_salt, s.absolute_end_at, s.epoch_all, s.epoch_user, s.epoch_client, s.epoch_grant, s.ended_at, s.end_reason, s.version`
export const sessionColumnCount = 16

export function readSession(row: Row, offset: number): Session {
  return {
    id: idOf(row[offset] as Column),
    userId: idOf(row[offset + 1] as Column),
    clientId: row[offset + 2] as string | null,
    createdAt: row[offset + 3] as number,
    authenticatedAt: row[offset + 4] as number,
    amr: parsedOf(row[offset + 5] as Column),
    device: JSON.parse(row[offset + 6] as string) as Session['device'],
    cookieSalt: row[offset + 7] as Buffer | null,
    absoluteEndAt: row[offset + 8] as number,
    epochs: readEpochs(
      row[offset + 9] as Column,
      row[offset + 10] as Column,
      row[offset + 11] as Column,
      row[offset + 12] as Column,
    ),
    endedAt: row[offset + 13] as number | null,
    endReason: row[offset + 14] as EndReason | null,
    version: row[offset + 15] as number,
  }
}

/** True if the row has the client that it names, or names none. */
export const namesStoredClient =
  'v.client_id IS NULL OR EXISTS (SELECT FROM countersign.client c WHERE c.id = v.client_id)'

/** Its user and client are what it was born with, and are never changed. */
export const sessionTable: VersionedTable = {
  name: 'session',
  key: ['id'],
  born: ['user_id', 'client_id'],
  changing: [
    'created_at',
    'authenticated_at',
    'amr',
    'device',
    'cookie_salt',
    'absolute_end_at',
    'epoch_all',
    'epoch_user',
    'epoch_client',
    'epoch_grant',
    'ended_at',
    'end_reason',
  ],
  insertIf: namesStoredClient,
}

export function columnsOfSession(session: Session): Columns {
  const { epochs } = session
  return {
    id: uuidOf(session.id),
    user_id: uuidOf(session.userId),
    client_id: session.clientId,
    created_at: session.createdAt,
    authenticated_at: session.authenticatedAt,
    amr: JSON.stringify(session.amr),
    device: JSON.stringify(session.device),
    cookie_salt: byteaOf(session.cookieSalt),
    absolute_end_at: session.absoluteEndAt,
    epoch_all: epochs.all,
    epoch_user: epochs.user,
    epoch_client: epochs.client,
    epoch_grant: epochs.grant,
    ended_at: session.endedAt,
    end_reason: session.endReason,
    version: session.version,
  }
}
