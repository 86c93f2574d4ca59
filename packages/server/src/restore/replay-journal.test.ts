import {
  type AuditEvent,
  type Change,
  type Client,
  declareClient,
  isJournalled,
  type JournalRecord,
  journalRecord,
  newIdentity,
  type User,
} from '@countersign/core'
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
  expect(await replayJournal(records, options(store))).toMatchObject({ records: 1 })
  expect(await store.listIdentities(user.id)).toEqual([])
  expect(await replayJournal(records, options(store))).toMatchObject({ records: 0 })

  time.advance(60)
  const again = { ...unlinked, version: 2, unlinkedAt: null, linkedAt: time.now() }
  expect(await store.commit(given.change([{ table: 'identity', row: again }]))).toBe('committed')
  expect(await replayJournal(records, options(store))).toMatchObject({ records: 0 })
  expect(await store.listIdentities(user.id)).toHaveLength(1)
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
  expect(await replayJournal(records, options(store))).toMatchObject({ records: 1 })
  expect((await store.loadUser(user.id)).user?.rights).toEqual({ ...before, roles: [] })
  expect(await replayJournal(records, options(store))).toMatchObject({ records: 0 })
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

/** A change of the one user's row, committed; and what a journal has of it. */
async function changedUser(store: Store, id: string, event: AuditEvent, more: Partial<User>): Promise<JournalRecord> {
  time.advance(10)
  const row = { ...((await store.loadUser(id)).user as User), ...more }
  const audit = [{ event, time: time.now(), userId: id }]
  expect(await store.commit(given.change([{ table: 'user', row }], { audit }))).toBe('committed')
  return journalled([{ table: 'user', row }], audit)
}

async function changedClient(
  store: Store,
  event: AuditEvent,
  more: Partial<Client>,
): Promise<JournalRecord | undefined> {
  time.advance(10)
  const row = { ...((await store.loadClient('importer'))?.client as Client), ...more }
  const audit = [{ event, time: time.now(), clientId: 'importer' }]
  expect(await store.commit(given.change([{ table: 'client', row }], { audit }))).toBe('committed')
  return isJournalled({ event }) ? journalled([{ table: 'client', row }], audit) : undefined
}

function journalled(writes: Change['writes'], audit: Change['audit']): JournalRecord {
  const record = journalRecord(given.change(writes, { audit, time: time.now() }), user => user.passwordHash ?? '')
  return JSON.parse(JSON.stringify(record)) as JournalRecord
}

const open = (store: Store) => ({ ...options(store), openPassword: (_: string, sealed: string) => sealed })
const rights = { roles: ['admin'], groups: [], permissions: [], attributes: {} }

test('a journal that ends earlier than the store brings back no password, right or switch that was changed since', async () => {
  const store = createMemoryStore(given.storeOptions(time))
  const { id, epoch } = await given.user(store)
  const found = [
    await changedUser(store, id, 'user.password_changed', { passwordHash: 'second', epoch: epoch + 1 }),
    await changedUser(store, id, 'user.rights_changed', { rights }),
    await changedUser(store, id, 'user.disabled', { disabledAt: time.now(), epoch: epoch + 2 }),
  ]
  await changedUser(store, id, 'user.password_changed', { passwordHash: 'third', epoch: epoch + 3 })
  await changedUser(store, id, 'user.rights_changed', { rights: { ...rights, roles: ['reader'] } })
  await changedUser(store, id, 'user.enabled', { disabledAt: null })
  expect((await replayJournal(found, open(store))).records).toBe(0)
  const { user } = await store.loadUser(id)
  expect(user).toMatchObject({ passwordHash: 'third', disabledAt: null, rights: { roles: ['reader'] } })
})

test('nor does one whose changes the store has never had: what it has done later stays', async () => {
  const [lost, store] = [createMemoryStore(given.storeOptions(time)), createMemoryStore(given.storeOptions(time))]
  const user = await given.user(store, { rights })
  await lost.commit(given.change([{ table: 'user', row: { ...user, version: 0 } }]))
  const found = [
    await changedUser(lost, user.id, 'user.password_changed', { passwordHash: 'second', epoch: user.epoch + 4 }),
    await changedUser(lost, user.id, 'user.disabled', { disabledAt: time.now(), epoch: user.epoch + 5 }),
    await changedUser(lost, user.id, 'user.rights_changed', { rights: { ...rights, roles: [] } }),
  ]
  await changedUser(store, user.id, 'user.password_changed', { passwordHash: 'third', epoch: user.epoch + 1 })
  await changedUser(store, user.id, 'user.enabled', { disabledAt: null })
  await changedUser(store, user.id, 'user.rights_changed', { rights })
  await replayJournal(found, open(store))
  const kept = { passwordHash: 'third', disabledAt: null, rights, epoch: user.epoch + 5 }
  expect((await store.loadUser(user.id)).user).toMatchObject(kept)
})

