import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { brokenAuditRow } from '@countersign/store'
import * as given from '@countersign/store/given'
import { expect, test } from 'vitest'
import { openSqliteStore } from './open-sqlite-store.ts'
import { keepingSyncedFiles } from './synced-files.ts'
import { startChild, withFolder } from './test-folder.ts'

/** Processes are started and killed here: a busy machine needs its time. */
const patience = { timeout: 120_000 }

/** Lets the child write until it has said so many lines, then kills it; what it said before it was gone. */
async function killAfter(lines: number, file: string, environment: Record<string, string> = {}): Promise<string[]> {
  const child = startChild(new URL('./busy-child.ts', import.meta.url), [file], environment)
  const said: string[] = []
  for await (const line of child.lines) {
    said.push(line)
    if (said.length === lines) void child.kill()
  }
  await child.ended
  expect(said.filter(line => !/^(open|login|ended)/.test(line))).toEqual([])
  return said
}

/** Opens what is left and looks for everything that was acknowledged. */
async function expectAllThere(said: readonly string[], file: string): Promise<void> {
  const named = (word: string) => said.filter(line => line.startsWith(word)).map(line => line.slice(word.length + 1))
  const ended = new Set(named('ended'))
  const logins = named('login')
  expect(logins.length).toBeGreaterThan(said.length / 3)
  const store = await openSqliteStore({ ...given.storeOptions(given.clock()), file })
  try {
    expect(brokenAuditRow(await store.readAudit(0, 1_000_000))).toBeUndefined()
    for (const id of logins) {
      const family = (await store.loadFamily(id))?.family
      expect(family, id).toBeDefined()
      if (ended.has(id)) expect(family?.endReason, id).toBe('signed_out')
    }
    const { entries, number } = await store.feed.snapshot()
    expect(number).toBe(entries.length)
    const revoked = new Set(entries.map(({ id }) => id))
    for (const id of ended) expect(revoked.has(id), id).toBe(true)
  } finally {
    await store.close()
  }
  const database = new DatabaseSync(file)
  expect(database.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' })
  database.close()
}

test(
  'kill -9 in the middle of many commits: what was acknowledged is there, and the audit chain is whole',
  patience,
  async () => {
    await withFolder(async folder => {
      const file = join(folder, 'countersign.db')
      const said: string[] = []
      // Each round opens what the last one left behind.
      for (const lines of [40, 333, 1200]) {
        said.push(...(await killAfter(lines, file)))
        await expectAllThere(said, file)
      }
    })
  },
)

test(
  'a power cut: of all files only what was synced is left, and what was acknowledged is in it',
  patience,
  async ({ skip }) => {
    await withFolder(async folder => {
      for (const lines of [25, 400, 1500]) {
        const kept = join(folder, `kept-${lines}`)
        await mkdir(kept)
        const environment = keepingSyncedFiles(folder, kept)
        if (environment === undefined) return skip('no C compiler')
        const said = await killAfter(lines, join(folder, `${lines}`, 'countersign.db'), environment)
        await expectAllThere(said, join(kept, 'countersign.db'))
      }
    })
  },
)
