import {
  type AuditRecord,
  type Change,
  type Device,
  deviceHash,
  type Instant,
  isKnown,
  isPublic,
  type MailKind,
  mayUse,
  rememberDevice,
  type User,
  type Write,
} from '@countersign/core'
import type { Store } from '@countersign/store'
import { networkKey } from '../passwords/address-key.ts'
import type { Mailer } from './mailer.ts'

/**
 * The store, so that users get a mail of what concerns their safety: a sign-in from a device or place that was not seen with them before, a session that ended because its
 * refresh token was used twice, one that went on elsewhere with a token that had been used, a new password, another way to sign in. It is written in the commit that makes it necessary, whichever endpoint that comes from; nobody who changes something has
 * to think of it.
 */
export function mailOfEvents(store: Store, mailer: Mailer): Store {
  return {
    ...store,
    async commit(change) {
      const writes = await writesOf(store, mailer, change)
      return store.commit(writes.length === 0 ? change : { ...change, writes: [...change.writes, ...writes] })
    },
  }
}

async function writesOf(store: Store, mailer: Mailer, change: Change): Promise<readonly Write[]> {
  const { audit } = change
  const created = audit.find(({ event }) => event === 'user.created')
  const signedIn = audit.find(({ event, facts }) => event === 'session.created' && facts?.offline !== true)
  const writes: Write[] = []
  if (signedIn ?? created) {
    const user = await userOf(store, change, (signedIn ?? created)?.userId)
    if (user !== undefined) writes.push(...(await firstSeen(store, mailer, { change, user, created, signedIn })))
  }
  const reused = audit.find(({ event }) => event === 'refresh.reused')
  if (reused !== undefined)
    writes.push(...mailTo(mailer, 'token_reused', await userOf(store, change, reused.userId), reused))
  const repeated = audit.find(({ event }) => event === 'refresh.replay_flagged' || event === 'refresh.credit_spent')
  if (repeated !== undefined) writes.push(...(await repeatedElsewhere(store, mailer, change, repeated)))
  const passwordChanged = audit.find(({ event }) => event === 'user.password_changed')
  if (passwordChanged !== undefined) {
    const user = await userOf(store, change, passwordChanged.userId)
    // Who has just said "this was not me" has no password any more, and is about to choose one.
    if (user?.passwordHash != null) writes.push(...mailTo(mailer, 'password_changed', user, passwordChanged))
  }
  // One that comes without a session is given back to who has just said "this was not me".
  const wayAdded = audit.find(({ event, sessionId }) => event === 'identity.linked' && sessionId != null)
  if (wayAdded !== undefined)
    writes.push(...mailTo(mailer, 'way_added', await userOf(store, change, wayAdded.userId), wayAdded))
  return writes
}

/**
 * A sign-in: the device, in its network, is remembered; if it was not known, its user is told. What an account was made on is known from the start. A device is what it
 * calls itself: nothing is asked of it, and nothing kept on it.
 */
async function firstSeen(
  store: Store,
  mailer: Mailer,
  {
    change,
    user,
    created,
    signedIn,
  }: { change: Change; user: User; created: AuditRecord | undefined; signedIn: AuditRecord | undefined },
): Promise<readonly Write[]> {
  const { device, ip } = (signedIn ?? created)?.personal ?? {}
  if (ip === undefined) return []
  const hash = hashOfDevice(user, { label: device ?? '', ip })
  if (hash === undefined) return []
  const before = (await store.loadShortLived('knownDevice', hash))?.row
  const row = rememberDevice(hash, change.time, before)
  const writes: Write[] = row === undefined ? [] : [{ table: 'knownDevice', row }]
  const isNews = signedIn !== undefined && created === undefined && !isKnown(before, change.time)
  return isNews ? [...writes, ...mailTo(mailer, 'new_device', user, signedIn)] : writes
}

/**
 * A refresh token that had been used was presented once more, and answered (docs/refresh.md, rows 7 and 9): a lost answer, or a copy. The user is told if it came from another device or
 * network than the login, which they have not signed in from either: once of each, however often it comes again, until they end everything, which raises their epoch. Where a back end
 * refreshes, device and network are its own, and say nothing.
 */
async function repeatedElsewhere(
  store: Store,
  mailer: Mailer,
  change: Change,
  event: AuditRecord,
): Promise<readonly Write[]> {
  const { personal, sessionId = '', clientId = '' } = event
  const user = await userOf(store, change, event.userId)
  const session = (await store.loadSessionOnly(sessionId))?.session
  const client = (await store.loadClient(clientId))?.client
  if (user === undefined || personal?.ip === undefined || session === undefined) return []
  if (client === undefined || !isPublic(client)) return []
  const from = { label: personal.device ?? '', ip: personal.ip }
  const hash = hashOfDevice(user, from)
  const told = deviceHash(user, 'told of', String(user.epoch), from.label, networkKey(from.ip))
  if (hash === undefined || told === undefined || hash === hashOfDevice(user, session.device)) return []
  const known = await Promise.all([hash, told].map(one => store.loadShortLived('knownDevice', one)))
  if (known.some(found => isKnown(found?.row, change.time))) return []
  const row = rememberDevice(told, change.time, known[1]?.row)
  // Without the session: its page would show the device that they know.
  const mail = mailTo(mailer, 'token_repeated', user, { time: event.time, personal })
  return row === undefined || mail.length === 0 ? mail : [{ table: 'knownDevice', row }, ...mail]
}

/** What it is remembered by. */
export function hashOfDevice(user: User, { label, ip }: Device): string | undefined {
  return deviceHash(user, label, networkKey(ip))
}

/** As the change leaves them. */
async function userOf(store: Store, { writes }: Change, id: string | null | undefined): Promise<User | undefined> {
  for (const write of writes) if (write.table === 'user' && write.row.id === id) return write.row
  return id ? (await store.loadUser(id)).user : undefined
}

function mailTo(
  mailer: Mailer,
  kind: MailKind,
  user: User | undefined,
  event: { readonly time: Instant } & Pick<AuditRecord, 'sessionId' | 'personal'>,
): readonly Write[] {
  if (user === undefined || user.email === null || !mayUse(user)) return []
  const { device, ip } = event.personal ?? {}
  return [
    mailer.toUser(kind, user, {
      to: user.email,
      time: event.time,
      ...(user.profile.locale !== undefined && { language: user.profile.locale }),
      ...(device !== undefined && { device }),
      ...(ip !== undefined && { ip }),
      ...(event.sessionId != null && { sessionId: event.sessionId }),
    }),
  ]
}
