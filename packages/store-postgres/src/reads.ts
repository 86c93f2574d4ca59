import {
  type AuthorizationCode,
  type Client,
  type ClientOrigin,
  type CodeSnapshot,
  type DueKind,
  type Family,
  type FamilySnapshot,
  type Grant,
  type GrantSnapshot,
  type Identity,
  type IdentitySnapshot,
  type Instant,
  isId,
  type KeyRing,
  type SessionOnlySnapshot,
  type SessionSnapshot,
  type ShortLivedRows,
  type User,
  type UserSnapshot,
} from '@countersign/core'
import type { Epochs } from '@countersign/protocol'
import {
  type ClientPage,
  type ClientSnapshot,
  type DueSnapshot,
  type IssuerSnapshot,
  inOrderOfLinking,
  latestFirst,
  livingSession,
  newestFirst,
  type OtherShortLivedKind,
  type SessionWithFamilies,
  type ShortLivedSnapshot,
  standingGrant,
  type UserPage,
} from '@countersign/store'
import { clientOf } from './clients.ts'
import { type ClockWatch, openClockWatch } from './clock-watch.ts'
import { type Column, canBeStored, parsedOf, type Row, uuidOf } from './columns.ts'
import type { Transaction } from './database.ts'
import { readFamily } from './families.ts'
import { readGrant } from './grants.ts'
import { identityColumnCount, readIdentity } from './identities.ts'
import { clientAt, grantAt, loginEnd, openReadStatements, sessionAt, userAt } from './read-statements.ts'
import { readSession } from './sessions.ts'
import { readSnapshot, snapshotColumnCount } from './snapshots.ts'
import type { Statement } from './statements.ts'
import { readUser, userColumnCount } from './users.ts'

/** How a connection names a user. */
export interface AskedIdentity {
  readonly connection: string
  readonly subject: string
}

/** The snapshots. Each is one statement on the primary. */
export interface Reads {
  readonly issuer: () => Promise<IssuerSnapshot>
  readonly clients: (page: ClientPage) => Promise<readonly Client[]>
  readonly clientCount: (origin: ClientOrigin) => Promise<number>
  readonly knowsWebOrigin: (origin: string) => Promise<boolean>
  readonly users: (page: UserPage) => Promise<readonly User[]>
  readonly userByEmail: (key: string) => Promise<UserSnapshot>
  readonly identitiesOf: (userId: string) => Promise<readonly Identity[]>
  readonly code: (hash: string) => Promise<CodeSnapshot | undefined>
  readonly shortLived: <Kind extends OtherShortLivedKind>(
    kind: Kind,
    hash: string,
  ) => Promise<ShortLivedSnapshot<Kind> | undefined>
  readonly grant: (userId: string, clientId: string) => Promise<GrantSnapshot>
  readonly grantsOf: (userId: string) => Promise<readonly Grant[]>
  readonly due: <Kind extends DueKind>(kind: Kind, rowsAtMost: number) => Promise<DueSnapshot<Kind>>
  readonly sessionsUnder: (userId: string, userEpoch: number) => Promise<readonly SessionWithFamilies[]>
  /** Many at once, by ids that are ids; in their order. */
  readonly clientsById: (clientIds: readonly string[]) => Promise<(ClientSnapshot | undefined)[]>
  readonly families: (familyIds: readonly string[]) => Promise<(FamilySnapshot | undefined)[]>
  readonly usersById: (userIds: readonly string[]) => Promise<UserSnapshot[]>
  readonly usersByIdentity: (asked: readonly AskedIdentity[]) => Promise<IdentitySnapshot[]>
  readonly sessionsOfUsers: (userIds: readonly string[]) => Promise<(readonly SessionWithFamilies[])[]>
  readonly sessions: (sessionIds: readonly string[]) => Promise<(SessionSnapshot | undefined)[]>
  readonly sessionsOnly: (sessionIds: readonly string[]) => Promise<(SessionOnlySnapshot | undefined)[]>
}

