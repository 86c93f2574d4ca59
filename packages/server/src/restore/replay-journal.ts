import { isDeepStrictEqual } from 'node:util'
import {
  endedAgain,
  erased,
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
 */
export async function replayJournal(records: readonly JournalRecord[], options: ReplayOptions): Promise<number> {
  let changed = 0
  for (const record of [...records].sort((one, other) => one.time - other.time)) {
    if (await replay(record, options)) changed++
    for (const entry of record.entries) if (entry.kind === 'key') await options.retireKey(entry.id)
  }
  return changed
}

async function replay(record: JournalRecord, options: ReplayOptions): Promise<boolean> {
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
  { entries }: JournalRecord,
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

async function writesOf(record: JournalRecord, { store, openPassword }: ReplayOptions): Promise<Write[]> {
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
  // A journal of before knows of none.
  for (const { userId, digest, unlinkedAt } of record.identities ?? []) {
    const standing = await store.listIdentities(userId)
    const identity = standing.find(one => identityDigest(one) === digest && one.linkedAt <= (unlinkedAt ?? 0))
    if (identity) writes.push({ table: 'identity', row: { ...identity, unlinkedAt, told: null, sealedTokens: null } })
  }
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

function userAgain(stored: User, one: JournalledUser, openPassword: ReplayOptions['openPassword']): User {
  if (stored.deletedAt !== null) return stored
  const epoch = Math.max(stored.epoch, one.epoch)
  if (one.deletedAt !== null) return { ...stored, ...erased(one.deletedAt), epoch }
  const password = one.sealedPassword === undefined ? {} : { passwordHash: openPassword(one.id, one.sealedPassword) }
  const rights = one.rights === undefined ? {} : { rights: { ...stored.rights, ...one.rights } }
  return { ...stored, ...password, ...rights, epoch, disabledAt: one.disabledAt }
}
