import { closeSync, openSync, readSync, statSync } from 'node:fs'
import type { Instant, JournalRecord } from '@countersign/core'
import { fileLines } from '../file-lines.ts'
import { bytesOf } from '../json-file.ts'
import { type AuditMark, isRecord, type JournalLine, parseLine, tornLine } from './journal-line.ts'

/** What was found in a journal, for whoever restores. */
export interface JournalContents {
  readonly file: string
  /** Lines of whatever kind. */
  readonly lines: number
  /** Those that something was taken back by. */
  readonly records: number
  /** Lines that were broken off before anybody was answered. */
  readonly torn: number
  /** The numbers of the other lines that cannot be read: what they say is not known. */
  readonly unreadable: readonly number[]
}

/** Many times what the largest change has. */
const lineBytesAtMost = 67_108_864

/** Looks through a journal, however large it is, before anything of it is done. */
export async function readJournal(
  path: string,
): Promise<{ readonly contents: JournalContents; readonly records: () => AsyncGenerator<JournalRecord> }> {
  const undone = new Set<string>()
  const unreadable: number[] = []
  /** The line before, if it cannot be read: it is not known yet whether it was torn. */
  let doubtful: number | undefined
  let [lines, records, torn] = [0, 0, 0]
  for await (const { number, text, line } of journalLines(path)) {
    lines++
    const isMark = line === undefined ? beginsTornLine(text) : 'torn' in line
    if (doubtful !== undefined) {
      // One empty line between them.
      if (isMark || number === doubtful + 2) torn++
      else unreadable.push(doubtful)
    }
    doubtful = line === undefined && !isMark ? number : undefined
    if (line === undefined) continue
    if ('undone' in line) undone.add(line.undone)
    if (isRecord(line)) records++
  }
  if (doubtful !== undefined) {
    if (endsWithLine(path)) unreadable.push(doubtful)
    else torn++
  }
  async function* standing(): AsyncGenerator<JournalRecord> {
    for await (const { line } of journalLines(path)) {
      if (line && isRecord(line) && !(line.id !== undefined && undone.has(line.id))) yield line
    }
  }
  const contents = { file: path, lines, records: records - undone.size, torn, unreadable }
  return { contents, records: standing }
}

/** All marks, in the order of the file. */
export async function readMarks(path: string): Promise<readonly AuditMark[]> {
  const marks: AuditMark[] = []
  for await (const { line } of journalLines(path)) {
    if (line && 'through' in line && marks.at(-1)?.number !== line.through.number) marks.push(line.through)
  }
  return marks
}

/** The first time that it tells: 0 if it tells none. */
export async function readBeginning(path: string): Promise<Instant> {
  for await (const { line } of journalLines(path)) {
    const time = line && ('through' in line ? line.through.time : isRecord(line) ? line.time : undefined)
    if (time !== undefined) return time
  }
  return 0
}

interface ReadLine {
  readonly number: number
  /** Undefined: too long, or no UTF-8. */
  readonly text: string | undefined
  readonly line: JournalLine | undefined
}

async function* journalLines(path: string): AsyncGenerator<ReadLine> {
  for await (const { line: number, text } of fileLines(bytesOf(path), lineBytesAtMost)) {
    if (text !== '') yield { number, text, line: text === undefined ? undefined : parseLine(text) }
  }
}

/** What says that a line was torn may have been torn itself. */
function beginsTornLine(text: string | undefined): boolean {
  return text !== undefined && tornLine.startsWith(text)
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
