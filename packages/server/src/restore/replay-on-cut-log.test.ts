import {
  type AuditEvent,
  type Client,
  declareClient,
  endSession,
  isJournalled,
  type JournalRecord,
  journalRecord,
  type Session,
  type User,
} from '@countersign/core'
import { isRefusal } from '@countersign/protocol'
import { createMemoryStore, type Store } from '@countersign/store'
import * as given from '@countersign/store/given'
import { describe, expect, test } from 'vitest'
import { loadAnchor, pruneAuditLog } from '../audit/prune-audit.ts'
import { replayJournal } from './replay-journal.ts'

const day = 86_400
const beginning = Date.UTC(2026, 0, 1)
const account = given.newUser(beginning, {
  passwordHash: 'first',
  rights: { roles: ['admin', 'reader'], groups: [], permissions: [], attributes: {} },
})
const application = declareClient({
  id: 'importer',
  origin: 'operator',
  createdAt: beginning,
  scopes: ['a', 'b'],
  secretHashes: ['one'],
})

/** A store, its clock, and the journal of everything that was done to it. */
interface Installation {
  readonly store: Store
  readonly records: JournalRecord[]
  readonly goTo: (days: number) => void
  readonly now: () => number
}

async function begun(): Promise<Installation> {
  const clock = given.clock(beginning)
  const store = createMemoryStore(given.storeOptions(clock))
  await store.commit(given.change([{ table: 'user', row: account }]))
  await store.commit(given.change([{ table: 'client', row: application }]))
  const goTo = (days: number): void => clock.advance(days * day - (clock.now() - beginning) / 1_000)
  return { store, records: [], goTo, now: clock.now }
}

interface Step {
  readonly day: number
  readonly event: AuditEvent
  readonly user?: Partial<User>
  readonly client?: Partial<Client>
}

const roles = (...names: string[]): Partial<User> => ({ rights: { ...account.rights, roles: names } })
const disabledAt = (days: number): number => beginning + days * day * 1_000

const beforeBackup: readonly Step[] = [
  { day: 1, event: 'user.password_changed', user: { passwordHash: 'second', epoch: 1 } },
  { day: 2, event: 'user.rights_changed', user: roles('reader') },
  { day: 3, event: 'user.disabled', user: { disabledAt: disabledAt(3), epoch: 2 } },
  { day: 4, event: 'client.secrets_changed', client: { secretHashes: ['two'] } },
  { day: 5, event: 'client.changed', client: { scopes: ['a'] } },
  { day: 6, event: 'client.revoked', client: { removedAt: disabledAt(6), disabled: true, epoch: 1 } },
  { day: 40, event: 'user.enabled', user: { disabledAt: null } },
  { day: 41, event: 'user.password_changed', user: { passwordHash: 'third', epoch: 3 } },
  { day: 42, event: 'user.rights_changed', user: roles('admin', 'reader') },
  { day: 43, event: 'client.registered', client: { removedAt: null, disabled: false, scopes: ['a', 'b'] } },
  { day: 44, event: 'client.secrets_changed', client: { secretHashes: ['three'] } },
]
const sinceBackup: readonly Step[] = [
  { day: 61, event: 'user.password_changed', user: { passwordHash: 'fourth', epoch: 4 } },
  { day: 62, event: 'user.rights_changed', user: roles('reader') },
  { day: 63, event: 'client.secrets_changed', client: { secretHashes: ['four'] } },
  { day: 64, event: 'client.changed', client: { scopes: ['b'] } },
  { day: 65, event: 'user.disabled', user: { disabledAt: disabledAt(65), epoch: 5 } },
]
const sinceRestore: readonly Step[] = [
  { day: 101, event: 'user.enabled', user: { disabledAt: null } },
  { day: 102, event: 'user.password_changed', user: { passwordHash: 'fifth', epoch: 6 } },
  { day: 103, event: 'user.rights_changed', user: roles('admin') },
  { day: 104, event: 'client.secrets_changed', client: { secretHashes: ['five'] } },
  { day: 105, event: 'client.changed', client: { scopes: ['a', 'b'] } },
]

