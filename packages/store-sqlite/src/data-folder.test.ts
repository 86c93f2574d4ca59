import { chmod, mkdir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import * as given from '@countersign/store/given'
import { expect, test } from 'vitest'
import { openSqliteStore } from './open-sqlite-store.ts'
import { type Child, startChild, withFolder } from './test-folder.ts'

const options = given.storeOptions(given.clock())

async function firstLine(child: Child): Promise<string> {
  for await (const line of child.lines) return line
  return 'nothing'
}

test('a second process on the same file is refused, and says why', async () => {
  await withFolder(async folder => {
    const file = join(folder, 'countersign.db')
    const store = await openSqliteStore({ ...options, file })
    const { family } = await given.login(store)
    const second = startChild(new URL('./busy-child.ts', import.meta.url), [file])
    expect(await firstLine(second)).toBe(
      `StoreUnavailable: The data folder ${folder} is in use by another process: stop that one, or take another folder with --data`,
    )
    await second.ended
    // Nor did it harm the first.
    expect(await given.redeem(store, given.token(family))).toMatchObject({ row: 6 })
    await store.close()
  })
})

test('a second store in the same process is refused, and the first still holds the folder', async () => {
  await withFolder(async folder => {
    const file = join(folder, 'countersign.db')
    const store = await openSqliteStore({ ...options, file })
    const inUse = { name: 'StoreUnavailable', message: expect.stringContaining('is in use by another process') }
    await expect(openSqliteStore({ ...options, file })).rejects.toMatchObject(inUse)
    const second = startChild(new URL('./busy-child.ts', import.meta.url), [file])
    expect(await firstLine(second)).toContain('is in use by another process')
    await second.ended
    await store.close()
    await (await openSqliteStore({ ...options, file })).close()
  })
})

test('a process that was killed no longer holds the folder', async () => {
  await withFolder(async folder => {
    const file = join(folder, 'countersign.db')
    const child = startChild(new URL('./busy-child.ts', import.meta.url), [file])
    expect(await firstLine(child)).toBe('open')
    await expect(openSqliteStore({ ...options, file })).rejects.toThrow('is in use by another process')
    await child.kill()
    await (await openSqliteStore({ ...options, file })).close()
  })
})

test('nobody else can read the data folder or a file in it', async () => {
  await withFolder(async folder => {
    const made = join(folder, 'new', 'data')
    const store = await openSqliteStore({ ...options, file: join(made, 'countersign.db') })
    await given.login(store)
    expect((await stat(made)).mode & 0o777).toBe(0o700)
    const names = (await readdir(made)).sort()
    expect(names).toEqual(['countersign.db', 'countersign.db-lock', 'countersign.db-shm', 'countersign.db-wal'])
    for (const name of names) expect([name, (await stat(join(made, name))).mode & 0o777]).toEqual([name, 0o600])
    await store.close()
  })
})

test('files that others could read are closed to them; a folder that was there stays as it is', async () => {
  await withFolder(async folder => {
    const own = join(folder, 'own')
    await mkdir(own, { mode: 0o755 })
    await chmod(own, 0o755)
    const file = join(own, 'countersign.db')
    await (await openSqliteStore({ ...options, file })).close()
    await chmod(file, 0o644)
    const store = await openSqliteStore({ ...options, file })
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await stat(`${file}-wal`)).mode & 0o777).toBe(0o600)
    expect((await stat(own)).mode & 0o777).toBe(0o755)
    await store.close()
  })
})