test('a replay gives nobody a right, and lets nobody in who was disabled', async () => {
  const [live, backup] = [createMemoryStore(given.storeOptions(time)), createMemoryStore(given.storeOptions(time))]
  const user = await given.user(backup, { disabledAt: time.now(), rights: { ...rights, roles: ['reader', 'writer'] } })
  await live.commit(given.change([{ table: 'user', row: { ...user, version: 0 } }]))
  const records = [
    await changedUser(live, user.id, 'user.enabled', { disabledAt: null }),
    await changedUser(live, user.id, 'user.rights_changed', { rights: { ...rights, roles: [] } }),
    await changedUser(live, user.id, 'user.rights_changed', { rights: { ...rights, roles: ['admin', 'reader'] } }),
  ]
  await replayJournal(records, open(backup))
  const left = { disabledAt: user.disabledAt, rights: { ...rights, roles: ['reader'] } }
  expect((await backup.loadUser(user.id)).user).toMatchObject(left)
})

/** A client that an operator has made, and what a backup has of it. */
async function givenClients(client: Partial<Client> = {}): Promise<{ live: Store; backup: Store }> {
  const [live, backup] = [createMemoryStore(given.storeOptions(time)), createMemoryStore(given.storeOptions(time))]
  const row = declareClient({ id: 'importer', origin: 'operator', createdAt: time.now(), ...client })
  for (const store of [live, backup]) await store.commit(given.change([{ table: 'client', row }]))
  return { live, backup }
}

test('a client that was removed and made again under its id stays, if the backup has it', async () => {
  const { live } = await givenClients()
  const removed = await changedClient(live, 'client.revoked', { removedAt: time.now(), disabled: true, epoch: 2 })
  const gone = [removed].filter(record => record !== undefined)
  const anew = await changedClient(live, 'client.registered', { removedAt: null, disabled: false })
  expect(anew).toBeUndefined()
  expect((await replayJournal(gone, open(live))).records).toBe(0)
  expect((await live.loadClient('importer'))?.client).toMatchObject({ removedAt: null, disabled: false })
})

test('a client that was removed since the backup is removed again', async () => {
  const { live, backup } = await givenClients({ secretHashes: ['one'] })
  const how = { removedAt: time.now(), disabled: true, epoch: 2, secretHashes: [] }
  const removed = await changedClient(live, 'client.revoked', how)
  await replayJournal(
    [removed].filter(record => record !== undefined),
    open(backup),
  )
  const gone = { removedAt: how.removedAt, disabled: true, epoch: 2 }
  expect((await backup.loadClient('importer'))?.client).toMatchObject(gone)
})

test('a client that was used since it changed its registration does not become an unused one', async () => {
  const { live } = await givenClients({ origin: 'registered', expiresAt: time.now() + 1_000_000 })
  const changed = await changedClient(live, 'client.changed', { scopes: ['notes'] })
  const row = { ...((await live.loadClient('importer'))?.client as Client), expiresAt: null }
  await live.commit(given.change([{ table: 'client', row }]))
  await replayJournal(
    [changed].filter(record => record !== undefined),
    open(live),
  )
  expect((await live.loadClient('importer'))?.client.expiresAt).toBeNull()
})

test('of a client’s settings a replay takes away what was taken away, and gives nothing', async () => {
  const uri = (name: string): string => `https://${name}.example/back`
  const { live, backup } = await givenClients({ scopes: ['a', 'b'], redirectUris: [uri('old')], firstParty: true })
  const changed = await changedClient(live, 'client.changed', {
    scopes: ['b', 'users:manage'],
    redirectUris: [uri('new')],
    firstParty: false,
    consent: 'asked',
    directLogin: true,
    name: 'another',
  })
  await replayJournal(
    [changed].filter(record => record !== undefined),
    open(backup),
  )
  const left = { scopes: ['b'], redirectUris: [], firstParty: false, consent: 'asked', directLogin: false }
  expect((await backup.loadClient('importer'))?.client).toMatchObject({ ...left, name: 'importer' })
})

test('a secret that was retired since the backup is none, the new one is good, and nobody comes without', async () => {
  const { live, backup } = await givenClients({ secretHashes: ['one'] })
  const records = [
    await changedClient(live, 'client.secrets_changed', { secretHashes: ['two', 'one'] }),
    await changedClient(live, 'client.secrets_changed', { secretHashes: ['two'] }),
  ].filter(record => record !== undefined)
  await replayJournal(records, open(backup))
  expect((await backup.loadClient('importer'))?.client.secretHashes).toEqual(['two'])
  // A journal that ends earlier.
  expect((await replayJournal(records.slice(0, 1), open(backup))).records).toBe(0)
  const emptied = await changedClient(live, 'client.secrets_changed', { secretHashes: [] })
  await replayJournal(
    [emptied].filter(record => record !== undefined),
    open(backup),
  )
  expect((await backup.loadClient('importer'))?.client.secretHashes).toEqual(['two'])
})