async function live({ store, records, goTo, now }: Installation, steps: readonly Step[]): Promise<void> {
  for (const { day: days, event, ...changed } of steps) {
    goTo(days)
    const { user } = await store.loadUser(account.id)
    const client = (await store.loadClient(application.id))?.client
    if (user === undefined || client === undefined) throw new Error('they are not there')
    const write = changed.user
      ? ({ table: 'user', row: { ...user, ...changed.user } } as const)
      : ({ table: 'client', row: { ...client, ...changed.client } } as const)
    const about = changed.user ? { userId: user.id } : { clientId: client.id }
    const change = given.change([write], { audit: [{ event, time: now(), ...about }], time: now() })
    expect(await store.commit(change)).toBe('committed')
    if (!isJournalled({ event })) continue
    const record = journalRecord(change, ({ passwordHash }) => passwordHash ?? '')
    records.push(JSON.parse(JSON.stringify(record)) as JournalRecord)
  }
}

/** Removes what is older than a day, and deletes it. */
async function cut({ store }: Installation, days: number): Promise<void> {
  const removed = await pruneAuditLog({ store }, { before: beginning + days * day * 1_000 })
  if (isRefusal(removed) || removed.rows === 0) throw new Error('nothing was removed')
  while ((await store.deletePrunedAudit(2)) > 0);
  await expect(store.readAudit(0, 1)).rejects.toMatchObject({ name: 'AuditPruned' })
}

/** Something young, behind which all that is older may go. */
async function write({ store, now }: Installation, time: number = now()): Promise<void> {
  await store.commit(given.change([], { audit: [{ event: 'keys.turned', time }] }))
}

const replay = ({ store }: Installation, records: readonly JournalRecord[]): ReturnType<typeof replayJournal> =>
  replayJournal(records, { store, openPassword: (_, sealed) => sealed, retireKey: async () => undefined })

async function standing({ store }: Installation): Promise<object> {
  const { user } = await store.loadUser(account.id)
  const client = (await store.loadClient(application.id))?.client
  if (user === undefined || client === undefined) throw new Error('they are not there')
  return {
    password: user.passwordHash,
    roles: user.rights.roles,
    isDisabled: user.disabledAt !== null,
    epoch: user.epoch,
    secrets: client.secretHashes,
    scopes: client.scopes,
    isRemoved: client.removedAt !== null,
    clientEpoch: client.epoch,
  }
}

/** What a backup of day 60 holds, restored at day 100. `cutAt`: what was cut off by then. */
async function restored(cutAt: number | undefined): Promise<Installation> {
  const house = await begun()
  await live(house, beforeBackup)
  house.goTo(58)
  await write(house)
  if (cutAt !== undefined) await cut(house, cutAt)
  house.goTo(100)
  return house
}

/** All journals there may be: whole ones, those that end or begin somewhere, single lines, in any order. */
function journalsOf(records: readonly JournalRecord[]): readonly (readonly JournalRecord[])[] {
  return [
    records,
    records.toReversed(),
    ...records.flatMap((record, place) => [records.slice(0, place), records.slice(place), [record]]),
  ]
}

async function everythingJournalled(): Promise<readonly JournalRecord[]> {
  const house = await begun()
  await live(house, [...beforeBackup, ...sinceBackup])
  return house.records
}

