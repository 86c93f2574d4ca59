import type { DatabaseSync } from 'node:sqlite'
import type { Identity, ToldPerson, User } from '@countersign/core'
import { inOrderOfLinking } from '@countersign/store'
import { idColumns, idKey, idOf, type Row } from './columns.ts'
import { prepareRead, wrote } from './statements.ts'

export interface Identities {
  /** With the user whose it is, or was last. */
  readonly load: (connection: string, subject: string) => Identity | undefined
  readonly standing: (userId: string) => readonly Identity[]
  readonly put: (identity: Identity) => boolean
  /** Takes out what connections have told and given of a user who was deleted. */
  readonly erase: (user: User) => void
}

/** What `readIdentity` takes, of the tables `identity i` and `user u`. */
export const identityColumns: string = `${idColumns('u.key', 'u.rest')}, i.connection, i.subject, i.linked_at, i.unlinked_at, i.told, i.sealed_tokens, i.version`

export function openIdentities(database: DatabaseSync): Identities {
  const select = `SELECT ${identityColumns} FROM identity i JOIN user u ON u.key = i.user`
  const readOne = prepareRead(database, `${select} WHERE i.connection = ? AND i.subject = ?`)
  const readStanding = prepareRead(database, `${select} WHERE i.user = ? AND i.unlinked_at IS NULL`)
  const insert = database.prepare(
    `INSERT INTO identity (user, linked_at, unlinked_at, told, sealed_tokens, version, connection, subject)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  )
  const update = database.prepare(
    `UPDATE identity SET user = ?, linked_at = ?, unlinked_at = ?, told = ?, sealed_tokens = ?, version = ?
     WHERE connection = ? AND subject = ? AND version = ?`,
  )
  const erase = database.prepare(
    'UPDATE identity SET told = NULL, sealed_tokens = NULL, version = version + 1 WHERE user = ?',
  )
  return {
    load(connection, subject) {
      const row = readOne.one(connection, subject)
      return row && readIdentity(row)
    },
    standing: userId => readStanding.all(idKey(userId)).map(readIdentity).sort(inOrderOfLinking),
    put(identity) {
      const values = [
        idKey(identity.userId),
        identity.linkedAt,
        identity.unlinkedAt,
        identity.told && JSON.stringify(identity.told),
        identity.sealedTokens,
        identity.version + 1,
        identity.connection,
        identity.subject,
      ]
      return identity.version === 0 ? wrote(insert, ...values) : wrote(update, ...values, identity.version)
    },
    erase: user => void erase.run(idKey(user.id)),
  }
}

export function readIdentity(row: Row): Identity {
  const [high = null, low = null, rest = null, connection, subject, linkedAt, unlinkedAt, told, sealed, version] = row
  return {
    connection: connection as string,
    subject: subject as string,
    userId: idOf(high, low, rest),
    linkedAt: linkedAt as number,
    unlinkedAt: unlinkedAt as number | null,
    told: told === null ? null : (JSON.parse(told as string) as ToldPerson),
    sealedTokens: sealed as string | null,
    version: version as number,
  }
}
