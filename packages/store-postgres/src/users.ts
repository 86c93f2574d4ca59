import { noProfile, type Profile, type User } from '@countersign/core'
import { readRights, storedEmailKey, storedRights } from '@countersign/store'
import { byteaOf, type Column, idOf, type Row, uuidOf } from './columns.ts'
import type { Columns, VersionedTable } from './row-writes.ts'

/** What `readUser` takes, of the table under the name `u`. */
export const userColumns = `u.id, u.email, u.name, u.password_hash, u.disabled_at, u.deleted_at, u.created_at, u.seal_salt, u.epoch,
  u.version, u.email_verified_at, u.profile, u.first_identity, u.rights`
export const userColumnCount = 14

export function readUser(row: Row, offset: number): User {
  const name = row[offset + 2] as string | null
  const profile = row[offset + 11] as string | null
  const identity = row[offset + 12] as string | null
  return {
    id: idOf(row[offset] as Column),
    email: row[offset + 1] as string | null,
    emailVerifiedAt: row[offset + 10] as number | null,
    name: name === null ? null : (JSON.parse(name) as string),
    profile: profile === null ? noProfile : (JSON.parse(profile) as Profile),
    ...readRights(row[offset + 13] as string | null),
    passwordHash: row[offset + 3] as string | null,
    firstIdentity: identity === null ? null : (JSON.parse(identity) as User['firstIdentity']),
    disabledAt: row[offset + 4] as number | null,
    deletedAt: row[offset + 5] as number | null,
    createdAt: row[offset + 6] as number,
    sealSalt: row[offset + 7] as Buffer | null,
    epoch: row[offset + 8] as number,
    version: row[offset + 9] as number,
  }
}

export const userTable: VersionedTable = {
  name: 'user',
  key: ['id'],
  born: [],
  changing: [
    'email',
    'email_key',
    'name',
    'password_hash',
    'disabled_at',
    'deleted_at',
    'created_at',
    'seal_salt',
    'epoch',
    'email_verified_at',
    'profile',
    'first_identity',
    'rights',
  ],
  // An address that another user has leaves the row as it is, which is a conflict. Two who take it at once: the index decides.
  updateIf: 'NOT EXISTS (SELECT FROM countersign.user o WHERE o.email_key = v.email_key AND o.id <> v.id)',
}

/** The name is kept as JSON: it may hold what PostgreSQL's text cannot. Of most users nothing more is known: that costs no byte. */
export function columnsOfUser(user: User): Columns {
  return {
    id: uuidOf(user.id),
    email: user.email,
    email_key: storedEmailKey(user.email),
    name: user.name === null ? null : JSON.stringify(user.name),
    password_hash: user.passwordHash,
    disabled_at: user.disabledAt,
    deleted_at: user.deletedAt,
    created_at: user.createdAt,
    seal_salt: byteaOf(user.sealSalt),
    epoch: user.epoch,
    email_verified_at: user.emailVerifiedAt,
    profile: Object.keys(user.profile).length === 0 ? null : JSON.stringify(user.profile),
    first_identity: user.firstIdentity === null ? null : JSON.stringify(user.firstIdentity),
    rights: storedRights(user),
    version: user.version,
  }
}

/** The versions rise, so that nobody who read a session before can write its device again. In the order of ids, as everybody locks them. */
export const eraseDevicesText: string = `WITH own AS MATERIALIZED (
    SELECT id FROM countersign.session WHERE user_id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE)
  UPDATE countersign.session s SET device = '{"label":"","ip":""}', version = s.version + 1 FROM own WHERE s.id = own.id`
