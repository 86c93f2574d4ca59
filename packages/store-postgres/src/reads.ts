import {
  type AuthorizationCode,
  type Client,
  type CodeSnapshot,
  type Family,
  type FamilySnapshot,
  type Grant,
  type GrantSnapshot,
  type Instant,
  isId,
  type KeyRing,
  type SessionOnlySnapshot,
  type SessionSnapshot,
  type ShortLivedRows,
  type UserSnapshot,
} from '@countersign/core'
import type { Epochs } from '@countersign/protocol'
import {
  type ClientSnapshot,
  type IssuerSnapshot,
  latestFirst,
  livingSession,
  newestFirst,
  type OtherShortLivedKind,
  type SessionWithFamilies,
  type ShortLivedSnapshot,
  standingGrant,
} from '@countersign/store'
import { clientOf } from './clients.ts'
import { type Column, canBeStored, parsedOf, type Row, uuidOf } from './columns.ts'
import type { Transaction } from './database.ts'
import { familyColumnCount, familyColumns, readFamily } from './families.ts'
import { grantColumnCount, grantColumns, readGrant } from './grants.ts'
import { readSession, sessionColumnCount, sessionColumns } from './sessions.ts'
import { readSnapshot, snapshotColumnCount, snapshotColumns } from './snapshots.ts'
import type { Statement } from './statements.ts'
import { readUser, userColumnCount, userColumns } from './users.ts'

/** The snapshots. Each is one statement on the primary. */
export interface Reads {
  readonly issuer: () => Promise<IssuerSnapshot>
  readonly clients: () => Promise<readonly Client[]>
  readonly user: (userId: string) => Promise<UserSnapshot>
  readonly userByEmail: (key: string) => Promise<UserSnapshot>
  readonly userByIdentity: (connection: string, subject: string) => Promise<UserSnapshot>
  readonly session: (sessionId: string) => Promise<SessionSnapshot | undefined>
  readonly code: (hash: string) => Promise<CodeSnapshot | undefined>
  readonly shortLived: <Kind extends OtherShortLivedKind>(
    kind: Kind,
    hash: string,
  ) => Promise<ShortLivedSnapshot<Kind> | undefined>
  readonly grant: (userId: string, clientId: string) => Promise<GrantSnapshot>
  readonly grantsOf: (userId: string) => Promise<readonly Grant[]>
  readonly sessionsOf: (userId: string) => Promise<readonly SessionWithFamilies[]>
  /** Many at once, by ids that are ids; in their order. */
  readonly clientsById: (clientIds: readonly string[]) => Promise<(ClientSnapshot | undefined)[]>
  readonly families: (familyIds: readonly string[]) => Promise<(FamilySnapshot | undefined)[]>
  readonly sessionsOnly: (sessionIds: readonly string[]) => Promise<(SessionOnlySnapshot | undefined)[]>
}

/** Where the rows of a login begin in `loginColumns`. */
const sessionAt = snapshotColumnCount
const userAt = sessionAt + sessionColumnCount
const loginEnd = userAt + userColumnCount
/** Behind a login: a family, the grant of its user and client, its client. */
const grantAt = loginEnd + familyColumnCount
const clientAt = grantAt + grantColumnCount
const loginColumns = `${snapshotColumns}, ${sessionColumns}, ${userColumns}`
const familyWithGrant = `${familyColumns}, ${grantColumns}, c.body`
const userOnly = `SELECT ${snapshotColumns}, ${userColumns} FROM countersign.issuer i`
/** A place in the question's order, so that each answer finds its asker. */
const grantOfFamily =
  'LEFT JOIN countersign.user_grant g ON f.epoch_grant IS NOT NULL AND g.user_id = s.user_id AND g.client_id = f.client_id'
const asked = 'countersign.issuer i CROSS JOIN unnest($2::uuid[]) WITH ORDINALITY AS asked(id, place)'

