import {
  type Client,
  type Family,
  type Grant,
  type Identity,
  type Issuer,
  isShortLivedWrite,
  type KeyRing,
  type Session,
  type ShortLived,
  type ShortLivedKind,
  type ShortLivedWrite,
  type User,
  type Write,
} from '@countersign/core'
import { storedEmailKey } from './check-change.ts'

/** Steps that take back what was done, to be run from the last to the first. */
export type Undo = (() => void)[]

interface Versioned {
  readonly version: number
}

/** The rows by their keys, and the few ways in which they are found otherwise. */
export interface MemoryTables {
  readonly issuer: () => Issuer
  readonly keyRing: () => KeyRing
  readonly clients: Map<string, Client>
  readonly users: Map<string, User>
  readonly identities: Map<string, Identity>
  readonly sessions: Map<string, Session>
  readonly families: Map<string, Family>
  /** By user and client. */
  readonly grants: Map<string, Grant>
  /** By kind and hash. */
  readonly shortLived: Map<string, ShortLived>
  readonly userIdByEmail: (key: string) => string | undefined
  readonly sessionsOf: (userId: string) => readonly Session[]
  readonly identitiesOf: (userId: string) => readonly Identity[]
  readonly grantsOf: (userId: string) => readonly Grant[]
  readonly familiesOf: (sessionId: string) => readonly Family[]
  /** Applies one write if its version is right; false: nothing was changed. */
  readonly put: (write: Write, undo: Undo) => boolean
  readonly dropSession: (session: Session) => void
  readonly dropFamily: (family: Family) => void
}

export function identityKey(connection: string, subject: string): string {
  return JSON.stringify([connection, subject])
}

export function grantKey(userId: string, clientId: string): string {
  return `${userId} ${clientId}`
}

export function shortLivedKey(kind: ShortLivedKind, hash: string): string {
  return `${kind} ${hash}`
}

