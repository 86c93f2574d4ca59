import { join } from 'node:path'
import { brokenAuditRow } from '@countersign/store'
import * as given from '@countersign/store/given'
import { expect, test } from 'vitest'
import { openSqliteStore } from './open-sqlite-store.ts'
import { startChild, withFolder } from './test-folder.ts'

/** Lets the child write until it has said so many lines, then kills it; what it said before it was gone. */
async function killAfter(lines: number, file: string): Promise<string[]> {
  const child = startChild(new URL('./busy-child.ts', import.meta.url), file)
  const said: string[] = []
  for await (const line of child.lines) {
    said.push(line)
    if (said.length === lines) void child.kill()
  }
  await child.ended
  return said
}

test('kill -9 in the middle of many commits: what was acknowledged is there, and the audit chain is whole', async () => {
  await withFolder(async folder => {
    const file = join(folder, 'countersign.db')
    const said: string[] = []
    // Each round opens what the last one left behind.
    for (const lines of [40, 333, 1200]) {
      said.push(...(await killAfter(lines, file)))
      const store = await openSqliteStore({ ...given.storeOptions(given.clock()), file })
      try {
        const rows = await store.readAudit(0, 1_000_000)
        expect(brokenAuditRow(rows)).toBeUndefined()
        const ended = new Set(said.filter(line => line.startsWith('ended')).map(line => line.slice(6)))
        const logins = said.filter(line => line.startsWith('login')).map(line => line.slice(6))
        expect(logins.length).toBeGreaterThan(lines / 3)
        for (const id of logins) {
          const family = (await store.loadFamily(id))?.family
          expect(family, id).toBeDefined()
          if (ended.has(id)) expect(family?.endReason, id).toBe('signed_out')
        }
        const { entries, number } = await store.feed.snapshot()
        expect(number).toBe(entries.length)
        const named = new Set(entries.map(({ id }) => id))
        for (const id of ended) expect(named.has(id), id).toBe(true)
      } finally {
        await store.close()
      }
    }
    expect(said.some(line => line.startsWith('StoreUnavailable'))).toBe(false)
  })
})
