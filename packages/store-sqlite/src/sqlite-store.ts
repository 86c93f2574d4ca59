import {
  beginsLate,
  checkChange,
  refusePruned,
  type Store,
  type StoreOptions,
  StoreUnavailable,
} from '@countersign/store'
import type { GroupCommit } from './group-commit.ts'
import type { LogSync } from './log-sync.ts'
import { translating } from './sqlite-failure.ts'
import type { Tables } from './tables.ts'

/** The port over the prepared tables and the queue of writes. */
export function createSqliteStore(
  parts: Tables & {
    options: StoreOptions
    commits: GroupCommit
    log: LogSync
    erased: () => void
    close: () => Promise<void>
  },
): Store {
  const { reads, audit, feed, commits, log } = parts
  let closing: Promise<void> | undefined

  function read<T>(from: () => T): T {
    if (closing !== undefined) throw new StoreUnavailable('the store is closed')
    return translating(from)
  }

  return {
    loadIssuer: async () => read(() => ({ ...reads.now(), keyRing: reads.keyRing() })),
    loadClient: async clientId =>
      read(() => {
        const client = reads.client(clientId)
        return client && { ...reads.now(), client }
      }),
    listClients: async page => read(() => reads.clients.list(page)),
    countClients: async origin => read(() => reads.clients.count(origin)),
    knowsWebOrigin: async origin => read(() => reads.clients.knowsWebOrigin(origin)),
    loadUser: async userId => read(() => ({ ...reads.now(), user: reads.user(userId) })),
    listUsers: async page => read(() => reads.users(page)),
    loadUserByEmail: async key => read(() => ({ ...reads.now(), user: reads.userByEmail(key) })),
    loadUserByIdentity: async (connection, subject) =>
      read(() => {
        const identity = reads.identity(connection, subject)
        const user = identity?.unlinkedAt === null ? reads.user(identity.userId) : undefined
        return { ...reads.now(), user, identity }
      }),
    listIdentities: async userId => read(() => reads.identitiesOf(userId)),
    loadFamily: async familyId => read(() => reads.family(familyId)),
    loadSession: async sessionId => read(() => reads.session(sessionId)),
    loadSessionOnly: async sessionId => read(() => reads.sessionOnly(sessionId)),
    loadCode: async hash => read(() => reads.code(hash)),
    loadShortLived: async (kind, hash) =>
      read(() => {
        const row = reads.shortLived(kind, hash)
        return row && { ...reads.now(), row }
      }),
    listDue: async (kind, rowsAtMost) => read(() => reads.due(kind, rowsAtMost)),
    loadGrant: async (userId, clientId) => read(() => ({ ...reads.now(), grant: reads.grant(userId, clientId) })),
    listGrants: async userId => read(() => reads.grantsOf(userId)),
    listSessions: async userId => read(() => reads.sessionsOf(userId)),
    listSessionsUnder: async (userId, userEpoch) => read(() => reads.sessionsUnder(userId, userEpoch)),
    async commit(change) {
      checkChange(change)
      const applied = await commits.run({
        apply: () => (parts.apply(change) ? 'committed' : undefined),
        // A reader of the feed must never see an entry that a crash can take back.
        durable: change.durable || change.entries.length > 0,
        single: change.writes.length <= 1 && change.audit.length === 0 && change.entries.length === 0,
      })
      if (applied && change.writes.some(({ table, row }) => table === 'user' && row.deletedAt !== null)) parts.erased()
      return applied ?? 'conflict'
    },
    feed,
    async readAudit(after, limit) {
      // Rows that a crash could still take back are not shown.
      const { number } = read(audit.head)
      await log.settled()
      return read(() => {
        const rows = audit.read(after, number, limit)
        if (beginsLate(rows, after)) refusePruned(parts.auditAnchor(), after)
        return rows
      })
    },
    async sweep(limits) {
      const gone = await commits.run({
        apply: () => parts.sweep(limits, reads.now()),
        durable: false,
        single: false,
      })
      return gone ?? 0
    },
    async deletePrunedAudit(rowsAtMost) {
      const gone = await commits.run({
        apply: () => parts.deletePrunedAudit(rowsAtMost),
        durable: false,
        single: false,
      })
      return gone ?? 0
    },
    close() {
      closing ??= parts.close()
      return closing
    },
  }
}
