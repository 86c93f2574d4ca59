import { type Change, isId } from '@countersign/core'
import { checkChange, type FeedStore, rowKey, type Store, StoreUnavailable } from '@countersign/store'
import { type ApplyChanges, isDurable } from './apply-change.ts'
import type { AuditLog } from './audit-log.ts'
import { type Ask, createBatches } from './batches.ts'
import type { Feed } from './feed.ts'
import type { Reads } from './reads.ts'
import { type openRotations, rotatedFamily } from './rotations.ts'
import type { Sweep } from './sweep.ts'
import { countUnderWay } from './under-way.ts'

/** Questions in one statement, and statements of one kind under way at once. */
const questionsAtMost = 256
const lanes = 2
/** More of those that may have to wait for rows which another node holds. */
const lanesOfChanges = 4

/** The port over the statements. */
export function createPostgresStore(parts: {
  reads: Reads
  apply: ApplyChanges
  rotate: ReturnType<typeof openRotations>
  feed: Feed
  sequence: () => Promise<void>
  audit: AuditLog
  sweep: Sweep
  /** Why nothing is answered any more, if so. */
  failure: () => StoreUnavailable | undefined
  nextTurn: (action: () => void) => void
  close: () => Promise<void>
}): Store {
  const { reads, feed, sequence } = parts
  const underWay = countUnderWay()
  let closing: Promise<void> | undefined

  const together = <Question, Answer>(
    run: (questions: readonly Question[]) => Promise<readonly Answer[] | undefined>,
    keysOf: (question: Question) => readonly string[] = () => [],
    atOnce = lanes,
  ): Ask<Question, Answer> =>
    createBatches({
      run,
      keysOf,
      lanes: atOnce,
      questionsAtMost,
      isOwnFault: error => !(error instanceof StoreUnavailable),
      nextTurn: parts.nextTurn,
    })
  const loadClient = together(reads.clientsById)
  const loadFamily = together(reads.families)
  const loadSession = together(reads.sessions)
  const loadSessionOnly = together(reads.sessionsOnly)
  const loadUser = together(reads.usersById)
  const listSessions = together(reads.sessionsOfUsers)
  const loadByIdentity = together(reads.usersByIdentity)
  const holds = together(feed.holdsEach)
  const rotate = together(parts.rotate, ({ id }) => [id])
  /** What waits for the disk waits together. */
  const applyDurable = together(applyTogether, ({ writes }) => writes.map(rowKey), lanesOfChanges)

  async function applyTogether(changes: readonly Change[]): Promise<('committed' | 'conflict')[] | undefined> {
    const outcome = await parts.apply(changes)
    if (outcome === undefined && changes.length > 1) return undefined
    return changes.map(() => outcome ?? 'conflict')
  }

  /** Refuses when the store is closed, and lets `close` wait for what was begun before. */
  function begin<T>(run: () => Promise<T>): Promise<T> {
    const failure = closing === undefined ? parts.failure() : new StoreUnavailable('the store is closed')
    if (failure !== undefined) return Promise.reject(failure)
    const running = run()
    underWay.add(running)
    return running
  }

  const guardedFeed: FeedStore = {
    incarnation: feed.incarnation,
    snapshot: () => begin(feed.snapshot),
    after: number => begin(() => feed.after(number)),
    holds: (kind, id) => begin(() => holds({ kind, id })),
    subscribe: feed.subscribe,
  }

  return {
    loadIssuer: () => begin(reads.issuer),
    loadClient: clientId => begin(() => loadClient(clientId)),
    listClients: page => begin(() => reads.clients(page)),
    countClients: origin => begin(() => reads.clientCount(origin)),
    knowsWebOrigin: origin => begin(() => reads.knowsWebOrigin(origin)),
    loadUser: userId => begin(() => loadUser(userId)),
    listUsers: page => begin(() => reads.users(page)),
    loadUserByEmail: key => begin(() => reads.userByEmail(key)),
    loadUserByIdentity: (connection, subject) => begin(() => loadByIdentity({ connection, subject })),
    listIdentities: userId => begin(() => reads.identitiesOf(userId)),
    loadFamily: familyId => begin(async () => (isId(familyId) ? loadFamily(familyId) : undefined)),
    loadSession: sessionId => begin(() => loadSession(sessionId)),
    loadSessionOnly: sessionId => begin(async () => (isId(sessionId) ? loadSessionOnly(sessionId) : undefined)),
    loadCode: hash => begin(() => reads.code(hash)),
    loadShortLived: (kind, hash) => begin(() => reads.shortLived(kind, hash)),
    listDue: (kind, rowsAtMost) => begin(() => reads.due(kind, rowsAtMost)),
    loadGrant: (userId, clientId) => begin(() => reads.grant(userId, clientId)),
    listGrants: userId => begin(() => reads.grantsOf(userId)),
    listSessions: userId => begin(() => listSessions(userId)),
    listSessionsUnder: (userId, userEpoch) => begin(() => reads.sessionsUnder(userId, userEpoch)),
    commit: change =>
      begin(async () => {
        checkChange(change)
        const family = rotatedFamily(change)
        if (family !== undefined) return rotate(family)
        const outcome = isDurable(change) ? await applyDurable(change) : ((await parts.apply([change])) ?? 'conflict')
        // Committed is committed: if the database goes away right now, another node numbers the entries, or this one later.
        if (outcome === 'committed' && change.entries.length > 0) await sequence().catch(() => {})
        return outcome
      }),
    feed: guardedFeed,
    readAudit: (after, limit) => begin(() => parts.audit.read(after, limit)),
    sweep: limits => begin(async () => parts.sweep(limits, await reads.issuer())),
    deletePrunedAudit: rowsAtMost => begin(() => parts.audit.deletePruned(rowsAtMost)),
    close() {
      closing ??= (async () => {
        await underWay.ended()
        await parts.close()
      })()
      return closing
    },
  }
}
