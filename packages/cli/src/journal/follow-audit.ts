import { type AuditRecord, isJournalled, type User } from '@countersign/core'
import { canonicalJson } from '@countersign/protocol'
import { recordOfAudit } from '@countersign/server'
import type { Store, StoredAuditRow } from '@countersign/store'
import type { JournalFile } from './journal-file.ts'
import type { AuditMark, JournalLine } from './journal-line.ts'
import { readMarks } from './read-journal.ts'

/*
 * The audit log has no gaps and loses nothing, so what it has beyond the journal is what the journal lacks: what other nodes, and an operator's commands elsewhere, have
 * taken back, and what was while nobody wrote this file.
 */

const rowsAtATime = 500
/** The mark is written with every record, and by itself so often, so that no start has to read much again. */
const rowsUntilNoted = 1_000

export interface AuditFollower {
  /** Resolves once everything up to now is in the journal. One at a time. */
  follow(): Promise<void>
  /** These are in the journal already. */
  knows(records: readonly AuditRecord[]): void
  forgets(records: readonly AuditRecord[]): void
}

export async function createAuditFollower(options: {
  readonly store: Store
  readonly journal: JournalFile
  readonly sealPassword: (user: User) => string
}): Promise<AuditFollower> {
  const { store, journal, sealPassword } = options
  const known = new Set<string>()
  let mark = await placeIn(store, journal)
  let noted = mark.number
  if (journal.mark()?.hash !== mark.hash) await journal.append([], mark)

  async function linesOf(rows: readonly StoredAuditRow[]): Promise<readonly JournalLine[]> {
    const lines: JournalLine[] = []
    for (const { record } of rows) {
      if (!isJournalled(record) || known.delete(nameOf(record))) continue
      const made = await recordOfAudit(store, record, sealPassword)
      if (made) lines.push(made)
    }
    return lines
  }

  return {
    async follow() {
      for (let last = rowsAtATime; last === rowsAtATime; ) {
        const rows = await store.readAudit(mark.number, rowsAtATime)
        const row = rows.at(-1)
        if (row === undefined) return
        const lines = await linesOf(rows)
        const moved = { number: row.number, hash: row.hash }
        if (lines.length > 0 || moved.number - noted >= rowsUntilNoted) {
          await journal.append(lines, moved)
          noted = moved.number
        } else journal.moveMark(moved)
        mark = moved
        last = rows.length
      }
    },
    knows: records => records.filter(isJournalled).forEach(record => void known.add(nameOf(record))),
    forgets: records => records.forEach(record => void known.delete(nameOf(record))),
  }
}

function nameOf({ personal: _, ...record }: AuditRecord): string {
  return canonicalJson(record)
}

/** Where to read on from. A journal that begins, or was written before there were marks, begins with what comes. */
async function placeIn(store: Store, journal: JournalFile): Promise<AuditMark> {
  const last = journal.mark()
  if (last === undefined) return newestRow(store)
  if (await isIn(store, last)) return last
  // A backup was restored: from where its log and this one were the same, or earlier.
  const marks = await readMarks(journal.path)
  for (let back = 1; back <= marks.length; back *= 2) {
    const mark = marks.at(-back)
    if (mark && (await isIn(store, mark))) return mark
  }
  return beginning
}

const beginning: AuditMark = { number: 0, hash: '' }

async function isIn(store: Store, { number, hash }: AuditMark): Promise<boolean> {
  if (number === 0) return true
  const [row] = await store.readAudit(number - 1, 1)
  return row?.number === number && row.hash === hash
}

/** The end of the log, of which a store tells only what comes after a number. */
async function newestRow(store: Store): Promise<AuditMark> {
  const rowAfter = async (number: number): Promise<StoredAuditRow | undefined> => (await store.readAudit(number, 1))[0]
  let newest: AuditMark = beginning
  let beyond = 1
  for (let row = await rowAfter(0); row; row = await rowAfter(beyond - 1)) {
    newest = { number: row.number, hash: row.hash }
    beyond = row.number * 2
  }
  while (beyond - newest.number > 1) {
    const middle = Math.floor((newest.number + beyond) / 2)
    const row = await rowAfter(middle - 1)
    if (row) newest = { number: row.number, hash: row.hash }
    else beyond = middle
  }
  return newest
}
