import { isDeepStrictEqual } from 'node:util'
import {
  endedAgain,
  erased,
  type Instant,
  identityDigest,
  type JournalledUser,
  type JournalRecord,
  type Rights,
  type User,
  type Write,
} from '@countersign/core'
import { type Store, StoreUnavailable } from '@countersign/store'
import { clientAgain } from './client-again.ts'
import { findNewest, type IsNewest } from './find-newest.ts'

const triesAtMost = 10

export interface ReplayOptions {
  readonly store: Store
  /** Opens what sealed the hash of a changed password. */
  readonly openPassword: (userId: string, sealed: string) => string | null
  /** Takes a key out of the ring; it may be there no more, or not yet. */
  readonly retireKey: (id: string) => Promise<unknown>
}

/** What was taken back once more. */
export interface Replayed {
  /** Records that changed something: how many revocations the store did not know. */
  readonly records: number
  /** How many rows were changed of each table; `token`: access tokens by name. */
  readonly rows: Readonly<Record<string, number>>
}

/**
 * Takes back once more what the journal says was taken back, on the rows as they are now: after a restore, whose backup may be older. What has
 * been replayed changes nothing, and what has been changed since stays. The records are gone through twice.
 *
 * One record at a time, in whatever order they come: those of several nodes are in none. What ends is ended whenever it did; of what is only changed the newest counts, unless the store
 * has done something newer.
 */
export async function replayJournal(
  records: Iterable<JournalRecord> | AsyncIterable<JournalRecord>,
  options: ReplayOptions,
): Promise<Replayed> {
  const judge = await findNewest(records, options.store)
  const rows: Record<string, number> = {}
  let [place, changed] = [0, 0]
  for await (const record of records) {
    const done = await replay(record, judge(place++), options)
    if (done.length > 0) changed++
    for (const what of done) rows[what] = (rows[what] ?? 0) + 1
    for (const entry of record.entries) if (entry.kind === 'key') await options.retireKey(entry.id)
  }
  return { records: changed, rows }
}

/** Says what was changed, one word a row. */
async function replay(record: JournalRecord, isNewest: IsNewest, options: ReplayOptions): Promise<readonly string[]> {
  const { store } = options
  for (let tries = 0; tries < triesAtMost; tries++) {
    const { now } = await store.loadIssuer()
    const writes = await writesOf(record, isNewest, options)
    const entries = await entriesMissing(record, store, now)
    if (writes.length === 0 && entries.length === 0) return []
    const change = { writes, entries, audit: record.audit, durable: true, time: now }
    if ((await store.commit(change)) !== 'committed') continue
    return [...writes.map(({ table }) => table), ...entries.map(() => 'token')]
  }
  throw new StoreUnavailable('The same rows are being changed by others all the time.')
}

/** Tokens that were revoked by name: everything else in the feed is said by the rows, or by the epoch that a restore raises. */
async function entriesMissing(
  { entries }: Pick<JournalRecord, 'entries'>,
  store: Store,
  now: number,
): Promise<JournalRecord['entries']> {
  const missing: JournalRecord['entries'][number][] = []
  for (const entry of entries) {
    if (entry.kind !== 'token' || entry.until * 1000 <= now) continue
    if (!(await store.feed.holds('token', entry.id))) missing.push(entry)
  }
  return missing
}

async function writesOf(
  record: JournalRecord,
  isNewest: IsNewest,
  { store, openPassword }: ReplayOptions,
): Promise<Write[]> {
  const writes: Write[] = []
  /** Unless it is so already. */
  const put = <W extends Write>(stored: W['row'], write: W): void => {
    if (!isDeepStrictEqual(stored, write.row)) writes.push(write)
  }
  for (const one of record.sessions) {
    const session = (await store.loadSessionOnly(one.id))?.session
    if (session) put(session, { table: 'session', row: endedAgain(session, one) })
  }
  for (const one of record.families) {
    const family = (await store.loadFamily(one.id))?.family
    if (family) put(family, { table: 'family', row: endedAgain(family, one) })
  }
  for (const one of record.users) {
    const { user } = await store.loadUser(one.id)
    if (user) put(user, { table: 'user', row: userAgain(user, newerPartsOf(one, isNewest), openPassword) })
  }
  writes.push(...(await unlinked(record, store)))
  for (const { userId, clientId, epoch, withdrawnAt } of record.grants) {
    const { grant } = await store.loadGrant(userId, clientId)
    if (grant === undefined || grant.epoch >= epoch) continue
    writes.push({ table: 'grant', row: { ...grant, epoch, withdrawnAt: withdrawnAt ?? grant.withdrawnAt } })
  }
  for (const row of record.clients) {
    const client = (await store.loadClient(row.id))?.client
    if (client === undefined) continue
    const newer = { client: isNewest('client', row.id), secrets: isNewest('secrets', row.id) }
    put(client, { table: 'client', row: clientAgain(client, row, newer) })
  }
  return writes
}

/** Ways to sign in that stand in the store and were taken off since. */
async function unlinked(record: JournalRecord, store: Store): Promise<Write[]> {
  const { identitiesLeft: left, time } = record
  const writes: Write[] = []
  const unlink = async (
    userId: string,
    unlinkedAt: Instant | null,
    isIt: (digest: string) => boolean,
  ): Promise<void> => {
    for (const identity of await store.listIdentities(userId)) {
      if (!isIt(identityDigest(identity)) || identity.linkedAt > (unlinkedAt ?? 0)) continue
      writes.push({ table: 'identity', row: { ...identity, unlinkedAt, told: null, sealedTokens: null } })
    }
  }
  for (const one of record.identities) await unlink(one.userId, one.unlinkedAt, digest => digest === one.digest)
  if (left) await unlink(left.userId, time, digest => !left.digests.includes(digest))
  return writes
}

/** Of what was changed, what nothing newer is known of. A record of something else says nothing of it, though its row does. */
function newerPartsOf(one: JournalledUser, isNewest: IsNewest): JournalledUser {
  const { sealedPassword, rights, disabledAt, ...user } = one
  return {
    ...user,
    disabledAt: isNewest('switched', one.id) ? disabledAt : null,
    ...(sealedPassword !== undefined && isNewest('password', one.id) && { sealedPassword }),
    ...(rights && isNewest('rights', one.id) && { rights }),
  }
}

/** Nobody is let in by it, and nobody given a right. */
function userAgain(stored: User, one: JournalledUser, openPassword: ReplayOptions['openPassword']): User {
  if (stored.deletedAt !== null) return stored
  const epoch = Math.max(stored.epoch, one.epoch)
  if (one.deletedAt !== null) return { ...stored, ...erased(one.deletedAt), epoch }
  const password = one.sealedPassword === undefined ? {} : { passwordHash: openPassword(one.id, one.sealedPassword) }
  const rights = one.rights === undefined ? {} : { rights: fewerRights(stored.rights, one.rights) }
  return { ...stored, ...password, ...rights, disabledAt: stored.disabledAt ?? one.disabledAt, epoch }
}

function fewerRights(stored: Rights, journalled: NonNullable<JournalledUser['rights']>): Rights {
  const common = (name: 'roles' | 'groups' | 'permissions'): readonly string[] =>
    stored[name].filter(item => journalled[name].includes(item))
  return { ...stored, roles: common('roles'), groups: common('groups'), permissions: common('permissions') }
}
