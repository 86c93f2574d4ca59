import type { DatabaseSync } from 'node:sqlite'
import { noProfile, type Profile, type User } from '@countersign/core'
import { readRights, storedEmailKey, storedRights } from '@countersign/store'
import { type Column, idColumns, idOf, idParts, type Row, saltOf } from './columns.ts'
import { prepareRead, wrote } from './statements.ts'

/** What `readUser` takes, of the table under the name `u`. */
export const userColumns: string = `${idColumns('u.key', 'u.rest')}, u.email, u.name, u.password_hash, u.disabled_at, u.deleted_at,
  u.created_at, hex(u.seal_salt), u.epoch, u.version, u.email_verified_at, u.profile, u.first_identity, u.rights`

export function readUser(row: Row, offset: number): User {
  return {
    id: idOf(row[offset] as Column, row[offset + 1] as Column, row[offset + 2] as Column),
    email: row[offset + 3] as string | null,
    emailVerifiedAt: row[offset + 12] as number | null,
    name: row[offset + 4] as string | null,
    profile: profileOf(row[offset + 13] as string | null),
    ...readRights(row[offset + 15] as string | null),
    passwordHash: row[offset + 5] as string | null,
    firstIdentity: identityOf(row[offset + 14] as string | null),
    disabledAt: row[offset + 6] as number | null,
    deletedAt: row[offset + 7] as number | null,
    createdAt: row[offset + 8] as number,
    sealSalt: saltOf(row[offset + 9] as Column),
    epoch: row[offset + 10] as number,
    version: row[offset + 11] as number,
  }
}

export interface Users {
  readonly byId: (id: string) => User | undefined
  readonly byEmail: (key: string) => User | undefined
  /** In the order of their ids, after one of them. */
  readonly list: (after: string | undefined, limit: number) => readonly User[]
  readonly sealSalt: (id: string) => Buffer | null
  readonly put: (user: User) => boolean
}

/** Keys are signed, ids are not: whose first bit is set come after the others. */
const [least, greatest] = [-(2n ** 63n), 2n ** 63n - 1n]

export function openUsers(database: DatabaseSync): Users {
  const select = `SELECT ${userColumns} FROM user u`
  const readById = prepareRead(database, `${select} WHERE u.key = ? AND u.rest = ?`)
  const readBetween = prepareRead(database, `${select} WHERE u.key BETWEEN ? AND ? ORDER BY u.key LIMIT ?`)
  const readByEmail = prepareRead(database, `${select} WHERE u.email_key = ?`)
  const readSealSalt = prepareRead(database, 'SELECT hex(seal_salt) FROM user WHERE key = ? AND rest = ?')
  const insert = database.prepare(
    `INSERT INTO user (email, email_key, name, password_hash, disabled_at, deleted_at, created_at, seal_salt, epoch,
     email_verified_at, profile, first_identity, rights, version, key, rest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  )
  // OR IGNORE: an address that another user has leaves the row as it is, which is a conflict.
  const update = database.prepare(
    `UPDATE OR IGNORE user SET email = ?, email_key = ?, name = ?, password_hash = ?, disabled_at = ?, deleted_at = ?,
     created_at = ?, seal_salt = ?, epoch = ?, email_verified_at = ?, profile = ?, first_identity = ?, rights = ?,
     version = ? WHERE key = ? AND rest = ? AND version = ?`,
  )
  // The versions rise, so that nobody who read a session before can write its device again.
  const eraseDevices = database.prepare(`UPDATE session SET device = '', ip = '', version = version + 1 WHERE user = ?`)
  const found = (row: Row | undefined): User | undefined => row && readUser(row, 0)
  return {
    byId(id) {
      const { key, rest } = idParts(id)
      return found(readById.one(key, rest))
    },
    byEmail: key => found(readByEmail.one(key)),
    list(after, limit) {
      const key = after === undefined ? -1n : idParts(after).key
      const isInUpper = after !== undefined && key < 0n
      const lower = isInUpper || key === greatest ? [] : readBetween.all(key + 1n, greatest, limit)
      const upper = readBetween.all(isInUpper ? key + 1n : least, -1n, limit - lower.length)
      return [...lower, ...upper].map(row => readUser(row, 0))
    },
    sealSalt(id) {
      const { key, rest } = idParts(id)
      return saltOf(readSealSalt.one(key, rest)?.[0] ?? '')
    },
    put(user) {
      const { key, rest } = idParts(user.id)
      const values = [
        user.email,
        storedEmailKey(user.email),
        user.name,
        user.passwordHash,
        user.disabledAt,
        user.deletedAt,
        user.createdAt,
        user.sealSalt,
        user.epoch,
        user.emailVerifiedAt,
        storedProfile(user.profile),
        user.firstIdentity && JSON.stringify([user.firstIdentity.connection, user.firstIdentity.subject]),
        storedRights(user),
        user.version + 1,
        key,
        rest,
      ]
      const written = user.version === 0 ? wrote(insert, ...values) : wrote(update, ...values, user.version)
      if (written && user.deletedAt !== null) eraseDevices.run(key)
      return written
    },
  }
}

function identityOf(column: string | null): User['firstIdentity'] {
  if (column === null) return null
  const [connection, subject] = JSON.parse(column) as [string, string]
  return { connection, subject }
}

/** Of most users nothing is known: that costs no byte. */
function storedProfile(profile: Profile): string | null {
  return Object.keys(profile).length === 0 ? null : JSON.stringify(profile)
}

function profileOf(column: string | null): Profile {
  return column === null ? noProfile : (JSON.parse(column) as Profile)
}
