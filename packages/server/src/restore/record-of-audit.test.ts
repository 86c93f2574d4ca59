import {
  type Change,
  changeClient,
  endAllSessions,
  endLogin,
  endSession,
  erased,
  type JournalRecord,
  newIdentity,
  type User,
  withdrawGrant,
} from '@countersign/core'
import { createMemoryStore, type Store } from '@countersign/store'
import * as given from '@countersign/store/given'
import { expect, test } from 'vitest'
import { recordOfAudit } from './record-of-audit.ts'
import { replayJournal } from './replay-journal.ts'

const time = given.clock()
const sealPassword = ({ passwordHash }: Pick<User, 'passwordHash'>): string => passwordHash ?? ''
const open = (): Store => createMemoryStore(given.storeOptions(time))

/** A store and its backup: what is written to both is in both. */
function givenBackup(): { both: Store; live: Store; backup: Store } {
  const [live, backup] = [open(), open()]
  const commit: Store['commit'] = async change => {
    await backup.commit(change)
    return live.commit(change)
  }
  return { both: { ...live, commit }, live, backup }
}

/** Does it to the live store alone, and replays what the audit log says of it on the backup. Answers with the ids of keys that were retired. */
async function replayed(
  { live, backup }: { live: Store; backup: Store },
  ...changes: (Change | undefined)[]
): Promise<readonly string[]> {
  const after = (await live.readAudit(0, 1_000)).length
  for (const change of changes) expect(change && (await live.commit(change))).toBe('committed')
  return replayAfter({ live, backup }, after)
}

async function replayAfter(
  { live, backup }: { live: Store; backup: Store },
  after: number,
): Promise<readonly string[]> {
  const records: JournalRecord[] = []
  for (const { record } of await live.readAudit(after, 1_000)) {
    const made = await recordOfAudit(live, record, sealPassword)
    if (made) records.push(JSON.parse(JSON.stringify(made)) as JournalRecord)
  }
  const retired: string[] = []
  const retireKey = async (id: string): Promise<void> => void retired.push(id)
  const options = { store: backup, openPassword: (_: string, sealed: string) => sealed || null, retireKey }
  await replayJournal(records, options)
  expect((await replayJournal(records, options)).records).toBe(0)
  return retired
}

test('a session and a login that ended', async () => {
  const stores = givenBackup()
  const [one, other] = [await given.login(stores.both), await given.login(stores.both)]
  const [session, family] = [
    await stores.live.loadSession(one.session.id),
    await stores.live.loadFamily(other.family.id),
  ]
  await replayed(
    stores,
    session && endSession(session, 'ended_by_user'),
    family && endLogin(family, 'refresh_token_reused'),
  )
  expect((await stores.backup.loadSession(one.session.id))?.session.endReason).toBe('ended_by_user')
  expect((await stores.backup.loadFamily(other.family.id))?.family.endReason).toBe('refresh_token_reused')
})

test('a session that was ended and whose rows are gone since', async () => {
  const stores = givenBackup()
  const { session } = await given.login(stores.both)
  const after = (await stores.live.readAudit(0, 1_000)).length
  const end = endSession(
    { ...(await stores.live.loadIssuer()), session, user: await given.user(stores.both) },
    'signed_out',
  )
  await stores.live.commit(end as Change)
  time.advance(60)
  await stores.live.sweep({ keepEndedSeconds: 0, rowsAtMost: 1_000 })
  expect(await stores.live.loadSession(session.id)).toBeUndefined()
  await replayAfter(stores, after)
  expect((await stores.backup.loadSession(session.id))?.session.endReason).toBe('signed_out')
})

test('all sessions but one, with a new password: that one goes on', async () => {
  const stores = givenBackup()
  const user = await given.user(stores.both)
  const [kept, lost] = [await given.login(stores.both, { user }), await given.login(stores.both, { user })]
  const snapshot = await stores.live.loadIssuer()
  const keep = await stores.live.loadSession(kept.session.id)
  const more = { keep, user: { passwordHash: 'a new one' }, event: 'user.password_changed' as const }
  await replayed(stores, endAllSessions({ ...snapshot, user }, 'password_changed', more))
  const standing = await stores.backup.listSessions(user.id)
  expect(standing.map(({ session }) => session.id)).toEqual([kept.session.id])
  expect(standing[0]?.families).toHaveLength(1)
  expect((await stores.backup.loadUser(user.id)).user?.passwordHash).toBe('a new one')
  expect((await stores.backup.loadFamily(lost.family.id))?.user.epoch).toBe(user.epoch + 1)
})