/** A statement whose second column is the time (`snapshotColumns`): where that is no time to decide by, its rows are none. */
function asking(
  database: Pick<Transaction, 'query'>,
  clock: () => Instant | null,
  watch: ClockWatch,
): (which: Statement, ...values: readonly unknown[]) => Promise<readonly Row[]> {
  return async (which, ...values) => {
    const answered = watch()
    const rows = await database.query(which, [clock(), ...values])
    const wrong = rows[0] && answered(rows[0][1] as Instant)
    if (wrong !== undefined) throw wrong
    return rows
  }
}

export function openReads(
  database: Pick<Transaction, 'query'>,
  statement: (text: string) => Statement,
  clock: () => Instant | null,
  watch: ClockWatch = openClockWatch(undefined),
): Reads {
  const sql = openReadStatements(statement)
  const query = asking(database, clock, watch)

  async function userSnapshot(which: Statement, ...values: readonly (string | null)[]): Promise<UserSnapshot> {
    // What cannot be stored names nobody; the time and the issuer are asked for all the same.
    const [row] = await query(which, ...values.map(value => (value !== null && canBeStored(value) ? value : null)))
    const snapshot = readSnapshot(row)
    return { ...snapshot, user: row && hasRow(row, sessionAt) ? readUser(row, sessionAt) : undefined }
  }

  /** Answers in the order of the questions; all rows are of one statement, so of one moment. */
  async function inOrder<T>(
    which: Statement,
    ids: readonly string[],
    placeAt: number,
    read: (row: Row) => T,
  ): Promise<(T | undefined)[]> {
    const rows = await query(which, ids.map(uuidOf))
    readSnapshot(rows[0])
    const byPlace = new Map(rows.map(row => [row[placeAt], row]))
    return ids.map((_, index) => {
      const row = byPlace.get(index + 1)
      return row && hasRow(row, sessionAt) && hasRow(row, userAt) ? read(row) : undefined
    })
  }

  function readLogin(row: Row): SessionOnlySnapshot {
    return { ...readSnapshot(row), session: readSession(row, sessionAt), user: readUser(row, userAt) }
  }

  function families(familyIds: readonly string[]): Promise<(FamilySnapshot | undefined)[]> {
    return inOrder(sql.families, familyIds, clientAt + 1, row => {
      const [client] = clientsOf(row, clientAt)
      const login = readLogin(row)
      const family = readFamily(row, loginEnd, login.user.id)
      return client && { ...login, client, family, grant: grantUnder(family, row) }
    })
  }

  /** Out of the rows of one user. */
  function livingSessions(rows: readonly Row[]): SessionWithFamilies[] {
    const listed = [...rowsBySession(rows).values()].flatMap(([first, ...others]) => {
      if (first === undefined) return []
      const { session, user, ...snapshot } = readLogin(first)
      const families = [first, ...others].flatMap(row => {
        const [family] = familiesOf(row, user.id)
        const [client] = clientsOf(row, clientAt)
        return family && client ? [{ family, client, grant: grantUnder(family, row) }] : []
      })
      return livingSession(session, families, { ...snapshot, user }) ?? []
    })
    return listed.sort(newestFirst)
  }

  return {
    async issuer() {
      const [row] = await query(sql.issuer)
      return { ...readSnapshot(row), keyRing: parsedOf<KeyRing>(row?.[snapshotColumnCount] as Column) }
    },
    async clients({ origin, after = '', limit }) {
      const page = [canBeStored(after) ? after : null, limit]
      const rows = await (origin === undefined
        ? query(sql.clientPage, ...page)
        : query(sql.clientPageOf, ...page, origin))
      readSnapshot(rows[0])
      return rows.flatMap(row => clientsOf(row, snapshotColumnCount))
    },
    async clientCount(origin) {
      const [row] = await query(sql.clientCount, origin)
      readSnapshot(row)
      return row?.[snapshotColumnCount] as number
    },
    async knowsWebOrigin(origin) {
      const [row] = await query(sql.webOrigin, canBeStored(origin) ? origin : null)
      readSnapshot(row)
      return row?.[snapshotColumnCount] === true
    },
    async clientsById(clientIds) {
      const rows = await query(sql.clientsById, [...new Set(clientIds)].map(textOrNull))
      const snapshot = readSnapshot(rows[0])
      const clients = new Map(rows.flatMap(row => clientsOf(row, snapshotColumnCount)).map(one => [one.id, one]))
      return clientIds.map(id => {
        const client = clients.get(id)
        return client && { ...snapshot, client }
      })
    },
    async usersById(userIds) {
      const rows = await query(sql.usersById, userIds.map(uuidOrNull))
      const byPlace = new Map(rows.map(row => [row[snapshotColumnCount + userColumnCount], row]))
      return userIds.map((_, index) => {
        const row = byPlace.get(index + 1)
        const user = row && hasRow(row, snapshotColumnCount) ? readUser(row, snapshotColumnCount) : undefined
        return { ...readSnapshot(row), user }
      })
    },
    async users({ after, limit }) {
      const beginning = after === undefined ? '0'.repeat(32) : isId(after) ? uuidOf(after) : null
      const rows = await query(sql.userPage, beginning, limit)
      readSnapshot(rows[0])
      return rows.flatMap(row => (hasRow(row, snapshotColumnCount) ? [readUser(row, snapshotColumnCount)] : []))
    },
    userByEmail: key => userSnapshot(sql.userByEmail, key),
    async usersByIdentity(asked) {
      const connections = asked.map(({ connection }) => textOrNull(connection))
      const subjects = asked.map(({ subject }) => textOrNull(subject))
      const rows = await query(sql.usersByIdentity, connections, subjects)
      const identityAt = snapshotColumnCount + userColumnCount
      const byPlace = new Map(rows.map(row => [row[identityAt + identityColumnCount], row]))
      return asked.map((_, index) => {
        const row = byPlace.get(index + 1)
        const user = row && hasRow(row, sessionAt) ? readUser(row, sessionAt) : undefined
        return { ...readSnapshot(row), user, identity: row && readIdentity(row, identityAt) }
      })
    },
    async identitiesOf(userId) {
      const rows = await query(sql.identitiesOf, isId(userId) ? uuidOf(userId) : null)
      readSnapshot(rows[0])
      return rows.flatMap(row => readIdentity(row, snapshotColumnCount) ?? []).sort(inOrderOfLinking)
    },
    families,
    sessionsOnly: sessionIds => inOrder(sql.sessionsOnly, sessionIds, loginEnd, readLogin),
    async sessions(sessionIds) {
      const rows = await query(sql.sessionsWithFamilies, sessionIds.map(uuidOrNull))
      readSnapshot(rows[0])
      const byPlace = Map.groupBy(rows, row => row[grantAt])
      return sessionIds.map((_, index) => {
        const own = byPlace.get(index + 1) ?? []
        const [first] = own
        if (first === undefined || !hasRow(first, sessionAt) || !hasRow(first, userAt)) return undefined
        const login = readLogin(first)
        return { ...login, families: own.flatMap(row => familiesOf(row, login.user.id)) }
      })
    },
    async code(hash) {
      const rows = await query(sql.code, canBeStored(hash) ? hash : null)
      const [first] = rows
      readSnapshot(first)
      const [client] = first === undefined ? [] : clientsOf(first, clientAt)
      if (!first || !client || !hasRow(first, sessionAt) || !hasRow(first, userAt)) return undefined
      const code = JSON.parse(first[clientAt + 1] as string) as AuthorizationCode
      const login = readLogin(first)
      const inSession = rows.flatMap(row => familiesOf(row, login.user.id))
      const siblings = inSession.filter(({ clientId, endedAt }) => clientId === client.id && endedAt === null)
      // What it gave may be a session of its own. Looked up for a code that comes again, and for no other.
      const [given] = code.familyId === null ? [] : await families([code.familyId])
      return { ...login, code, client, grant: grantUnder(code, first), given, siblings }
    },
    async shortLived<Kind extends OtherShortLivedKind>(kind: Kind, hash: string) {
      const [row] = await query(sql.shortLived, kind, canBeStored(hash) ? hash : null)
      const snapshot = readSnapshot(row)
      const body = row?.[snapshotColumnCount] as string | null
      return body === null ? undefined : { ...snapshot, row: JSON.parse(body) as ShortLivedRows[Kind] }
    },
    async due<Kind extends DueKind>(kind: Kind, rowsAtMost: number) {
      const rows = await query(sql.due, kind, rowsAtMost)
      const bodies = rows.flatMap(row => (row[snapshotColumnCount] as string | null) ?? [])
      return { ...readSnapshot(rows[0]), rows: bodies.map(body => JSON.parse(body) as ShortLivedRows[Kind]) }
    },
    async sessionsUnder(userId, userEpoch) {
      const rows = await query(sql.sessionsUnder, isId(userId) ? uuidOf(userId) : null, userEpoch)
      readSnapshot(rows[0])
      const listed = [...rowsBySession(rows).values()].flatMap(([first, ...others]) => {
        if (first === undefined) return []
        const { session, user } = readLogin(first)
        return [{ session, families: [first, ...others].flatMap(row => familiesOf(row, user.id)) }]
      })
      return listed.sort(newestFirst)
    },
    async grant(userId, clientId) {
      const known = isId(userId) && canBeStored(clientId)
      const [row] = await query(sql.oneGrant, known ? uuidOf(userId) : null, known ? clientId : null)
      return { ...readSnapshot(row), grant: row && readGrant(row, snapshotColumnCount) }
    },
    async grantsOf(userId) {
      const rows = await query(sql.grants, isId(userId) ? uuidOf(userId) : null)
      readSnapshot(rows[0])
      return rows
        .flatMap(row => readGrant(row, snapshotColumnCount) ?? [])
        .filter(standingGrant)
        .sort(latestFirst)
    },
    async sessionsOfUsers(userIds) {
      const rows = await query(sql.sessionsOfUsers, userIds.map(uuidOrNull))
      readSnapshot(rows[0])
      const byPlace = Map.groupBy(rows, row => row[clientAt + 1])
      return userIds.map((_, index) => livingSessions(byPlace.get(index + 1) ?? []))
    },
  }
}

/** What cannot be stored names nothing. */
function textOrNull(text: string): string | null {
  return canBeStored(text) ? text : null
}

/** What is no id names nobody. */
function uuidOrNull(id: string): string | null {
  return isId(id) ? uuidOf(id) : null
}

/** The grant that something was authorised under; most is under none. */
function grantUnder({ epochs }: { readonly epochs: Epochs }, row: Row): Grant | undefined {
  return epochs.grant === undefined ? undefined : readGrant(row, grantAt)
}

/** The rows of each session, of those that are there. */
function rowsBySession(rows: readonly Row[]): Map<Column | undefined, Row[]> {
  return Map.groupBy(
    rows.filter(row => hasRow(row, userAt) && hasRow(row, sessionAt)),
    row => row[sessionAt],
  )
}

/** True if an outer join found the row whose columns begin here: the first is its key. */
function hasRow(row: Row, offset: number): boolean {
  return row[offset] !== null && row[offset] !== undefined
}

function familiesOf(row: Row, userId: string): Family[] {
  return hasRow(row, loginEnd) ? [readFamily(row, loginEnd, userId)] : []
}

function clientsOf(row: Row, offset: number): Client[] {
  return hasRow(row, offset) ? [clientOf(row[offset] as Column)] : []
}
