import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isRefusal } from '@countersign/protocol'
import type { PrunedAudit } from '@countersign/server'
import { brokenAuditRow } from '@countersign/store'
import * as given from '@countersign/store/given'
import { openSqliteStore } from '@countersign/store-sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readConfiguration } from './configuration.ts'
import { storeFile } from './data-folder.ts'
import { openSystem, type System } from './open-system.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-audit-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const log = { info() {}, warn() {}, error() {} }

function open(): Promise<System> {
  const flags = { data: folder, issuer: 'http://127.0.0.1:4400', port: 0 }
  const environment = { COUNTERSIGN_REVOCATION_JOURNAL: join(folder, 'journal.jsonl') }
  const master = { key: Buffer.alloc(32, 5), source: 'the test' }
  return openSystem({ configuration: readConfiguration({ environment, flags }), folder, master, log })
}

async function cut({ server }: System): Promise<PrunedAudit> {
  const pruned = await server.admin.pruneAudit({ before: Date.UTC(2000, 0, 1) })
  if (isRefusal(pruned)) throw new Error(pruned.reason)
  while ((await server.admin.deletePrunedAudit()).deleted > 0);
  return pruned
}

test('a backup from before a cut brings the rows back, the log goes on, and the next cut is the same again', async () => {
  const file = join(folder, storeFile)
  const old = await openSqliteStore({ ...given.storeOptions(given.clock()), file })
  const audit = Array.from({ length: 20 }, (_, time) => ({ event: 'all.revoked' as const, time }))
  await old.commit(given.change([], { audit }))
  await old.close()
  // The keys of the first start stand in the log: the last of the old rows is followed.
  const first = await open()
  const rows = await first.store.readAudit(0, 100)
  await first.close()
  copyFileSync(file, `${file}.backup`)

  const since = await open()
  const pruned = await cut(since)
  expect(pruned).toMatchObject({ rows: 20, through: 20, hash: rows[19]?.hash })
  await expect(since.store.readAudit(0, 100)).rejects.toThrow('up to 20 were removed')
  await since.close()

  copyFileSync(`${file}.backup`, file)
  const again = await open()
  const back = await again.store.readAudit(0, 100)
  expect(back).toEqual(rows)
  expect(await again.server.admin.auditAnchor()).toBeUndefined()
  expect(await cut(again)).toEqual(pruned)
  const left = await again.store.readAudit(20, 100)
  expect(brokenAuditRow(left, rows[19])).toBeUndefined()
  expect(left.at(-1)?.record).toMatchObject({ event: 'audit.pruned', facts: { rows: 20 } })
  await again.close()
})