test('people who were disabled, let in again, deleted, and lost a role', async () => {
  const stores = givenBackup()
  const people: User[] = []
  const rights = { roles: ['admin'], groups: [], permissions: [], attributes: { tenant: 'acme' } }
  for (let number = 0; number < 4; number++) people.push(await given.user(stores.both, { rights }))
  const [disabled, enabled, deleted, demoted] = people as [User, User, User, User]
  const snapshot = await stores.live.loadIssuer()
  const now = time.now()
  const written = (user: User, event: 'user.enabled' | 'user.rights_changed'): Change =>
    given.change([{ table: 'user', row: user }], { audit: [{ event, time: now, userId: user.id }], time: now })
  const ended = (user: User, change: Partial<User>, event: 'user.disabled' | 'user.deleted'): Change =>
    endAllSessions({ ...snapshot, user }, 'ended_by_operator', { user: change, event })
  await replayed(
    stores,
    ended(disabled, { disabledAt: now }, 'user.disabled'),
    ended(enabled, { disabledAt: now }, 'user.disabled'),
    written({ ...enabled, epoch: enabled.epoch + 1, version: enabled.version + 1 }, 'user.enabled'),
    ended(deleted, erased(now), 'user.deleted'),
    written({ ...demoted, rights: { ...rights, roles: [] } }, 'user.rights_changed'),
  )
  const found = async ({ id }: User): Promise<User | undefined> => (await stores.backup.loadUser(id)).user
  expect((await found(disabled))?.disabledAt).toBe(now)
  expect(await found(enabled)).toMatchObject({ disabledAt: null, epoch: enabled.epoch + 1 })
  expect(await found(deleted)).toMatchObject({ deletedAt: now, email: null, sealSalt: null })
  expect((await found(demoted))?.rights).toEqual({ ...rights, roles: [] })
})

test('a way to sign in that was taken off: the others stay, and so does one that came later', async () => {
  const stores = givenBackup()
  const user = await given.user(stores.both)
  const identity = (subject: string) =>
    newIdentity({ connection: 'google', subject, userId: user.id, linkedAt: time.now() })
  const [taken, left] = [identity('taken off'), identity('left')]
  await stores.both.commit(given.change([taken, left].map(row => ({ table: 'identity', row }))))
  time.advance(60)
  const now = time.now()
  const audit = [{ event: 'identity.unlinked' as const, time: now, userId: user.id }]
  const unlinked = { ...taken, version: 1, unlinkedAt: now }
  const later = { ...identity('later'), linkedAt: now + 1 }
  await stores.backup.commit(given.change([{ table: 'identity', row: later }]))
  await replayed(stores, given.change([{ table: 'identity', row: unlinked }], { audit, time: now }))
  const standing = (await stores.backup.listIdentities(user.id)).map(({ subject }) => subject)
  expect(standing.sort()).toEqual(['later', 'left'])
})

test('a permission that was withdrawn, a client whose secret was changed, one that was switched off, and a key', async () => {
  const stores = givenBackup()
  const user = await given.user(stores.both)
  const client = await given.client(stores.both, { id: 'app', origin: 'operator', secretHashes: ['old'] })
  const off = await given.client(stores.both, { id: 'off' })
  const grant = await given.grant(stores.both, { user, client })
  const snapshot = await stores.live.loadIssuer()
  const retired = await replayed(
    stores,
    withdrawGrant({ snapshot, client, grant, user, logins: [] }),
    changeClient(snapshot, { ...client, secretHashes: ['new'] }, { event: 'client.secrets_changed' }),
    changeClient(snapshot, { ...off, disabled: true }, { event: 'client.changed', ends: true }),
    given.change([], { audit: [{ event: 'key.retired', time: time.now(), facts: { key: 'kid-1' } }] }),
  )
  expect((await stores.backup.loadGrant(user.id, 'app')).grant).toMatchObject({ epoch: 2, withdrawnAt: time.now() })
  expect((await stores.backup.loadClient('app'))?.client.secretHashes).toEqual(['new'])
  expect((await stores.backup.loadClient('off'))?.client).toMatchObject({ disabled: true, epoch: off.epoch + 1 })
  expect(new Set(retired)).toEqual(new Set(['kid-1']))
})
