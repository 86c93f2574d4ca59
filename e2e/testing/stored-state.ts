import { join } from 'node:path'
import { brokenAuditRow, type Store, type StoredAuditRow } from '@countersign/store'
import { openSqliteStore } from '@countersign/store-sqlite'

/** Opens the store of a server that has ended, and closes it again. */
export async function withStore<T>(dataFolder: string, look: (store: Store) => Promise<T>): Promise<T> {
  const store = await openSqliteStore({
    file: join(dataFolder, 'countersign.sqlite'),
    clock: Date.now,
    seed: { incarnation: 'unused' },
    sealPersonal: () => null,
  })
  try {
    return await look(store)
  } finally {
    await store.close()
  }
}

/** The whole audit log. Throws if a number is missing or the chain of hashes is broken. */
export async function wholeAudit(store: Store): Promise<readonly StoredAuditRow[]> {
  const rows: StoredAuditRow[] = []
  for (;;) {
    const more = await store.readAudit(rows.length, 500)
    rows.push(...more)
    if (more.length === 0) break
  }
  const gap = rows.findIndex((row, index) => row.number !== index + 1)
  if (gap >= 0) throw new Error(`The audit log has a gap at ${gap + 1}.`)
  const broken = brokenAuditRow(rows)
  if (broken !== undefined) throw new Error(`The audit log is broken at row ${broken}.`)
  return rows
}