describe.each([
  ['nothing', undefined],
  ['the first of what was changed', 3.5],
  ['what was changed first', 20],
  ['everything but the newest row', 50],
])('of the log of a backup %s was cut off', (_name, cutAt) => {
  test('a replay of whole journals takes away what was taken away since, and again it does nothing', async () => {
    const house = await restored(cutAt)
    const records = await everythingJournalled()
    expect((await loadAnchor(house.store)) !== undefined).toBe(cutAt !== undefined)
    await replay(house, records)
    const left = { password: 'fourth', roles: ['reader'], isDisabled: true, epoch: 5, secrets: ['four'], scopes: ['b'] }
    expect(await standing(house)).toMatchObject({ ...left, isRemoved: false })
    for (const journal of journalsOf(records)) expect(await replay(house, journal)).toMatchObject({ records: 0 })
    // Nor when all that it has done is cut off as well.
    house.goTo(110)
    await write(house)
    await cut(house, 101)
    for (const journal of journalsOf(records)) expect(await replay(house, journal)).toMatchObject({ records: 0 })
    expect(await standing(house)).toMatchObject({ ...left, isRemoved: false })
  })

  test('no journal gives anything back that the backup, or what came since, had taken away', async () => {
    for (const journal of journalsOf(await everythingJournalled())) {
      const [house, uncut] = [await restored(cutAt), await restored(undefined)]
      for (const one of [house, uncut]) await replay(one, journal)
      const had = await standing(house)
      expect(had).toEqual(await standing(uncut))
      const { password, secrets, isRemoved } = had as { password: string; secrets: string[]; isRemoved: boolean }
      expect(['third', 'fourth']).toContain(password)
      expect([['three'], ['four']]).toContainEqual(secrets)
      expect(isRemoved).toBe(false)
    }
  })

  test('what was changed after the restore stays, also once that is cut off and a late journal is found', async () => {
    const records = await everythingJournalled()
    for (const late of journalsOf(records)) {
      const house = await restored(cutAt)
      await replay(house, records.slice(0, -3))
      await live(house, sinceRestore)
      house.goTo(120)
      await write(house)
      await cut(house, 110)
      await replay(house, late)
      const left = { password: 'fifth', roles: ['admin'], isDisabled: false, epoch: 6, secrets: ['five'] }
      expect(await standing(house)).toMatchObject({ ...left, scopes: ['a', 'b'], isRemoved: false })
    }
  })
})

test('a login that had ended, and whose end is in no log any more, does not come back', async () => {
  const [house, backup] = [await begun(), await begun()]
  const { user, client, session } = await given.login(house.store)
  const kept = { ...session, version: 0 } satisfies Session
  for (const write of [
    { table: 'user', row: { ...user, version: 0 } },
    { table: 'client', row: { ...client, version: 0 } },
    { table: 'session', row: kept },
  ] as const)
    await backup.store.commit(given.change([write]))
  const snapshot = await house.store.loadSessionOnly(session.id)
  const end = snapshot && endSession(snapshot, 'signed_out')
  const record = end && journalRecord(end, () => '')
  if (record === undefined) throw new Error('it has ended')
  backup.goTo(30)
  await write(backup, beginning)
  await write(backup)
  await cut(backup, 20)
  expect(await replay(backup, [record])).toMatchObject({ records: 1 })
  expect((await backup.store.loadSessionOnly(session.id))?.session.endedAt).not.toBeNull()
  expect(await replay(backup, [record])).toMatchObject({ records: 0 })
})

test('what a clock that was far ahead has written is not brought back once it is cut off, nor by a cut after that', async () => {
  const house = await begun()
  await live(house, [{ day: 5_000, event: 'user.password_changed', user: { passwordHash: 'second', epoch: 1 } }])
  house.goTo(1)
  await write(house)
  await live(house, [{ day: 20, event: 'user.password_changed', user: { passwordHash: 'third', epoch: 2 } }])
  house.goTo(40)
  await write(house)
  const stay = async (): Promise<void> => {
    for (const journal of journalsOf(house.records)) await replay(house, journal)
    expect(await standing(house)).toMatchObject({ password: 'third', epoch: 2 })
  }
  await stay()
  await cut(house, 10)
  await stay()
  await cut(house, 30)
  await stay()
  house.goTo(80)
  await write(house)
  await cut(house, 60)
  await stay()
})
