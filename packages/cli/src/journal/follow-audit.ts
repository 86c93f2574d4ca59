import { type AuditRecord, auditAnchorHash, isJournalled, type User } from '@countersign/core'
import { canonicalJson } from '@countersign/protocol'
import { recordOfAudit } from '@countersign/server'
import { AuditPruned, headOf, type Store, type StoredAuditRow } from '@countersign/store'
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
  /** Told when rows are gone that the journal has never read. */
  readonly onLacking: (rows: { readonly after: number; readonly through: number }) => void
}): Promise<AuditFollower> {
  const { store, journal, sealPassword, onLacking } = options
  const known = new Set<string>()
  let mark: AuditMark
  let noted: number
  await goTo(await placeIn(store, journal))

  async function goTo(place: AuditMark): Promise<void> {
    if (journal.mark()?.hash !== place.hash) await journal.append([], place)
    const { lacksAfter, ...reached } = place
    mark = reached
    noted = mark.number
    if (lacksAfter !== undefined) onLacking({ after: lacksAfter, through: mark.number })
  }

  async function read(): Promise<readonly StoredAuditRow[]> {
    try {
      return await store.readAudit(mark.number, rowsAtATime)
    } catch (error) {
      if (!(error instanceof AuditPruned)) throw error
      // What lies between is in the journals of nodes that were there.
      await goTo({ ...headOf(error.anchor), lacksAfter: mark.number })
      return store.readAudit(mark.number, rowsAtATime)
    }
  }

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
        const rows = await read()
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
  for (;;) {
    try {
      return await lookForPlace(store, journal)
    } catch (error) {
      // Rows were removed since the anchor was read.
      if (!(error instanceof AuditPruned)) throw error
    }
  }
}

async function lookForPlace(store: Store, journal: JournalFile): Promise<AuditMark> {
  const first = await firstMark(store)
  const last = journal.mark()
  if (last === undefined) return newestRow(store, first)
  if (last.number < first.number && !(await isReadable(store, last))) return { ...first, lacksAfter: last.number }
  if (await isIn(store, last, first)) return last
  // A backup was restored.
  const marks = await readMarks(journal)
  const comparable = marks.filter(({ number }) => number >= first.number)
  const common = await lastCommon(comparable, mark => isIn(store, mark, first))
  if (common) return common
  // They may have been the same up to a row that is gone: then all that is left is read.
  if (comparable.length < marks.length) return first
  return rowBefore(store, (await readBeginning(journal)) - clocksDifferMs, first)
}

/** What precedes the first row that the log has. */
async function firstMark(store: Store): Promise<AuditMark> {
  return headOf((await store.loadShortLived('auditAnchor', auditAnchorHash))?.row)
}

/** Rows that were removed are there until they are deleted. */
async function isReadable(store: Store, { number }: AuditMark): Promise<boolean> {
  try {
    await store.readAudit(Math.max(number - 1, 0), 1)
    return true
  } catch (error) {
    if (error instanceof AuditPruned) return false
    throw error
  }
}

/** The last row up to which the journal's log and this one are the same, or an earlier one: a journal of several restores has several logs. */
async function lastCommon(
  marks: readonly AuditMark[],
  isThere: (mark: AuditMark) => Promise<boolean>,
): Promise<AuditMark | undefined> {
  const isCommon = async (back: number): Promise<boolean> => {
    const mark = marks.at(-back)
    return mark !== undefined && isThere(mark)
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
async function rowBefore(store: Store, since: number, first: AuditMark): Promise<AuditMark> {
  let before = first
  for (;;) {
    const rows = await store.readAudit(before.number, rowsSearchedAtATime)
    const found = rows.findIndex(({ record }) => record.time >= since)
    const row = found < 0 ? rows.at(-1) : rows[found - 1]
    if (row) before = { number: row.number, hash: row.hash }
    if (found >= 0 || row === undefined) return before
  }
}

async function isIn(store: Store, { number, hash }: AuditMark, first: AuditMark): Promise<boolean> {
  if (number === 0) return true
  if (number === first.number) return hash === first.hash
  const [row] = await store.readAudit(number - 1, 1)
  return row?.number === number && row.hash === hash
}

/** The end of the log, of which a store tells only what comes after a number. */
async function newestRow(store: Store, first: AuditMark): Promise<AuditMark> {
  const rowAfter = async (number: number): Promise<StoredAuditRow | undefined> => (await store.readAudit(number, 1))[0]
  let newest = first
  let beyond = first.number + 1
  for (let row = await rowAfter(first.number); row; row = await rowAfter(beyond - 1)) {
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
