import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { newIdentity, type Write } from '@countersign/core'
import * as given from '@countersign/store/given'
import { expect, test } from 'vitest'
import { openSqliteStore } from './open-sqlite-store.ts'
import { readWholeStore } from './read-whole-store.ts'
import { withFolder } from './test-folder.ts'

test('every table is read a page at a time, each row once', async () => {
  await withFolder(async folder => {
    const file = join(folder, 'countersign.sqlite')
    const clock = given.clock()
    const store = await openSqliteStore({ ...given.storeOptions(clock), file })
    const expected: Record<string, Write['row'][]> = { client: [], user: [], identity: [], user_grant: [], session: [] }
    for (const id of ['a', 'b', 'c']) expected.client?.push(await given.client(store, { id }))
    for (let person = 0; person < 5; person++) {
      clock.advance(1)
      const { user, session } = await given.browserSession(store)
      expected.user?.push(user)
      expected.session?.push(session)
      for (const [connection, subject] of [
        ['google', `${5 - person}`],
        ['apple', `${person}`],
        ['apple', `\u00fcn\u00ef\u{1f600}${person}`],
      ] as const) {
        const row = newIdentity({ connection, subject, userId: user.id, linkedAt: person })
        await store.commit(given.change([{ table: 'identity', row }]))
        expected.identity?.push(row)
      }
      for (const client of expected.client ?? []) {
        const grant = await given.grant(store, { user, client: client as Awaited<ReturnType<typeof given.client>> })
        expected.user_grant?.push(grant)
      }
    }
    const codes = [await given.code(store), await given.code(store), await given.code(store)]
    await store.close()

    const whole = readWholeStore(file, clock.now, 2)
    const read = Object.fromEntries(whole.tables.map(({ name, pages }) => [name, [...pages()]]))
    for (const { name, count } of whole.tables) {
      expect(read[name]?.flat(), name).toHaveLength(count)
      for (const page of read[name] ?? []) expect(page.length, name).toBeLessThanOrEqual(2)
    }
    for (const [name, rows] of Object.entries(expected)) {
      const found = read[name]?.flat().map(({ row }) => row)
      for (const row of rows) expect(found, name).toContainEqual({ ...row, version: 0 })
    }
    expect(read.short_lived?.flat().map(({ row }) => (row as { hash: string }).hash)).toEqual(
      codes.map(({ row }) => row.hash).sort(),
    )
    whole.close()
  })
})

test('a page of identities or grants is looked for when the one before it is over, by the primary key', async () => {
  await withFolder(async folder => {
    const file = join(folder, 'countersign.sqlite')
    const store = await openSqliteStore({ ...given.storeOptions(given.clock()), file })
    const user = await given.user(store)
    for (const id of ['a', 'b']) {
      const row = newIdentity({ connection: 'google', subject: id, userId: user.id, linkedAt: 1 })
      await store.commit(given.change([{ table: 'identity', row }]))
      await given.grant(store, { user, client: await given.client(store, { id }) })
    }
    await store.close()

    const whole = readWholeStore(file, Date.now, 1)
    const other = new DatabaseSync(file)
    for (const [name, where] of [
      ['identity', 'subject = ?'],
      ['user_grant', 'client = (SELECT number FROM client WHERE id = ?)'],
    ] as const) {
      const rows = whole.tables
        .find(table => table.name === name)
        ?.pages()
        [Symbol.iterator]()
      expect(rows?.next().value).toHaveLength(1)
      other.prepare(`DELETE FROM ${name} WHERE ${where}`).run('b')
      expect(rows?.next().done, name).toBe(true)
    }
    other.close()
    whole.close()
  })
})
