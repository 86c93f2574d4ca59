import type { DatabaseSync } from 'node:sqlite'
import type {
  Client,
  CodeSnapshot,
  DueKind,
  Family,
  FamilySnapshot,
  Grant,
  Identity,
  Instant,
  Issuer,
  KeyRing,
  Session,
  SessionOnlySnapshot,
  SessionSnapshot,
  Snapshot,
  User,
} from '@countersign/core'
import { isId } from '@countersign/core'
import type { Epochs } from '@countersign/protocol'
import {
  type DueSnapshot,
  livingSession,
  newestFirst,
  type SessionWithFamilies,
  type UserPage,
} from '@countersign/store'
import type { Clients } from './clients.ts'
import { type Column, idColumns, idKey, idOf, idParts, type Row } from './columns.ts'
import { familyColumnCount, familyColumns, readFamily } from './families.ts'
import type { Grants } from './grants.ts'
import type { Identities } from './identities.ts'
import type { Single } from './issuer.ts'
import { readSession, sessionColumnCount, sessionColumns } from './sessions.ts'
import type { ShortLivedTable } from './short-lived.ts'
import { prepareRead } from './statements.ts'
import { readUser, type Users, userColumns } from './users.ts'

/** The snapshots. Each is read in one go: nothing else runs in this thread meanwhile, and nobody else writes. */
export interface Reads {
  readonly now: () => Snapshot
  readonly keyRing: () => KeyRing
  readonly client: (clientId: string) => Client | undefined
  readonly clients: Clients
  readonly user: (userId: string) => User | undefined
  readonly users: (page: UserPage) => readonly User[]
  readonly userByEmail: (key: string) => User | undefined
  readonly identity: (connection: string, subject: string) => Identity | undefined
  readonly identitiesOf: (userId: string) => readonly Identity[]
  readonly family: (familyId: string) => FamilySnapshot | undefined
  readonly session: (sessionId: string) => SessionSnapshot | undefined
  readonly sessionOnly: (sessionId: string) => SessionOnlySnapshot | undefined
  readonly code: (hash: string) => CodeSnapshot | undefined
  readonly shortLived: ShortLivedTable['load']
  readonly due: <Kind extends DueKind>(kind: Kind, rowsAtMost: number) => DueSnapshot<Kind>
  readonly grant: (userId: string, clientId: string) => Grant | undefined
  readonly grantsOf: (userId: string) => readonly Grant[]
  readonly sessionsUnder: (userId: string, userEpoch: number) => readonly SessionWithFamilies[]
  readonly sessionsOf: (userId: string) => readonly SessionWithFamilies[]
}

