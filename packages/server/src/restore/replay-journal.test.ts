import { type AuditEvent, type JournalRecord, journalRecord, newIdentity, type User } from '@countersign/core'
import { createMemoryStore, type Store } from '@countersign/store'
import * as given from '@countersign/store/given'
import { expect, test } from 'vitest'
import { replayJournal } from './replay-journal.ts'

const time = given.clock()
const options = (store: Store) => ({ store, openPassword: () => null, retireKey: async () => undefined })

test('a way to sign in that was taken off its user does not come back with a backup, and one that was added since stays', async () => {
  const store = createMemoryStore(given.storeOptions(time))
  const { user } = await given.login(store)
  const identity = newIdentity({ connection: 'google', subject: 'of-hers', userId: user.id, linkedAt: time.now() })
  await store.commit(given.change([{ table: 'identity', row: identity }]))
  const unlinked = { ...identity, version: 1, unlinkedAt: time.now() + 1_000 }
  const audit = [{ event: 'identity.unlinked' as const, time: time.now() + 1_000, userId: user.id }]
  const record = journalRecord(given.change([{ table: 'identity', row: unlinked }], { audit }), () => '')
  expect(JSON.stringify(record)).not.toContain('of-hers')
  const records = [JSON.parse(JSON.stringify(record)) as JournalRecord]
  // The store is the backup: here it is still linked.
  expect(await replayJournal(records, options(store))).toBe(1)
  expect(await store.listIdentities(user.id)).toEqual([])
  expect(await replayJournal(records, options(store))).toBe(0)

  time.advance(60)
  const again = { ...unlinked, version: 2, unlinkedAt: null, linkedAt: time.now() }
  expect(await store.commit(given.change([{ table: 'identity', row: again }]))).toBe('committed')
  expect(await replayJournal(records, options(store))).toBe(0)
  expect(await store.listIdentities(user.id)).toHaveLength(1)
})

test('a journal of before identities could be taken away is replayed', async () => {
  const store = createMemoryStore(given.storeOptions(time))
  const { session } = await given.login(store)
  const ended = { ...session, endedAt: time.now(), endReason: 'signed_out' as const }
  const audit = [{ event: 'session.ended' as const, time: time.now() }]
  const record = journalRecord(given.change([{ table: 'session', row: ended }], { audit }), () => '')
  const { identities: _, ...old } = JSON.parse(JSON.stringify(record))
  expect(await replayJournal([old], options(store))).toBe(1)
  expect((await store.loadSessionOnly(session.id))?.session.endedAt).toBe(ended.endedAt)
})

test('a role that was taken away does not come back with a backup; what an operator keeps of a person besides is not in the journal', async () => {
  const store = createMemoryStore(given.storeOptions(time))
  const before = { roles: ['admin'], groups: ['staff'], permissions: [], attributes: { tenant: 'acme' } }
  const user = await given.user(store, { rights: before })
  const demoted = { ...user, rights: { ...before, roles: [], attributes: { tenant: 'of another' } } }
  const audit = [{ event: 'user.rights_changed' as const, time: time.now(), userId: user.id }]
  const record = journalRecord(given.change([{ table: 'user', row: demoted }], { audit }), () => '')
  expect(JSON.stringify(record)).not.toContain('of another')
  const records = [JSON.parse(JSON.stringify(record)) as JournalRecord]
  expect(await replayJournal(records, options(store))).toBe(1)
  expect((await store.loadUser(user.id)).user?.rights).toEqual({ ...before, roles: [] })
  expect(await replayJournal(records, options(store))).toBe(0)
})

test('journals of several nodes are in no order: of what is only changed the newest counts, and nobody is let in by a record of something else', async () => {
  const store = createMemoryStore(given.storeOptions(time))
  const user = await given.user(store)
  const recordAt = (when: number, event: AuditEvent, change: Partial<User>): JournalRecord => {
    const audit = [{ event, time: when, userId: user.id }]
    const row = { ...user, ...change }
    const record = journalRecord(
      given.change([{ table: 'user', row }], { audit, time: when }),
      ({ passwordHash }) => passwordHash ?? '',
    )
    return JSON.parse(JSON.stringify(record)) as JournalRecord
  }
  const now = time.now()
  const records = [
    recordAt(now + 3, 'user.password_changed', { passwordHash: 'third' }),
    recordAt(now + 5, 'user.disabled', { disabledAt: now + 5 }),
    recordAt(now + 4, 'user.enabled', { disabledAt: null }),
    recordAt(now + 6, 'sessions.ended', { disabledAt: null, epoch: user.epoch + 1 }),
    recordAt(now + 2, 'user.password_changed', { passwordHash: 'second' }),
  ]
  await replayJournal(records, { ...options(store), openPassword: (_, sealed) => sealed })
  const epoch = user.epoch + 1
  expect((await store.loadUser(user.id)).user).toMatchObject({ passwordHash: 'third', disabledAt: now + 5, epoch })
})
