import {
  type AuditEvent,
  type AuditRecord,
  type EndReason,
  identityDigest,
  type JournalledLogin,
  type JournalRecord,
  journalRecord,
  type User,
  type Write,
} from '@countersign/core'
import type { FeedEntry } from '@countersign/protocol'
import type { Store } from '@countersign/store'

type StoredRecord = Omit<AuditRecord, 'personal'>

const endsFamily: ReadonlySet<AuditEvent> = new Set<AuditEvent>(['family.ended', 'refresh.reused', 'code.reused'])
const keepsOne: ReadonlySet<AuditEvent> = new Set<AuditEvent>(['sessions.ended', 'user.password_changed'])

/**
 * What the journal keeps of a change that somebody else has committed, of which the audit log says what it was: the rows that it was about, as they are now. What
 * has happened to them since has a row of its own in the log. Of a single access token nothing is kept: a restore renews them all.
 */
export async function recordOfAudit(
  store: Store,
  record: StoredRecord,
  sealPassword: (user: User) => string,
): Promise<JournalRecord | undefined> {
  const writes = await rowsBehind(store, record)
  const made = journalRecord({ writes, audit: [record], entries: keyOf(record), time: record.time }, sealPassword)
  if (made === undefined || record.event === 'token.revoked') return undefined
  const { sessions, families } = made
  return {
    ...made,
    sessions: [
      ...sessions,
      ...swept(record.event === 'session.ended' ? record.sessionId : undefined, sessions, record),
    ],
    families: [...families, ...swept(endsFamily.has(record.event) ? record.familyId : undefined, families, record)],
    ...(await identitiesLeft(store, record)),
  }
}

async function rowsBehind(store: Store, record: StoredRecord): Promise<readonly Write[]> {
  const { event, userId, sessionId, familyId, clientId } = record
  const writes: Write[] = []
  const user = userId === undefined ? undefined : (await store.loadUser(userId)).user
  if (user) writes.push({ table: 'user', row: user })
  const login = sessionId === undefined ? undefined : await store.loadSession(sessionId)
  const kept = userId !== undefined && keepsOne.has(event) ? await store.listSessions(userId) : []
  const logins = [...kept, ...(login ? [login] : [])]
  writes.push(...once(logins.map(({ session }) => session)).map((row): Write => ({ table: 'session', row })))
  const family = familyId === undefined ? undefined : await store.loadFamily(familyId)
  const families = [...logins.flatMap(one => one.families), ...(family ? [family.family] : [])]
  writes.push(...once(families).map((row): Write => ({ table: 'family', row })))
  if (event === 'grant.withdrawn' && userId !== undefined && clientId !== undefined) {
    const { grant } = await store.loadGrant(userId, clientId)
    if (grant) writes.push({ table: 'grant', row: grant })
  }
  // Elsewhere the client is the one through which it happened.
  const client = event.startsWith('client.') && clientId !== undefined ? await store.loadClient(clientId) : undefined
  if (client) writes.push({ table: 'client', row: client.client })
  return writes
}

function once<Row extends { readonly id: string }>(rows: readonly Row[]): readonly Row[] {
  return [...new Map(rows.map(row => [row.id, row])).values()]
}

/** A login whose rows are gone already; a backup may still have them. */
function swept(
  id: string | undefined,
  found: readonly JournalledLogin[],
  { time, facts }: StoredRecord,
): readonly JournalledLogin[] {
  if (id === undefined || found.some(one => one.id === id)) return []
  return [{ id, epochs: { all: 0 }, endedAt: time, endReason: (facts?.reason ?? 'ended_by_operator') as EndReason }]
}

function keyOf({ event, time, facts }: StoredRecord): readonly FeedEntry[] {
  if (event !== 'key.retired') return []
  return [{ kind: 'key', id: String(facts?.key), until: Math.ceil(time / 1000) }]
}

async function identitiesLeft(
  store: Store,
  { event, userId }: StoredRecord,
): Promise<Pick<JournalRecord, 'identitiesLeft'>> {
  if (event !== 'identity.unlinked' || userId === undefined) return {}
  const digests = (await store.listIdentities(userId)).map(identityDigest)
  return { identitiesLeft: { userId, digests } }
}
