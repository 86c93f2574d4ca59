import { execFileSync } from 'node:child_process'
import { mkdir, open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { brokenAuditRow, type Store } from '@countersign/store'
import * as given from '@countersign/store/given'
import { describe, expect, test } from 'vitest'
import { assembleStore } from './assemble-store.ts'
import { openDatabase } from './open-database.ts'
import { openSqliteStore } from './open-sqlite-store.ts'
import { withFolder } from './test-folder.ts'

const options = given.storeOptions(given.clock())
const noLock = { release: () => {} }

/** Logs in until the store has no more room; the logins that were acknowledged. */
async function fill(store: Store): Promise<{ acknowledged: given.Login[]; error: unknown }> {
  const acknowledged: given.Login[] = []
  const user = await given.user(store)
  for (;;) {
    try {
      acknowledged.push(...(await Promise.all(Array.from({ length: 8 }, () => given.login(store, { user })))))
    } catch (error) {
      return { acknowledged, error }
    }
  }
}

async function expectAllThere(store: Store, logins: readonly given.Login[]): Promise<void> {
  expect(brokenAuditRow(await store.readAudit(0, 1_000_000))).toBeUndefined()
  for (const { family } of logins) expect((await store.loadFamily(family.id))?.family).toEqual(family)
}

describe('a full disk', () => {
  const full = { name: 'StoreUnavailable', message: expect.stringMatching(/^the disk is full \(SQLite \d+\)$/) }

  test('is said, costs nothing that was acknowledged, and is over when there is room again', async () => {
    await withFolder(async folder => {
      const file = join(folder, 'countersign.db')
      const database = openDatabase(file)
      const logFile = await open(`${file}-wal`, 'r+')
      const store = assembleStore({ database, file, logFile, lock: noLock, options, checkpointFrames: 16_384 })
      const client = await given.client(store)
      database.exec('PRAGMA max_page_count = 200')
      const { acknowledged, error } = await fill(store)
      expect(error).toMatchObject(full)
      expect(acknowledged.length).toBeGreaterThan(100)
      await expectAllThere(store, acknowledged)
      await expect(fillOne(store, client)).rejects.toMatchObject(full)
      database.exec('PRAGMA max_page_count = 1000000')
      acknowledged.push(await given.login(store, { client }))
      await store.close()
      const again = await openSqliteStore({ ...options, file })
      await expectAllThere(again, acknowledged)
      await again.close()
    })
  })

  const small = canMount()
  test.skipIf(!small)('the same on a file system that is full for real', async () => {
    await withFolder(async folder => {
      const disk = join(folder, 'disk')
      await mkdir(disk)
      system('mount', '-t', 'tmpfs', '-o', 'size=2m,mode=0700', 'tmpfs', disk)
      try {
        const file = join(disk, 'data', 'countersign.db')
        const store = await openSqliteStore({ ...options, file })
        const { acknowledged, error } = await fill(store)
        expect(error).toMatchObject({ name: 'StoreUnavailable' })
        await expectAllThere(store, acknowledged)
        system('mount', '-o', 'remount,size=32m', disk)
        acknowledged.push(await given.login(store))
        await store.close()
        const again = await openSqliteStore({ ...options, file })
        await expectAllThere(again, acknowledged)
        await again.close()
      } finally {
        system('umount', disk)
      }
    })
  })

  async function fillOne(store: Store, client: given.Login['client']): Promise<void> {
    for (;;) await given.login(store, { client })
  }
})

function system(command: string, ...parameters: string[]): void {
  execFileSync(command, parameters, { stdio: 'ignore' })
}

function canMount(): boolean {
  try {
    system('unshare', '-m', 'true')
    return true
  } catch {
    return false
  }
}

test('a lock that another program holds is said, and waited out by trying again', async () => {
  await withFolder(async folder => {
    const file = join(folder, 'countersign.db')
    const store = await openSqliteStore({ ...options, file })
    const { family } = await given.login(store)
    const other = new DatabaseSync(file)
    other.exec('BEGIN IMMEDIATE')
    const write = () => store.commit(given.change([{ table: 'family', row: family }]))
    await expect(write()).rejects.toMatchObject({
      name: 'StoreUnavailable',
      message: 'the database is locked by another program (SQLite 5)',
      retryAfterSeconds: 1,
    })
    expect((await store.loadFamily(family.id))?.family).toEqual(family)
    other.exec('ROLLBACK')
    expect(await write()).toBe('committed')
    other.close()
    await store.close()
  })
})

test('a sync that failed is final: nothing more is written until the store is opened again', async () => {
  await withFolder(async folder => {
    const file = join(folder, 'countersign.db')
    const database = openDatabase(file)
    const logFile = await open(`${file}-wal`, 'r+')
    let broken = false
    const disk = {
      async datasync() {
        if (broken) throw new Error('EIO')
        await logFile.datasync()
      },
      close: () => logFile.close(),
    }
    const lost: string[] = []
    const told = { ...options, onLost: (failure: Error) => lost.push(failure.name) }
    const store = assembleStore({
      database,
      file,
      logFile: disk,
      lock: noLock,
      options: told,
      checkpointFrames: 16_384,
    })
    const before = await given.login(store)
    const heard: string[] = []
    store.feed.subscribe(() => heard.push('entry'))
    broken = true
    const failed = { name: 'StoreUnavailable', message: expect.stringContaining('must be opened again') }
    const entry = { kind: 'token', id: 'jti', until: Date.now() } as const
    await expect(store.commit(given.change([], { entries: [entry] }))).rejects.toMatchObject(failed)
    broken = false
    await expect(given.login(store)).rejects.toMatchObject(failed)
    const rotation = given.change([{ table: 'family', row: before.family }], { durable: false })
    await expect(store.commit(rotation)).rejects.toMatchObject(failed)
    expect((await store.loadFamily(before.family.id))?.family).toEqual(before.family)
    expect(lost).toEqual(['StoreUnavailable'])
    expect(heard).toEqual([])
    expect((await store.feed.snapshot()).number).toBe(0)
    await store.close()
    const again = await openSqliteStore({ ...options, file })
    await given.login(again)
    await expectAllThere(again, [before])
    await again.close()
  })
})

describe('a file that cannot be used is refused with its name and what is wrong', () => {
  const cases: [string, (file: string) => Promise<unknown>, RegExp][] = [
    [
      'no database',
      file => writeFile(file, 'x'.repeat(8192)),
      /countersign\.db: the database file is damaged, or is none/,
    ],
    [
      'damaged',
      async file => {
        await (await openSqliteStore({ ...options, file })).close()
        const bytes = await open(file, 'r+')
        await bytes.write(Buffer.alloc(3000, 0xff), 0, 3000, 100)
        await bytes.close()
      },
      /countersign\.db: the database file is damaged/,
    ],
    [
      'of a later version',
      async file => {
        await (await openSqliteStore({ ...options, file })).close()
        const database = new DatabaseSync(file)
        database.exec('PRAGMA user_version = 999')
        database.close()
      },
      /written by a later version \(schema 999/,
    ],
    ['a folder', file => mkdir(file), /countersign\.db/],
  ]
  test.each(cases)('%s', async (_name, prepare, message) => {
    await withFolder(async folder => {
      const file = join(folder, 'countersign.db')
      await prepare(file)
      await expect(openSqliteStore({ ...options, file })).rejects.toMatchObject({
        name: 'StoreUnavailable',
        message: expect.stringMatching(message),
      })
      // And the folder was let go.
      const other = await openSqliteStore({ ...options, file: join(folder, 'other.db') })
      await other.close()
    })
  })
})
