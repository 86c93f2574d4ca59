import { isDeepStrictEqual } from 'node:util'
import {
  endedAgain,
  erased,
  type Instant,
  identityDigest,
  type JournalledUser,
  type JournalRecord,
  type User,
  type Write,
} from '@countersign/core'
import { type Store, StoreUnavailable } from '@countersign/store'

const triesAtMost = 10

export interface ReplayOptions {
  readonly store: Store
  /** Opens what sealed the hash of a changed password. */
  readonly openPassword: (userId: string, sealed: string) => string | null
  /** Takes a key out of the ring; it may be there no more, or not yet. */
  readonly retireKey: (id: string) => Promise<unknown>
}

/**
 * Takes back once more what the journal says was taken back, on the rows as they are now: after a restore, whose backup may be older. What has
 * been replayed changes nothing. Returns how many records changed something.
 *
 * One record at a time, in whatever order they come: those of several nodes are in none. What ends is ended whenever it did; of what is only changed, the newest counts.
 */
export async function replayJournal(
  records: Iterable<JournalRecord> | AsyncIterable<JournalRecord>,
  options: ReplayOptions,
): Promise<number> {
  let changed = 0
  const newest = createNewest()
  for await (const record of records) {
    if (await replay(newest(record), options)) changed++
    for (const entry of record.entries) if (entry.kind === 'key') await options.retireKey(entry.id)
  }
  return changed
}

/** Absent `disabledAt`: the record does not say. */
interface ReplayedUser extends Omit<JournalledUser, 'disabledAt'> {
  readonly disabledAt?: Instant | null
}

interface ReplayedRecord extends Omit<JournalRecord, 'users'> {
  readonly users: readonly ReplayedUser[]
}

/** Takes out of a record what one before it was newer in. */
function createNewest(): (record: JournalRecord) => ReplayedRecord {
  const times = new Map<string, number>()
  const isNewest = (time: number, ...what: readonly string[]): boolean => {
    const name = what.join(' ')
    if (time < (times.get(name) ?? 0)) return false
    times.set(name, time)
    return true
  }
  return record => {
    const { time } = record
    const events = new Set(record.audit.map(({ event }) => event))
    const users = record.users.map(({ sealedPassword, rights, disabledAt, ...user }) => {
      // Nobody is let in again by a row that was written for another reason.
      const isSwitched = disabledAt !== null || events.has('user.enabled')
      return {
        ...user,
        ...(isSwitched && isNewest(time, 'switched', user.id) && { disabledAt }),
        ...(sealedPassword !== undefined && isNewest(time, 'password', user.id) && { sealedPassword }),
        ...(rights && isNewest(time, 'rights', user.id) && { rights }),
      }
    })
    return { ...record, users, clients: record.clients.filter(({ id }) => isNewest(time, 'client', id)) }
  }
}

async function replay(record: ReplayedRecord, options: ReplayOptions): Promise<boolean> {
  const { store } = options
  for (let tries = 0; tries < triesAtMost; tries++) {
    const { now } = await store.loadIssuer()
    const writes = await writesOf(record, options)
    const entries = await entriesMissing(record, store, now)
    if (writes.length === 0 && entries.length === 0) return false
    const change = { writes, entries, audit: record.audit, durable: true, time: now }
    if ((await store.commit(change)) === 'committed') return true
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

async function writesOf(record: ReplayedRecord, { store, openPassword }: ReplayOptions): Promise<Write[]> {
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
    if (user) put(user, { table: 'user', row: userAgain(user, one, openPassword) })
  }
  writes.push(...(await unlinked(record, store)))
  for (const { userId, clientId, epoch, withdrawnAt } of record.grants) {
    const { grant } = await store.loadGrant(userId, clientId)
    if (grant && grant.epoch < epoch) put(grant, { table: 'grant', row: { ...grant, epoch, withdrawnAt } })
  }
  for (const row of record.clients) {
    const client = (await store.loadClient(row.id))?.client
    if (client === undefined) continue
    const { version } = client
    put(client, { table: 'client', row: { ...row, epoch: Math.max(row.epoch, client.epoch), version } })
  }
  return writes
}

/** Ways to sign in that stand in the store and were taken off since. */
async function unlinked(record: ReplayedRecord, store: Store): Promise<Write[]> {
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
  // A journal of before knows of none.
  for (const one of record.identities ?? []) await unlink(one.userId, one.unlinkedAt, digest => digest === one.digest)
  if (left) await unlink(left.userId, time, digest => !left.digests.includes(digest))
  return writes
}

function userAgain(stored: User, one: ReplayedUser, openPassword: ReplayOptions['openPassword']): User {
  if (stored.deletedAt !== null) return stored
  const epoch = Math.max(stored.epoch, one.epoch)
  if (one.deletedAt !== null) return { ...stored, ...erased(one.deletedAt), epoch }
  const password = one.sealedPassword === undefined ? {} : { passwordHash: openPassword(one.id, one.sealedPassword) }
  const rights = one.rights === undefined ? {} : { rights: { ...stored.rights, ...one.rights } }
  const switched = one.disabledAt === undefined ? {} : { disabledAt: one.disabledAt }
  return { ...stored, ...password, ...rights, ...switched, epoch }
}
