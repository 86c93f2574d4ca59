import { closeSync, openSync, readSync, statSync } from 'node:fs'
import type { Instant, JournalRecord } from '@countersign/core'
import { fileLines } from '../file-lines.ts'
import { bytesOf } from '../json-file.ts'
import type { JournalFile } from './journal-file.ts'
import { type AuditMark, isRecord, type LinePlace, type SealedLine } from './journal-line.ts'
import type { LineSeal } from './line-seal.ts'

/** What was found in a journal, for whoever restores. */
export interface JournalContents {
  readonly file: string
  /** Lines of whatever kind. */
  readonly lines: number
  /** Those that something was taken back by. */
  readonly records: number
  /** Lines that were broken off before anybody was answered. */
  readonly torn: number
  /** The numbers of the other lines that cannot be read, or are none of this system's: what they say is not known. */
  readonly unreadable: readonly number[]
  /** The numbers of lines before which others are missing, or which are not where they were written. */
  readonly misplaced: readonly number[]
  /** Rows of the audit log that were removed before the journal had what others had revoked in them. */
  readonly lacks: readonly { readonly after: number; readonly through: number }[]
}

/** Many times what the largest change has. */
const lineBytesAtMost = 67_108_864

export interface ReadableJournal {
  readonly contents: JournalContents
  /** From the beginning, each time. */
  readonly records: () => AsyncGenerator<JournalRecord>
}

/** Looks through a journal, however large it is, before anything of it is done. */
export async function readJournal(path: string, seal: LineSeal): Promise<ReadableJournal> {
  const undone = new Set<string>()
  const unreadable: number[] = []
  const misplaced: number[] = []
  const writers = createWriters()
  const lacks: { after: number; through: number }[] = []
  /** The line before, if it cannot be read: it is not known yet whether it was torn. */
  let doubtful: number | undefined
  let [lines, records, torn] = [0, 0, 0]
  for await (const { number, opened } of journalLines(path, seal)) {
    lines++
    // One empty line between them.
    if (doubtful !== undefined && number === doubtful + 2) torn++
    else if (doubtful !== undefined) unreadable.push(doubtful)
    doubtful = opened === undefined ? number : undefined
    if (opened === undefined) continue
    if (!writers.isNext(opened.place, unreadable.length)) misplaced.push(number)
    const { line } = opened
    if ('undone' in line) undone.add(line.undone)
    if (isRecord(line)) records++
    if ('through' in line && line.through.lacksAfter !== undefined)
      lacks.push({ after: line.through.lacksAfter, through: line.through.number })
  }
  if (doubtful !== undefined) {
    if (endsWithLine(path)) unreadable.push(doubtful)
    else torn++
  }
  async function* standing(): AsyncGenerator<JournalRecord> {
    for await (const { opened } of journalLines(path, seal)) {
      const line = opened?.line
      if (line && isRecord(line) && !(line.id !== undefined && undone.has(line.id))) yield line
    }
  }
  const contents = { file: path, lines, records: records - undone.size, torn, unreadable, misplaced, lacks }
  return { contents, records: standing }
}

/** Who has written lines so far, and how many. */
function createWriters(): { isNext(place: LinePlace, unreadable: number): boolean } {
  const known = new Map<string, { number: number; unreadable: number }>()
  const numberOf = (writer: string): number => known.get(writer)?.number ?? 0
  return {
    isNext({ writer, number, after = [] }, unreadable) {
      const before = known.get(writer)
      const missing = number - numberOf(writer) - 1
      known.set(writer, { number: Math.max(number, numberOf(writer)), unreadable })
      // Those are told already.
      const isExplained = missing <= unreadable - (before?.unreadable ?? 0)
      const isBehind = unreadable > 0 || after.every(one => numberOf(one.writer) >= one.number)
      return missing >= 0 && isExplained && isBehind
    },
  }
}

/** All marks, in the order of the file. */
export async function readMarks({ path, seal }: JournalFile): Promise<readonly AuditMark[]> {
  const marks: AuditMark[] = []
  for await (const { opened } of journalLines(path, seal)) {
    const line = opened?.line
    if (line && 'through' in line && marks.at(-1)?.number !== line.through.number) marks.push(line.through)
  }
  return marks
}

/** The first time that it tells: 0 if it tells none. */
export async function readBeginning({ path, seal }: JournalFile): Promise<Instant> {
  for await (const { opened } of journalLines(path, seal)) {
    const line = opened?.line
    const time = line && ('through' in line ? line.through.time : isRecord(line) ? line.time : undefined)
    if (time !== undefined) return time
  }
  return 0
}

interface ReadLine {
  readonly number: number
  /** Undefined: too long, no UTF-8, damaged, or none of this system's. */
  readonly opened: SealedLine | undefined
}

async function* journalLines(path: string, seal: LineSeal): AsyncGenerator<ReadLine> {
  for await (const { line: number, text } of fileLines(bytesOf(path), lineBytesAtMost)) {
    if (text !== '') yield { number, opened: text === undefined ? undefined : seal.open(text) }
  }
}

function endsWithLine(path: string): boolean {
  const { size } = statSync(path)
  const last = Buffer.alloc(1)
  const file = openSync(path, 'r')
  try {
    return size === 0 || (readSync(file, last, 0, 1, size - 1) === 1 && last.toString() === '\n')
  } finally {
    closeSync(file)
  }
}
