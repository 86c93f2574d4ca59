import { type AuditRecord, isJournalled, type User } from '@countersign/core'
import { canonicalJson } from '@countersign/protocol'
import { recordOfAudit } from '@countersign/server'
import type { Store, StoredAuditRow } from '@countersign/store'
import type { JournalFile } from './journal-file.ts'
import type { AuditMark, JournalLine } from './journal-line.ts'
import { readBeginning, readMarks } from './read-journal.ts'

/*
 * The audit log has no gaps and loses nothing, so what it has beyond the journal is what the journal lacks: what other nodes, and an operator's commands elsewhere, have
 * taken back, and what was while nobody wrote this file.
 */

const rowsAtATime = 500
/** What so many rows were about is asked for at once, so that a store reads it together; no more, since others wait for the store too. */
const loadsAtATime = 64
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
    const news = rows.filter(({ record }) => isJournalled(record) && !known.delete(nameOf(record)))
    for (let first = 0; first < news.length; first += loadsAtATime) {
      const some = news.slice(first, first + loadsAtATime)
      const made = await Promise.all(some.map(({ record }) => recordOfAudit(store, record, sealPassword)))
      lines.push(...made.filter(line => line !== undefined))
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
  // A backup was restored.
  const marks = await readMarks(journal)
  return (await lastCommon(store, marks)) ?? rowBefore(store, (await readBeginning(journal)) - clocksDifferMs)
}

/** The last row up to which the journal's log and this one are the same, or an earlier one: a journal of several restores has several logs. */
async function lastCommon(store: Store, marks: readonly AuditMark[]): Promise<AuditMark | undefined> {
  const isCommon = async (back: number): Promise<boolean> => {
    const mark = marks.at(-back)
    return mark !== undefined && isIn(store, mark)
  }
  let [others, common] = [0, Math.min(1, marks.length)]
  while (!(await isCommon(common))) {
    if (common === marks.length) return undefined
    others = common
    common = Math.min(common * 2, marks.length)
  }
  while (common - others > 1) {
    const middle = Math.floor((common + others) / 2)
    if (await isCommon(middle)) common = middle
    else others = middle
  }
  return marks.at(-common)
}

/** A clock that was put back does not make what came later older than the journal. */
const clocksDifferMs = 600_000
const rowsSearchedAtATime = 2_000

/**
 * The row before the first that is as new as that. Nothing is loaded for those before it: the journal was begun after the backup was made, so that they were never its business, and there may be
 * millions. They are read one after the other, since what was revoked again at the restore stands in the log with the time that it had before.
 */
async function rowBefore(store: Store, since: number): Promise<AuditMark> {
  let before = beginning
  for (;;) {
    const rows = await store.readAudit(before.number, rowsSearchedAtATime)
    const found = rows.findIndex(({ record }) => record.time >= since)
    const row = found < 0 ? rows.at(-1) : rows[found - 1]
    if (row) before = { number: row.number, hash: row.hash }
    if (found >= 0 || row === undefined) return before
  }
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
    newest = markOf(row)
    beyond = row.number * 2
  }
  while (beyond - newest.number > 1) {
    const middle = Math.floor((newest.number + beyond) / 2)
    const row = await rowAfter(middle - 1)
    if (row) newest = markOf(row)
    else beyond = middle
  }
  return newest
}

function markOf({ number, hash, record }: StoredAuditRow): AuditMark {
  return { number, hash, time: record.time }
}
