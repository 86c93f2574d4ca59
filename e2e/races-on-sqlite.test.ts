import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqliteStore } from '@countersign/store-sqlite'
import { afterEach, describe } from 'vitest'
import { closeGiven } from '../packages/server/src/testing/given.ts'
import { racesOver } from '../packages/server/src/testing/races.ts'

const folders: string[] = []

afterEach(async () => {
  await closeGiven()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

/** The same races as in memory, where every commit is a file's. */
describe('on SQLite', () =>
  racesOver(options => {
    const folder = mkdtempSync(join(tmpdir(), 'countersign-races-'))
    folders.push(folder)
    return openSqliteStore({ ...options, file: join(folder, 'countersign.sqlite') })
  }))
