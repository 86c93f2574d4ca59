import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import * as given from '@countersign/store/given'
import { expect, test } from 'vitest'
import { createCheckpoints } from './checkpoints.ts'
import { openDatabase } from './open-database.ts'
import { openSqliteStore } from './open-sqlite-store.ts'
import { withFolder } from './test-folder.ts'

const checkpointFrames = 300
const pageBytes = 4096

test('where the worker cannot do its work the log stays bounded all the same', async () => {
  await withFolder(async folder => {
    const file = join(folder, 'countersign.db')
    const database = openDatabase(file)
    const script = new URL('./no-such-worker.ts', import.meta.url)
    const checkpoints = createCheckpoints(database, { file, frames: 20, resume: () => {}, script })
    const insert = database.prepare(
      `INSERT INTO short_lived (kind, hash, expires_at, version, body) VALUES ('code', ?, 1, 1, ?)`,
    )
    const look = database.prepare('PRAGMA wal_checkpoint(NOOP)')
    let longest = 0
    for (let row = 0; row < 400; row++) {
      insert.run(`${row}`, 'x'.repeat(2000))
      checkpoints.afterCommit(1000)
      longest = Math.max(longest, (look.get() as { log: number }).log)
      do await new Promise(done => setImmediate(done))
      while (checkpoints.holds())
    }
    expect(longest).toBeGreaterThan(20)
    expect(longest).toBeLessThan(20 * 10)
    await checkpoints.close()
    database.close()
  })
})

test('under constant writing the log stays bounded, and nothing is lost on the way into the database file', async () => {
  await withFolder(async folder => {
    const file = join(folder, 'countersign.db')
    const clock = given.clock()
    const options = { ...given.storeOptions(clock), file, checkpointFrames }
    const store = await openSqliteStore(options)
    const user = await given.user(store)
    const client = await given.client(store)
    const logins: given.Login[] = []
    let longest = 0
    for (let round = 0; round < 150; round++) {
      clock.advance(1)
      logins.push(...(await Promise.all(Array.from({ length: 16 }, () => given.login(store, { user, client })))))
      longest = Math.max(longest, (await stat(`${file}-wal`)).size)
    }
    expect((await stat(file)).size).toBeGreaterThan(checkpointFrames * pageBytes)
    // Due, and bounded by four times the due length beyond what was there when the copying began.
    expect(longest).toBeLessThan(checkpointFrames * pageBytes * 6)
    await store.close()
    const again = await openSqliteStore(options)
    for (const { family } of logins) expect((await again.loadFamily(family.id))?.family).toEqual(family)
    await again.close()
  })
})

test('a reader in another program that stays in its transaction holds no write up for good', async () => {
  await withFolder(async folder => {
    const file = join(folder, 'countersign.db')
    const clock = given.clock()
    const store = await openSqliteStore({ ...given.storeOptions(clock), file, checkpointFrames })
    const user = await given.user(store)
    const client = await given.client(store)
    const reader = new DatabaseSync(file)
    reader.exec('BEGIN')
    reader.prepare('SELECT count(*) FROM user').get()
    for (let round = 0; round < 100; round++) {
      clock.advance(1)
      await Promise.all(Array.from({ length: 16 }, () => given.login(store, { user, client })))
    }
    reader.exec('COMMIT')
    reader.close()
    expect(await store.listSessions(user.id)).toHaveLength(1600)
    await store.close()
  })
})

test('a store that is closed while a checkpoint is under way waits for it', async () => {
  await withFolder(async folder => {
    const file = join(folder, 'countersign.db')
    const options = { ...given.storeOptions(given.clock()), file, checkpointFrames: 10 }
    const store = await openSqliteStore(options)
    const { family } = await given.login(store)
    const writes = Array.from({ length: 600 }, (_, index) => {
      const row = { ...family, version: family.version + index, generation: index }
      return store.commit(given.change([{ table: 'family', row }], { durable: false }))
    })
    await Promise.all(writes.slice(0, 512))
    await store.close()
    expect(new Set(await Promise.all(writes))).toEqual(new Set(['committed']))
    const again = await openSqliteStore(options)
    expect((await again.loadFamily(family.id))?.family.generation).toBe(599)
    await again.close()
  })
})
