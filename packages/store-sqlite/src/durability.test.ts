import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { endLogin } from '@countersign/core'
import type { Store } from '@countersign/store'
import * as given from '@countersign/store/given'
import { expect, test } from 'vitest'
import { assembleStore } from './assemble-store.ts'
import { openDatabase } from './open-database.ts'
import { withFolder } from './test-folder.ts'

/** A store on a disk whose syncs take as long as the test wants. */
interface SlowDisk {
  readonly store: Store
  readonly clock: given.TestClock
  /** From now on a sync waits for `letGo`. */
  readonly hold: () => void
  readonly letGo: () => void
  readonly syncs: () => number
}

async function withSlowDisk(body: (disk: SlowDisk) => Promise<void>): Promise<void> {
  await withFolder(async folder => {
    const file = join(folder, 'countersign.db')
    const database = openDatabase(file)
    const logFile = await open(`${file}-wal`, 'r+')
    let syncs = 0
    let gate: Promise<void> = Promise.resolve()
    let letGo = (): void => {}
    const slow = {
      async datasync() {
        syncs++
        await gate
        await logFile.datasync()
      },
      close: () => logFile.close(),
    }
    const clock = given.clock()
    const store = assembleStore({
      database,
      file,
      logFile: slow,
      lock: { release: () => {} },
      options: given.storeOptions(clock),
      checkpointFrames: 16_384,
    })
    const hold = (): void => {
      gate = new Promise(done => {
        letGo = done
      })
    }
    await body({ store, clock, hold, letGo: () => letGo(), syncs: () => syncs })
    await store.close()
  })
}

test('a rotation is answered while a login beside it still waits for the disk', async () => {
  await withSlowDisk(async ({ store, clock, hold, letGo }) => {
    const { token, client, user } = await given.login(store)
    clock.advance(client.refresh.minimumLifeSeconds)
    hold()
    let answered = false
    const login = given.login(store, { user, client }).then(made => {
      answered = true
      return made
    })
    expect(await given.redeem(store, token)).toMatchObject({ row: 5 })
    expect(await given.redeem(store, token)).toMatchObject({ row: 8 })
    expect(answered).toBe(false)
    letGo()
    const { family } = await login
    expect((await store.loadFamily(family.id))?.family).toEqual(family)
  })
})

test('a revocation is told to nobody before it is on the disk', async () => {
  await withSlowDisk(async ({ store, hold, letGo }) => {
    const { family } = await given.login(store)
    const snapshot = await store.loadFamily(family.id)
    const end = snapshot && endLogin(snapshot, 'signed_out')
    if (end === undefined) throw new Error('there is nothing to end')
    const heard: number[] = []
    store.feed.subscribe(() => heard.push(heard.length))
    hold()
    const committed = store.commit(end)
    // Written and visible to decisions, so that no refresh slips through, long before the disk has it.
    const ended = async (): Promise<boolean> => (await store.loadFamily(family.id))?.family.endedAt !== null
    while (!(await ended())) await new Promise(done => setImmediate(done))
    expect(heard).toEqual([])
    expect(await store.feed.snapshot()).toMatchObject({ number: 0, entries: [] })
    expect(await store.feed.after(1)).toBeUndefined()
    letGo()
    expect(await committed).toBe('committed')
    expect(heard).toEqual([0])
    expect((await store.feed.snapshot()).number).toBe(2)
  })
})

test('entries are waited for even where the change does not ask for it', async () => {
  await withSlowDisk(async ({ store, clock, syncs }) => {
    const before = syncs()
    const entry = { kind: 'token', id: 'jti', until: clock.now() } as const
    await store.commit(given.change([], { entries: [entry], durable: false }))
    expect(syncs()).toBe(before + 1)
  })
})

test('what arrives together shares a sync, and a rotation costs none', async () => {
  await withSlowDisk(async ({ store, clock, syncs }) => {
    const client = await given.client(store)
    const users = await Promise.all(Array.from({ length: 50 }, () => given.user(store)))
    const before = syncs()
    const logins = await Promise.all(users.map(user => given.login(store, { user, client })))
    expect(syncs() - before).toBeLessThanOrEqual(3)
    clock.advance(client.refresh.minimumLifeSeconds)
    const rested = syncs()
    await Promise.all(logins.map(({ token }) => given.redeem(store, token)))
    expect(syncs()).toBe(rested)
  })
})

test('audit rows that a crash could take back are not shown: reading them waits for the disk', async () => {
  await withSlowDisk(async ({ store, syncs }) => {
    const { family } = await given.login(store)
    await given.redeem(store, given.token(family, 4))
    const before = syncs()
    expect((await store.readAudit(0, 10)).map(({ record }) => record.event)).toEqual([
      'session.created',
      'refresh.fast_forwarded',
    ])
    expect(syncs()).toBe(before + 1)
    await store.readAudit(0, 10)
    expect(syncs()).toBe(before + 1)
  })
})