export function createMemoryTables(incarnation: string): MemoryTables {
  const issuers = new Map<string, Issuer>()
  const keyRings = new Map<string, KeyRing>()
  const clients = new Map<string, Client>()
  const users = new Map<string, User>()
  const identities = new Map<string, Identity>()
  const sessions = new Map<string, Session>()
  const families = new Map<string, Family>()
  const grants = new Map<string, Grant>()
  const shortLived = new Map<string, ShortLived>()
  const userIdsByEmail = new Map<string, string>()
  const sessionIdsByUser = new Map<string, Set<string>>()
  const grantKeysByUser = new Map<string, Set<string>>()
  const identityKeysByUser = new Map<string, Set<string>>()
  const familyIdsBySession = new Map<string, Set<string>>()
  const only = ''
  const issuer: Issuer = { epoch: 1, incarnation, restoredAt: null, longestAccessTokenSeconds: 900, version: 1 }
  issuers.set(only, issuer)
  keyRings.set(only, { signing: [], refresh: [], version: 1 })

  function putUser(row: User, undo: Undo): boolean {
    const before = storedEmailKey(users.get(row.id)?.email ?? null)
    const after = storedEmailKey(row.email)
    if (after !== null && (userIdsByEmail.get(after) ?? row.id) !== row.id) return false
    if (!putVersion(users, row.id, row, undo)) return false
    if (row.deletedAt !== null) {
      eraseDevices(row.id, undo)
      eraseIdentities(row.id, undo)
    }
    if (before === after) return true
    if (before !== null) set(userIdsByEmail, before, undefined, undo)
    if (after !== null) set(userIdsByEmail, after, row.id, undo)
    return true
  }

  /** The versions rise, so that nobody who read a session before can write its device again. */
  function eraseDevices(userId: string, undo: Undo): void {
    for (const session of rowsOf(sessionIdsByUser.get(userId), sessions)) {
      putVersion(sessions, session.id, { ...session, device: { label: '', ip: '' } }, undo)
    }
  }

  function eraseIdentities(userId: string, undo: Undo): void {
    for (const key of identityKeysByUser.get(userId) ?? []) {
      const identity = identities.get(key)
      if (identity) putVersion(identities, key, { ...identity, told: null, sealedTokens: null }, undo)
    }
  }

  /** Engines refer to a client's row, so it must be there before what refers to it; and stays from then on. */
  function useClient({ clientId }: { clientId: string | null }, undo: Undo): void {
    if (clientId === null) return
    const client = clients.get(clientId)
    if (client === undefined) throw new TypeError('a session, family or grant names a client that is not stored')
    if (client.expiresAt !== null) putVersion(clients, clientId, { ...client, expiresAt: null }, undo)
  }

  function endFamily({ id, endedAt, endReason }: Family, undo: Undo): boolean {
    const stored = families.get(id)
    if (stored === undefined || stored.endedAt !== null) return false
    return putVersion(families, id, { ...stored, endedAt, endReason }, undo)
  }

  function putGrant(row: Grant, undo: Undo): boolean {
    useClient(row, undo)
    const key = grantKey(row.userId, row.clientId)
    addTo(grantKeysByUser, row.userId, key, undo)
    return putVersion(grants, key, row, undo)
  }

  function putShortLived({ table, row }: ShortLivedWrite, undo: Undo): boolean {
    return putVersion<ShortLived>(shortLived, shortLivedKey(table, row.hash), row, undo)
  }

  function putIdentity(row: Identity, undo: Undo): boolean {
    const key = identityKey(row.connection, row.subject)
    const before = identities.get(key)
    if (!putVersion(identities, key, row, undo)) return false
    if (before !== undefined && before.userId !== row.userId) dropFromWithUndo(before.userId, key, undo)
    addTo(identityKeysByUser, row.userId, key, undo)
    return true
  }

  function dropFromWithUndo(userId: string, key: string, undo: Undo): void {
    dropFrom(identityKeysByUser, userId, key)
    undo.push(() => void addTo(identityKeysByUser, userId, key, []))
  }

  return {
    issuer: () => issuers.get(only) ?? issuer,
    keyRing: () => keyRings.get(only) as KeyRing,
    clients,
    users,
    identities,
    sessions,
    families,
    grants,
    shortLived,
    userIdByEmail: key => userIdsByEmail.get(key),
    sessionsOf: userId => rowsOf(sessionIdsByUser.get(userId), sessions),
    identitiesOf: userId => rowsOf(identityKeysByUser.get(userId), identities),
    grantsOf: userId => rowsOf(grantKeysByUser.get(userId), grants),
    familiesOf: sessionId => rowsOf(familyIdsBySession.get(sessionId), families),
    put(write, undo) {
      if (isShortLivedWrite(write)) return putShortLived(write, undo)
      switch (write.table) {
        case 'issuer':
          return putVersion(issuers, only, write.row, undo)
        case 'keyRing':
          return putVersion(keyRings, only, write.row, undo)
        case 'client':
          return putVersion(clients, write.row.id, write.row, undo)
        case 'user':
          return putUser(write.row, undo)
        case 'identity':
          return putIdentity(write.row, undo)
        case 'session':
          useClient(write.row, undo)
          addTo(sessionIdsByUser, write.row.userId, write.row.id, undo)
          return putVersion(sessions, write.row.id, write.row, undo)
        case 'family':
          if (write.endsOnly) return endFamily(write.row, undo)
          useClient(write.row, undo)
          addTo(familyIdsBySession, write.row.sessionId, write.row.id, undo)
          return putVersion(families, write.row.id, write.row, undo)
        case 'grant':
          return putGrant(write.row, undo)
      }
    },
    dropSession(session) {
      sessions.delete(session.id)
      dropFrom(sessionIdsByUser, session.userId, session.id)
    },
    dropFamily(family) {
      families.delete(family.id)
      dropFrom(familyIdsBySession, family.sessionId, family.id)
    },
  }
}

function putVersion<R extends Versioned>(rows: Map<string, R>, key: string, row: R, undo: Undo): boolean {
  if ((rows.get(key)?.version ?? 0) !== row.version) return false
  set(rows, key, { ...row, version: row.version + 1 }, undo)
  return true
}

function set<V>(map: Map<string, V>, key: string, value: V | undefined, undo: Undo): void {
  const before = map.get(key)
  undo.push(() => write(map, key, before))
  write(map, key, value)
}

function write<V>(map: Map<string, V>, key: string, value: V | undefined): void {
  if (value === undefined) map.delete(key)
  else map.set(key, value)
}

function rowsOf<R>(ids: ReadonlySet<string> | undefined, rows: ReadonlyMap<string, R>): R[] {
  return [...(ids ?? [])].flatMap(id => rows.get(id) ?? [])
}

function addTo(index: Map<string, Set<string>>, key: string, id: string, undo: Undo): void {
  const ids = index.get(key) ?? new Set()
  if (ids.has(id)) return
  index.set(key, ids.add(id))
  undo.push(() => dropFrom(index, key, id))
}

function dropFrom(index: Map<string, Set<string>>, key: string, id: string): void {
  const ids = index.get(key)
  if (ids?.delete(id) && ids.size === 0) index.delete(key)
}
