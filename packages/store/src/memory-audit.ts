import { type AuditAnchor, type AuditRecord, auditAnchorHash, deletedNext } from '@countersign/core'
import { type AuditHead, beginsLate, chainedRow, firstAuditHash, refusePruned } from './audit-chain.ts'
import { type MemoryTables, shortLivedKey } from './memory-tables.ts'
import type { StoredAuditRow, StoreOptions } from './store.ts'

/** The audit log in memory. */
export interface MemoryAudit {
  /** The rows as they would follow, numbered and sealed; nothing is appended. */
  readonly chained: (records: readonly AuditRecord[]) => StoredAuditRow[]
  readonly append: (rows: readonly StoredAuditRow[]) => void
  readonly read: (after: number, limit: number) => readonly StoredAuditRow[]
  readonly deletePruned: (rowsAtMost: number) => number
}

export function createMemoryAudit(tables: MemoryTables, sealPersonal: StoreOptions['sealPersonal']): MemoryAudit {
  let kept: StoredAuditRow[] = []

  function sealed({ personal, userId }: AuditRecord): string | null {
    if (personal === undefined) return null
    const user = userId === undefined ? undefined : tables.users.get(userId)
    return sealPersonal(personal, user?.sealSalt ?? null)
  }

  function anchor(): AuditAnchor | undefined {
    return tables.shortLived.get(shortLivedKey('auditAnchor', auditAnchorHash)) as AuditAnchor | undefined
  }

  return {
    chained(records) {
      let head: AuditHead = kept.at(-1) ?? { number: 0, hash: firstAuditHash }
      return records.map(record => {
        const row = chainedRow(head, record, sealed(record))
        head = row
        return row
      })
    },
    append: rows => void kept.push(...rows),
    read(after, limit) {
      // Numbers have no gaps.
      const first = kept[0]?.number ?? 1
      const from = Math.max(after + 1 - first, 0)
      const rows = kept.slice(from, from + limit)
      if (beginsLate(rows, after)) refusePruned(anchor(), after)
      return rows
    },
    deletePruned(rowsAtMost) {
      const next = deletedNext(anchor(), rowsAtMost)
      if (next === undefined || !tables.put({ table: 'auditAnchor', row: next }, [])) return 0
      const before = kept.length
      kept = kept.filter(({ number }, place) => number > next.deletedThrough || place === before - 1)
      return before - kept.length
    },
  }
}
