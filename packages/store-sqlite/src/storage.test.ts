import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { brokenAuditRow } from '@countersign/store'
import * as given from '@countersign/store/given'
import { expect, test } from 'vitest'
import { openSqliteStore } from './open-sqlite-store.ts'
import { withFolder } from './test-folder.ts'

test('a login takes at most 500 bytes on disk: session, bound family and their indexes', async () => {
  await withFolder(async folder => {
    const file = join(folder, 'countersign.db')
    const clock = given.clock()
    const store = await openSqliteStore({ ...given.storeOptions(clock), file })
    const client = await given.client(store)
    const users = await Promise.all(Array.from({ length: 200 }, () => given.user(store)))
    const logins = 4000
    for (let made = 0; made < logins; made += 50) {
      clock.advance(1)
      const owners = Array.from({ length: 50 }, (_, index) => users[(made * 7 + index * 13) % users.length])
      const device = { label: 'Chrome 150 on Windows', ip: '203.0.113.177' }
      await Promise.all(
        owners.map(user => given.login(store, { ...(user && { user }), client, device, jkt: given.jkt() })),
      )
    }
    await store.close()
    const database = new DatabaseSync(file)
    const tables = "'session', 'session_of_user', 'family', 'family_of_session'"
    const { bytes } = database.prepare(`SELECT sum(pgsize) AS bytes FROM dbstat WHERE name IN (${tables})`).get() as {
      bytes: number
    }
    database.close()
    expect(bytes / logins).toBeLessThanOrEqual(500)
    expect(bytes / logins).toBeGreaterThan(200)
  })
})

test('refreshes add nothing: after a thousand rotations the file is as long as before', async () => {
  await withFolder(async folder => {
    const file = join(folder, 'countersign.db')
    const clock = given.clock()
    const options = { ...given.storeOptions(clock), file }
    let store = await openSqliteStore(options)
    const { family } = await given.login(store)
    await store.close()
    const before = (await readFile(file)).length
    store = await openSqliteStore(options)
    for (let generation = 0; generation < 1000; generation++) {
      clock.advance(60)
      await given.redeem(store, given.token(family, generation))
    }
    await store.close()
    expect((await readFile(file)).length).toBe(before)
  })
})

test('no file holds a token, or what could be turned back into one', async () => {
  await withFolder(async folder => {
    const file = join(folder, 'countersign.db')
    const clock = given.clock()
    const store = await openSqliteStore({ ...given.storeOptions(clock), file })
    const { spent, current } = await given.rotatedFamily(store, clock)
    const issued = await given.code(store)
    await given.redeemCode(store, issued)
    const secrets = [spent, current, spent.slice(6), current.slice(6), issued.code, issued.verifier]
    const forms = secrets.flatMap(secret => [Buffer.from(secret), Buffer.from(secret, 'base64url')])
    const macs = [spent, current].map(token => Buffer.from(token.slice(6), 'base64url').subarray(31))
    // With the store open the log is searched too; closing it moves all into the database file.
    const names = await readdir(folder)
    expect(names).toContain('countersign.db-wal')
    const log = await readFile(`${file}-wal`)
    await store.close()
    for (const bytes of [log, await readFile(file)]) {
      for (const form of [...forms, ...macs]) expect(bytes.includes(form)).toBe(false)
    }
  })
})

test('who is deleted is in no file soon, while the store runs on: log, database and sessions, ended ones too', async () => {
  await withFolder(async folder => {
    const file = join(folder, 'countersign.db')
    const store = await openSqliteStore({ ...given.storeOptions(given.clock()), file })
    const user = await given.user(store, { email: 'erase-me@example.com', name: 'Erased Person' })
    const device = { label: 'Device Of Erased', ip: '203.0.113.254' }
    for (let login = 0; login < 5; login++) await given.login(store, { user, device })
    const personal = ['erase-me', 'Erased Person', device.label, device.ip]
    const found = async (): Promise<string[]> => {
      const files = [await readFile(`${file}-wal`), await readFile(file)]
      return personal.filter(text => files.some(bytes => bytes.includes(text)))
    }
    expect(await found()).toEqual(personal)
    const row = { ...user, email: null, name: null, passwordHash: null, sealSalt: null, deletedAt: user.createdAt }
    expect(await store.commit(given.change([{ table: 'user', row }]))).toBe('committed')
    await expect.poll(found, { timeout: 10_000 }).toEqual([])
    expect((await store.loadUser(user.id)).user).toMatchObject({ email: null })
    await given.login(store)
    await store.close()
    const bytes = await readFile(file)
    expect(personal.filter(text => bytes.includes(text))).toEqual([])
  })
})

test('who changes the audit log in the file is found out', async () => {
  await withFolder(async folder => {
    const file = join(folder, 'countersign.db')
    const options = { ...given.storeOptions(given.clock()), file }
    let store = await openSqliteStore(options)
    for (let row = 0; row < 5; row++) await given.login(store)
    await store.close()
    const tamper = async (sql: string): Promise<number | undefined> => {
      const database = new DatabaseSync(file)
      database.exec(sql)
      database.close()
      store = await openSqliteStore(options)
      const broken = brokenAuditRow(await store.readAudit(0, 100))
      await store.close()
      return broken
    }
    expect(await tamper('SELECT 1')).toBeUndefined()
    expect(await tamper("UPDATE audit SET body = replace(body, 'pwd', 'otp') WHERE number = 4")).toBe(4)
    expect(await tamper('DELETE FROM audit WHERE number = 2')).toBe(3)
  })
})

test('rows of one time and random halves of one id do not get in each other’s way', async () => {
  await withFolder(async folder => {
    const store = await openSqliteStore({ ...given.storeOptions(given.clock()), file: join(folder, 'countersign.db') })
    const { session, family } = await given.login(store)
    // The same first eight bytes: a conflict for the second, whose maker makes another id.
    const twin = (id: string) =>
      Buffer.concat([Buffer.from(id, 'base64url').subarray(0, 8), Buffer.alloc(8)]).toString('base64url')
    const row = { ...family, id: twin(family.id), version: 0 }
    expect(await store.commit(given.change([{ table: 'family', row }]))).toBe('conflict')
    expect(await store.loadFamily(row.id)).toBeUndefined()
    expect(await store.loadSession(twin(session.id))).toBeUndefined()
    await store.close()
  })
})
