import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Store, StoreOptions } from '@countersign/store'
import { openSqliteStore } from '@countersign/store-sqlite'
import { afterEach, describe, expect, test } from 'vitest'
import { closeGiven, given } from '../packages/server/src/testing/given.ts'
import { importLines, importsOver, wholeUser } from '../packages/server/src/testing/imports.ts'
import { racesOver } from '../packages/server/src/testing/races.ts'

const folders: string[] = []

afterEach(async () => {
  await closeGiven()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

function open(options: StoreOptions): Promise<Store> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-races-'))
  folders.push(folder)
  return openSqliteStore({ ...options, file: join(folder, 'countersign.sqlite') })
}

/** The same races as in memory, where every commit is a file's. */
describe('on SQLite', () => {
  racesOver(open)
  importsOver(open)

  test('a user whose id begins like another’s is refused, and holds up no other line', async () => {
    const to = await given.server({ openStore: open })
    const id = wholeUser.id.replace(/.{4}$/, '0000')
    const outcome = await importLines(to, [wholeUser, { id, email: 'rosa@example.com' }, { email: 'ines@example.com' }])
    expect(outcome).toMatchObject({ imported: 2, there: 0, refused: [{ line: 2, reason: 'parameter_invalid' }] })
  })
})