export function openReads(
  database: Pick<Transaction, 'query'>,
  statement: (text: string) => Statement,
  clock: () => Instant | null,
): Reads {
  const readIssuer = statement(
    `SELECT ${snapshotColumns}, k.body FROM countersign.issuer i CROSS JOIN countersign.key_ring k`,
  )
  const readClients = statement(
    `SELECT ${snapshotColumns}, c.body FROM countersign.issuer i LEFT JOIN countersign.client c ON true ORDER BY c.number`,
  )
  const readClientsById = statement(
    `SELECT ${snapshotColumns}, c.id, c.body FROM countersign.issuer i LEFT JOIN countersign.client c ON c.id = ANY ($2::text[])`,
  )
  const readUserById = statement(`${userOnly} LEFT JOIN countersign.user u ON u.id = $2`)
  const readUserByEmail = statement(`${userOnly} LEFT JOIN countersign.user u ON u.email_key = $2`)
  const readUserByIdentity = statement(
    `${userOnly} LEFT JOIN countersign.identity d ON d.connection = $2 AND d.subject = $3
     LEFT JOIN countersign.user u ON u.id = d.user_id`,
  )
  const readFamilies = statement(
    `SELECT ${loginColumns}, ${familyWithGrant}, asked.place FROM ${asked} LEFT JOIN countersign.family f ON f.id = asked.id
     LEFT JOIN countersign.session s ON s.id = f.session_id LEFT JOIN countersign.user u ON u.id = s.user_id
     LEFT JOIN countersign.client c ON c.id = f.client_id ${grantOfFamily}`,
  )
  const readSessionsOnly = statement(
    `SELECT ${loginColumns}, asked.place FROM ${asked} LEFT JOIN countersign.session s ON s.id = asked.id
     LEFT JOIN countersign.user u ON u.id = s.user_id`,
  )
  const readSessionWithFamilies = statement(
    `SELECT ${loginColumns}, ${familyColumns} FROM countersign.issuer i LEFT JOIN countersign.session s ON s.id = $2
     LEFT JOIN countersign.user u ON u.id = s.user_id LEFT JOIN countersign.family f ON f.session_id = s.id ORDER BY f.id`,
  )
  const readSessionsOfUser = statement(
    `SELECT ${loginColumns}, ${familyWithGrant} FROM countersign.issuer i LEFT JOIN countersign.user u ON u.id = $2
     LEFT JOIN countersign.session s ON s.user_id = u.id LEFT JOIN countersign.family f ON f.session_id = s.id
     LEFT JOIN countersign.client c ON c.id = f.client_id ${grantOfFamily} ORDER BY f.id`,
  )
  const readCode = statement(
    `SELECT ${loginColumns}, ${familyWithGrant}, k.body FROM countersign.issuer i
     LEFT JOIN countersign.short_lived k ON k.kind = 'code' AND k.hash = $2
     LEFT JOIN countersign.session s ON s.id = k.session_id LEFT JOIN countersign.user u ON u.id = s.user_id
     LEFT JOIN countersign.client c ON c.id = k.client_id
     LEFT JOIN countersign.user_grant g ON g.user_id = u.id AND g.client_id = k.client_id
     LEFT JOIN countersign.family f ON f.session_id = s.id
       AND (f.id = k.family_id OR (f.client_id = k.client_id AND f.ended_at IS NULL)) ORDER BY f.id`,
  )

  const readShortLived = statement(
    `SELECT ${snapshotColumns}, k.body FROM countersign.issuer i
     LEFT JOIN countersign.short_lived k ON k.kind = $2 AND k.hash = $3`,
  )
  const readOneGrant = statement(
    `SELECT ${snapshotColumns}, ${grantColumns} FROM countersign.issuer i
     LEFT JOIN countersign.user_grant g ON g.user_id = $2 AND g.client_id = $3`,
  )
  const readGrants = statement(
    `SELECT ${snapshotColumns}, ${grantColumns} FROM countersign.issuer i
     LEFT JOIN countersign.user_grant g ON g.user_id = $2`,
  )

  const query = (which: Statement, ...values: readonly unknown[]): Promise<readonly Row[]> =>
    database.query(which, [clock(), ...values])

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

  return {
    async issuer() {
      const [row] = await query(readIssuer)
      return { ...readSnapshot(row), keyRing: parsedOf<KeyRing>(row?.[snapshotColumnCount] as Column) }
    },
    async clients() {
      const rows = await query(readClients)
      readSnapshot(rows[0])
      return rows.flatMap(row => clientsOf(row, snapshotColumnCount))
    },
    async clientsById(clientIds) {
      const rows = await query(readClientsById, clientIds.filter(canBeStored))
      const snapshot = readSnapshot(rows[0])
      const clients = new Map(rows.flatMap(row => clientsOf(row, snapshotColumnCount + 1)).map(one => [one.id, one]))
      return clientIds.map(id => {
        const client = clients.get(id)
        return client && { ...snapshot, client }
      })
    },
    user: userId => userSnapshot(readUserById, isId(userId) ? uuidOf(userId) : null),
    userByEmail: key => userSnapshot(readUserByEmail, key),
    userByIdentity: (connection, subject) => userSnapshot(readUserByIdentity, connection, subject),
    async families(familyIds) {
      return inOrder(readFamilies, familyIds, clientAt + 1, row => {
        const [client] = clientsOf(row, clientAt)
        const login = readLogin(row)
        const family = readFamily(row, loginEnd, login.user.id)
        return client && { ...login, client, family, grant: grantUnder(family, row) }
      })
    },
    sessionsOnly: sessionIds => inOrder(readSessionsOnly, sessionIds, loginEnd, readLogin),
    async session(sessionId) {
      const rows = await query(readSessionWithFamilies, isId(sessionId) ? uuidOf(sessionId) : null)
      const [first] = rows
      readSnapshot(first)
      if (first === undefined || !hasRow(first, sessionAt) || !hasRow(first, userAt)) return undefined
      const login = readLogin(first)
      return { ...login, families: rows.flatMap(row => familiesOf(row, login.user.id)) }
    },
    async code(hash) {
      const rows = await query(readCode, canBeStored(hash) ? hash : null)
      const [first] = rows
      readSnapshot(first)
      const [client] = first === undefined ? [] : clientsOf(first, clientAt)
      if (!first || !client || !hasRow(first, sessionAt) || !hasRow(first, userAt)) return undefined
      const code = JSON.parse(first[clientAt + 1] as string) as AuthorizationCode
      const login = readLogin(first)
      const families = rows.flatMap(row => familiesOf(row, login.user.id))
      const siblings = families.filter(({ clientId, endedAt }) => clientId === client.id && endedAt === null)
      const family = families.find(({ id }) => id === code.familyId)
      return { ...login, code, client, grant: grantUnder(code, first), family, siblings }
    },
    async shortLived<Kind extends OtherShortLivedKind>(kind: Kind, hash: string) {
      const [row] = await query(readShortLived, kind, canBeStored(hash) ? hash : null)
      const snapshot = readSnapshot(row)
      const body = row?.[snapshotColumnCount] as string | null
      return body === null ? undefined : { ...snapshot, row: JSON.parse(body) as ShortLivedRows[Kind] }
    },
    async grant(userId, clientId) {
      const known = isId(userId) && canBeStored(clientId)
      const [row] = await query(readOneGrant, known ? uuidOf(userId) : null, known ? clientId : null)
      return { ...readSnapshot(row), grant: row && readGrant(row, snapshotColumnCount) }
    },
    async grantsOf(userId) {
      const rows = await query(readGrants, isId(userId) ? uuidOf(userId) : null)
      readSnapshot(rows[0])
      return rows
        .flatMap(row => readGrant(row, snapshotColumnCount) ?? [])
        .filter(standingGrant)
        .sort(latestFirst)
    },
    async sessionsOf(userId) {
      const rows = await query(readSessionsOfUser, isId(userId) ? uuidOf(userId) : null)
      const snapshot = readSnapshot(rows[0])
      const bySession = Map.groupBy(
        rows.filter(row => hasRow(row, userAt) && hasRow(row, sessionAt)),
        row => row[sessionAt],
      )
      const listed = [...bySession.values()].flatMap(([first, ...others]) => {
        if (first === undefined) return []
        const { session, user } = readLogin(first)
        const families = [first, ...others].flatMap(row => {
          const [family] = familiesOf(row, user.id)
          const [client] = clientsOf(row, clientAt)
          return family && client ? [{ family, client, grant: grantUnder(family, row) }] : []
        })
        return livingSession(session, families, { ...snapshot, user }) ?? []
      })
      return listed.sort(newestFirst)
    },
  }
}

/** The grant that something was authorised under; most is under none. */
function grantUnder({ epochs }: { readonly epochs: Epochs }, row: Row): Grant | undefined {
  return epochs.grant === undefined ? undefined : readGrant(row, grantAt)
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
