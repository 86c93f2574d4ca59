import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import type { JournalRecord } from '@countersign/core'
import { fileLines } from '../file-lines.ts'
import { bytesOf } from '../json-file.ts'
import { type AuditMark, isRecord, type JournalLine, parseLine } from './journal-line.ts'

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
  /** Not known to be torn yet. */
  let doubtful: number[] = []
  let [lines, records, torn] = [0, 0, 0]
  for await (const { number, line } of journalLines(path)) {
    lines++
    if (line === undefined) {
      doubtful.push(number)
      continue
    }
    if ('torn' in line) torn += doubtful.length
    else unreadable.push(...doubtful)
    doubtful = []
    if ('undone' in line) undone.add(line.undone)
    if (isRecord(line)) records++
  }
  if (endsWithLine(path)) unreadable.push(...doubtful)
  else torn += doubtful.length
  async function* standing(): AsyncGenerator<JournalRecord> {
    for await (const { line } of journalLines(path)) {
      if (line && isRecord(line) && !(line.id !== undefined && undone.has(line.id))) yield line
    }
  }
  const contents = { file: basename(path), lines, records: records - undone.size, torn, unreadable }
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

async function* journalLines(
  path: string,
): AsyncGenerator<{ readonly number: number; readonly line: JournalLine | undefined }> {
  for await (const { line: number, text } of fileLines(bytesOf(path), lineBytesAtMost)) {
    if (text !== '') yield { number, line: text === undefined ? undefined : parseLine(text) }
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
