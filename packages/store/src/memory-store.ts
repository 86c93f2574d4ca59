import {
  type AuthorizationCode,
  type Change,
  type DueKind,
  type FamilySnapshot,
  type Grant,
  type SessionOnlySnapshot,
  type ShortLivedRows,
  type Snapshot,
  type User,
  type UserSnapshot,
  webOrigins,
} from '@countersign/core'
import type { Epochs } from '@countersign/protocol'
import { checkChange } from './check-change.ts'
import { inOrderOfLinking, latestFirst, livingSession, newestFirst, standingGrant } from './liveness.ts'
import { createMemoryAudit } from './memory-audit.ts'
import { createMemoryFeed } from './memory-feed.ts'
import { sweepMemory } from './memory-sweep.ts'
import { createMemoryTables, grantKey, identityKey, shortLivedKey, type Undo } from './memory-tables.ts'
import {
  type OtherShortLivedKind,
  type SessionWithFamilies,
  type Store,
  type StoredAuditRow,
  type StoreOptions,
  StoreUnavailable,
  type UserPage,
} from './store.ts'

/**
 * Everything in this process, for tests and simulations. Rows are shared with the caller, not copied: they are read-only
 * by type.
 */
export function createMemoryStore(options: StoreOptions): Store {
  const tables = createMemoryTables(options.seed.incarnation)
  const feed = createMemoryFeed({ seed: options.seed, clock: () => open().now })
  const audit = createMemoryAudit(tables, options.sealPersonal)
  let closed = false

  function open(): Snapshot {
    if (closed) throw new StoreUnavailable('the store is closed')
    return { now: options.clock(), issuer: tables.issuer() }
  }

  function userSnapshot(userId: string | undefined): UserSnapshot {
    return { ...open(), user: userId === undefined ? undefined : tables.users.get(userId) }
  }

  function familySnapshot(familyId: string | null): FamilySnapshot | undefined {
    const family = familyId === null ? undefined : tables.families.get(familyId)
    const session = family && tables.sessions.get(family.sessionId)
    const user = session && tables.users.get(session.userId)
    const client = family && tables.clients.get(family.clientId)
    const grant = family && grantUnder(family)
    return family && session && user && client && { ...open(), family, session, user, client, grant }
  }

  /** The grant that something was authorised under, if there was one. */
  function grantUnder(row: { userId: string; clientId: string; epochs: Epochs }): Grant | undefined {
    return row.epochs.grant === undefined ? undefined : tables.grants.get(grantKey(row.userId, row.clientId))
  }

  function sessionSnapshot(sessionId: string): SessionOnlySnapshot | undefined {
    const snapshot = open()
    const session = tables.sessions.get(sessionId)
    const user = session && tables.users.get(session.userId)
    return session && user && { ...snapshot, session, user }
  }

  function livingSessions(snapshot: UserSnapshot): SessionWithFamilies[] {
    const { user } = snapshot
    if (user === undefined) return []
    return tables.sessionsOf(user.id).flatMap(session => {
      const families = tables.familiesOf(session.id).flatMap(family => {
        const client = tables.clients.get(family.clientId)
        return client ? [{ family, client, grant: grantUnder(family) }] : []
      })
      return livingSession(session, families, { ...snapshot, user }) ?? []
    })
  }

  /** Applies the writes one after the other; whatever stops half-way is taken back. */
  function apply(change: Change): 'committed' | 'conflict' {
    const undo: Undo = []
    let rows: StoredAuditRow[] | undefined
    try {
      if (change.writes.every(write => tables.put(write, undo))) rows = audit.chained(change.audit)
    } finally {
      if (rows === undefined) for (const step of undo.reverse()) step()
    }
    if (rows === undefined) return 'conflict'
    audit.append(rows)
    feed.append(change.entries)
    return 'committed'
  }

  return {
    async loadIssuer() {
      return { ...open(), keyRing: tables.keyRing() }
    },
    async loadClient(clientId) {
      const snapshot = open()
      const client = tables.clients.get(clientId)
      return client && { ...snapshot, client }
    },
    async listClients({ origin, after = '', limit }) {
      open()
      return [...tables.clients.values()]
        .filter(client => client.id > after && (origin === undefined || client.origin === origin))
        .sort((one, other) => (one.id < other.id ? -1 : 1))
        .slice(0, limit)
    },
    async countClients(origin) {
      open()
      return [...tables.clients.values()].filter(client => client.origin === origin).length
    },
    async knowsWebOrigin(origin) {
      open()
      return [...tables.clients.values()].some(
        ({ disabled, redirectUris }) => !disabled && webOrigins(redirectUris).includes(origin),
      )
    },
    async loadUser(userId) {
      return userSnapshot(userId)
    },
    async listUsers(page) {
      open()
      return pageOfUsers([...tables.users.values()], page)
    },
    async loadUserByEmail(key) {
      return userSnapshot(tables.userIdByEmail(key))
    },
    async loadUserByIdentity(connection, subject) {
      const identity = tables.identities.get(identityKey(connection, subject))
      return { ...userSnapshot(identity?.unlinkedAt === null ? identity.userId : undefined), identity }
    },
    async listIdentities(userId) {
      open()
      return tables
        .identitiesOf(userId)
        .filter(({ unlinkedAt }) => unlinkedAt === null)
        .sort(inOrderOfLinking)
    },
    async loadFamily(familyId) {
      open()
      return familySnapshot(familyId)
    },
    async loadSession(sessionId) {
      const found = sessionSnapshot(sessionId)
      return found && { ...found, families: tables.familiesOf(sessionId) }
    },
    async loadSessionOnly(sessionId) {
      return sessionSnapshot(sessionId)
    },
    async loadCode(hash) {
      const snapshot = open()
      const code = tables.shortLived.get(shortLivedKey('code', hash)) as AuthorizationCode | undefined
      const session = code && tables.sessions.get(code.sessionId)
      const user = session && tables.users.get(session.userId)
      const client = code && tables.clients.get(code.clientId)
      const given = familySnapshot(code?.familyId ?? null)
      if (!code || !session || !user || !client) return undefined
      const siblings = tables
        .familiesOf(session.id)
        .filter(({ clientId, endedAt }) => clientId === client.id && endedAt === null)
      return { ...snapshot, code, session, user, client, grant: grantUnder(code), given, siblings }
    },
    async loadShortLived<Kind extends OtherShortLivedKind>(kind: Kind, hash: string) {
      const snapshot = open()
      const row = tables.shortLived.get(shortLivedKey(kind, hash)) as ShortLivedRows[Kind] | undefined
      return row && { ...snapshot, row }
    },
    async listDue<Kind extends DueKind>(kind: Kind, rowsAtMost: number) {
      const snapshot = open()
      const rows = [...tables.shortLived]
        .filter(([key]) => key.startsWith(shortLivedKey(kind, '')))
        .map(([, row]) => row as ShortLivedRows[Kind])
        .filter(({ dueAt }) => dueAt !== null && dueAt <= snapshot.now)
        .sort((a, b) => (a.dueAt ?? 0) - (b.dueAt ?? 0) || (a.hash < b.hash ? -1 : 1))
      return { ...snapshot, rows: rows.slice(0, rowsAtMost) }
    },
    async loadGrant(userId, clientId) {
      return { ...open(), grant: tables.grants.get(grantKey(userId, clientId)) }
    },
    async listGrants(userId) {
      open()
      return tables.grantsOf(userId).filter(standingGrant).sort(latestFirst)
    },
    async listSessions(userId) {
      return livingSessions(userSnapshot(userId)).sort(newestFirst)
    },
    async listSessionsUnder(userId, userEpoch) {
      open()
      const sessions = tables.sessionsOf(userId).filter(one => one.epochs.user === userEpoch && one.endedAt === null)
      return sessions.map(session => ({ session, families: tables.familiesOf(session.id) })).sort(newestFirst)
    },
    async commit(change) {
      open()
      checkChange(change)
      return apply(change)
    },
    feed,
    async readAudit(after, limit) {
      open()
      return audit.read(after, limit)
    },
    async sweep(limits) {
      return sweepMemory(tables, feed, open(), limits)
    },
    async deletePrunedAudit(rowsAtMost) {
      open()
      return audit.deletePruned(rowsAtMost)
    },
    async close() {
      closed = true
    },
  }
}

/** By the bytes of their ids, which grow with time. */
function pageOfUsers(users: readonly User[], { after, limit }: UserPage): readonly User[] {
  const bytes = (id: string): Buffer => Buffer.from(id, 'base64url')
  return users
    .filter(({ id }) => after === undefined || bytes(id).compare(bytes(after)) > 0)
    .sort((one, other) => bytes(one.id).compare(bytes(other.id)))
    .slice(0, limit)
}
