import type { DatabaseSync } from 'node:sqlite'
import type { Grant } from '@countersign/core'
import { latestFirst } from '@countersign/store'
import type { Clients } from './clients.ts'
import { type Column, idKey, listOf, type Row } from './columns.ts'
import { prepareRead, wrote } from './statements.ts'

export interface Grants {
  readonly load: (userId: string, clientId: string) => Grant | undefined
  readonly standing: (userId: string) => readonly Grant[]
  readonly put: (grant: Grant) => boolean
}

export function openGrants(database: DatabaseSync, clients: Clients): Grants {
  const columns = 'client, scopes, audiences, created_at, allowed_at, withdrawn_at, epoch, version'
  const readOne = prepareRead(database, `SELECT ${columns} FROM user_grant WHERE user = ? AND client = ?`)
  const readStanding = prepareRead(
    database,
    `SELECT ${columns} FROM user_grant WHERE user = ? AND withdrawn_at IS NULL ORDER BY client`,
  )
  const insert = database.prepare(
    `INSERT INTO user_grant (scopes, audiences, created_at, allowed_at, withdrawn_at, epoch, version, user, client)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  )
  const update = database.prepare(
    `UPDATE user_grant SET scopes = ?, audiences = ?, created_at = ?, allowed_at = ?, withdrawn_at = ?, epoch = ?,
     version = ? WHERE user = ? AND client = ? AND version = ?`,
  )

  function read(row: Row | undefined, userId: string): Grant | undefined {
    const client = row && clients.byNumber(row[0] as number)?.client
    if (row === undefined || client === undefined) return undefined
    return {
      userId,
      clientId: client.id,
      scopes: listOf(row[1] as Column),
      audiences: listOf(row[2] as Column),
      createdAt: row[3] as number,
      allowedAt: row[4] as number,
      withdrawnAt: row[5] as number | null,
      epoch: row[6] as number,
      version: row[7] as number,
    }
  }

  return {
    load(userId, clientId) {
      const number = clients.byId(clientId)?.number
      return number === undefined ? undefined : read(readOne.one(idKey(userId), number), userId)
    },
    standing: userId =>
      readStanding
        .all(idKey(userId))
        .flatMap(row => read(row, userId) ?? [])
        .sort(latestFirst),
    put(grant) {
      const values = [
        JSON.stringify(grant.scopes),
        JSON.stringify(grant.audiences),
        grant.createdAt,
        grant.allowedAt,
        grant.withdrawnAt,
        grant.epoch,
        grant.version + 1,
        idKey(grant.userId),
        clients.use(grant.clientId),
      ]
      return grant.version === 0 ? wrote(insert, ...values) : wrote(update, ...values, grant.version)
    },
  }
}