export function openReads(
  database: DatabaseSync,
  parts: {
    issuer: Single<Issuer>
    keyRing: Single<KeyRing>
    clients: Clients
    users: Users
    identities: Identities
    grants: Grants
    shortLived: ShortLivedTable
    clock: () => Instant
  },
): Reads {
  const { clients, users, identities, grants, shortLived } = parts
  const readFamilyRow = prepareRead(
    database,
    `SELECT ${familyColumns}, ${sessionColumns}, ${userColumns} FROM family f JOIN session s ON s.key = f.session
     JOIN user u ON u.key = s.user WHERE f.key = ? AND f.rest = ?`,
  )
  const readSessionRow = prepareRead(
    database,
    `SELECT ${sessionColumns}, ${userColumns} FROM session s JOIN user u ON u.key = s.user WHERE s.key = ? AND s.rest = ?`,
  )
  const readFamilies = prepareRead(database, `SELECT ${familyColumns} FROM family f WHERE f.session = ? ORDER BY f.key`)
  const readSiblings = prepareRead(
    database,
    `SELECT ${familyColumns} FROM family f WHERE f.session = ? AND f.client = ? AND f.ended_at IS NULL ORDER BY f.key`,
  )
  const readSessionsOfUser = prepareRead(database, `SELECT ${sessionColumns} FROM session s WHERE s.user = ?`)

  const readFamiliesOfUser = prepareRead(
    database,
    `SELECT ${familyColumns}, ${idColumns('s.key', 's.rest')} FROM session s JOIN family f ON f.session = s.key WHERE s.user = ? ORDER BY f.key`,
  )
  const sessionOf = (row: Row): string =>
    idOf(row[familyColumnCount] as Column, row[familyColumnCount + 1] as Column, row[familyColumnCount + 2] as Column)

  const readSessionsUnder = prepareRead(
    database,
    `SELECT ${sessionColumns} FROM session s WHERE s.user = ? AND s.epoch_user = ? AND s.ended_at IS NULL`,
  )

  const now = (): Snapshot => ({ now: parts.clock(), issuer: parts.issuer.load() })

  function familiesOf(
    sessionId: string,
    userId: string,
    rows: readonly Row[] = readFamilies.all(idKey(sessionId)),
  ): { family: Family; client: Client; grant: Grant | undefined }[] {
    const found = rows.flatMap(row => readFamily(row, 0, { sessionId, userId }, clients) ?? [])
    return found.map(one => ({ ...one, grant: grantUnder(one.family) }))
  }

  /** The grant that something was authorised under; most is under none, and costs no look. */
  function grantUnder(row: { userId: string; clientId: string; epochs: Epochs }): Grant | undefined {
    return row.epochs.grant === undefined ? undefined : grants.load(row.userId, row.clientId)
  }

  function sessionOnly(sessionId: string): SessionOnlySnapshot | undefined {
    const row = byId(readSessionRow.one, sessionId)
    if (row === undefined) return undefined
    const user = readUser(row, sessionColumnCount)
    return { ...now(), session: readSession(row, 0, user.id, clients), user }
  }

  function session(sessionId: string): SessionSnapshot | undefined {
    const found = sessionOnly(sessionId)
    return found && { ...found, families: familiesOf(sessionId, found.user.id).map(({ family }) => family) }
  }

  function family(familyId: string): FamilySnapshot | undefined {
    const row = byId(readFamilyRow.one, familyId)
    if (row === undefined) return undefined
    const user = readUser(row, familyColumnCount + sessionColumnCount)
    const session = readSession(row, familyColumnCount, user.id, clients)
    const found = readFamily(row, 0, { sessionId: session.id, userId: user.id }, clients)
    const grant = found && grantUnder(found.family)
    return found && { now: parts.clock(), issuer: parts.issuer.load(), ...found, grant, session, user }
  }

  return {
    now,
    keyRing: parts.keyRing.load,
    client: clientId => clients.byId(clientId)?.client,
    clients,
    user: userId => (isId(userId) ? users.byId(userId) : undefined),
    users: ({ after, limit }) => (after === undefined || isId(after) ? users.list(after, limit) : []),
    userByEmail: users.byEmail,
    identity: identities.load,
    identitiesOf: userId => (isId(userId) ? identities.standing(userId) : []),
    family,
    session,
    sessionOnly,
    code(hash) {
      const code = shortLived.load('code', hash)
      const found = code && sessionOnly(code.sessionId)
      const numbered = code && clients.byId(code.clientId)
      if (code === undefined || found === undefined || numbered === undefined) return undefined
      const given = code.familyId === null ? undefined : family(code.familyId)
      const rows = readSiblings.all(idKey(code.sessionId), numbered.number)
      const siblings = familiesOf(code.sessionId, found.user.id, rows).map(one => one.family)
      return { ...found, code, client: numbered.client, grant: grantUnder(code), given, siblings }
    },
    shortLived: shortLived.load,
    due(kind, rowsAtMost) {
      const snapshot = now()
      return { ...snapshot, rows: shortLived.due(kind, snapshot.now, rowsAtMost) }
    },
    grant: (userId, clientId) => (isId(userId) ? grants.load(userId, clientId) : undefined),
    grantsOf: userId => (isId(userId) ? grants.standing(userId) : []),
    sessionsUnder(userId, userEpoch) {
      if (!isId(userId)) return []
      const sessions = readSessionsUnder.all(idKey(userId), userEpoch).map(row => readSession(row, 0, userId, clients))
      return sessions
        .map(session => ({ session, families: familiesOf(session.id, userId).map(({ family }) => family) }))
        .sort(newestFirst)
    },
    sessionsOf(userId) {
      const user = isId(userId) ? users.byId(userId) : undefined
      if (user === undefined) return []
      const snapshot = { ...now(), user }
      const sessions = readSessionsOfUser.all(idKey(userId)).map(row => readSession(row, 0, userId, clients))
      // All families in one read, and none for each session: a user may have hundreds.
      const rows = Map.groupBy(readFamiliesOfUser.all(idKey(userId)), row => sessionOf(row))
      const living = (one: Session) =>
        livingSession(one, familiesOf(one.id, userId, rows.get(one.id) ?? []), snapshot) ?? []
      return sessions.flatMap(living).sort(newestFirst)
    },
  }
}

/** What is no id names no row. */
function byId(read: (key: bigint, rest: Uint8Array) => Row | undefined, id: string): Row | undefined {
  if (!isId(id)) return undefined
  const { key, rest } = idParts(id)
  return read(key, rest)
}
