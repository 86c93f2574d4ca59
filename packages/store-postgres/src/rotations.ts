import type { Change, Family } from '@countersign/core'
import { idOf } from './columns.ts'
import type { Database } from './database.ts'
import { columnsOfFamily, familyTable } from './families.ts'
import { updateText } from './row-writes.ts'
import type { Statement } from './statements.ts'

/** The family, if a change is a plain rotation: one conditional write that need not be durable, and nothing besides. */
export function rotatedFamily({ writes, audit, entries, durable }: Change): Family | undefined {
  const [write] = writes
  const isOne = writes.length === 1 && audit.length === 0 && entries.length === 0 && !durable
  return isOne && write?.table === 'family' && write.row.version > 0 ? write.row : undefined
}

/**
 * Writes many rotations in one statement, which is its own transaction and does not wait for the disk: what a crash forgets, the
 * tokens themselves repair (row 4). Each family once.
 */
export function openRotations(
  database: Database,
  statement: (text: string) => Statement,
): (families: readonly Family[]) => Promise<('committed' | 'conflict')[]> {
  const update = statement(`WITH relaxed AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
    ${updateText(familyTable, 'relaxed,')}`)
  return async families => {
    const rows = families.map(columnsOfFamily).sort((one, other) => (String(one.id) < String(other.id) ? -1 : 1))
    const written = await database.query(update, [JSON.stringify(rows)])
    const ids = new Set(written.map(([id]) => idOf(id ?? null)))
    return families.map(({ id }) => (ids.has(id) ? 'committed' : 'conflict'))
  }
}
