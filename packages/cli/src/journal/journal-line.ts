import type { Instant, JournalRecord } from '@countersign/core'

/** A row of the audit log: everything up to it stands in the journal. */
export interface AuditMark {
  readonly number: number
  readonly hash: string
  /** The row's. The first mark of a journal says it: nothing older stands in it. */
  readonly time?: Instant
  /** The rows from behind that one up to this were removed from the log before they were here: what others have revoked in them is not known. */
  readonly lacksAfter?: number
}

/** What one line of a journal says. Each is JSON. */
export type JournalLine =
  /** What is about to be taken back. `id`: by which it may be called off. */
  | (JournalRecord & { readonly id?: string })
  /** The record of this id was not committed: others had changed the rows, and it was decided anew. */
  | { readonly undone: string }
  | { readonly through: AuditMark }

/** Which line of which writer it is. A writer is one opening of the file: its lines are numbered from 1, and none is left out. */
export interface LinePlace {
  readonly writer: string
  readonly number: number
  /** In its first line: the last lines that it found in the file, of each writer. */
  readonly after?: readonly LineReference[]
}

export type LineReference = Pick<LinePlace, 'writer' | 'number'>

export interface SealedLine {
  readonly line: JournalLine
  readonly place: LinePlace
}

/**
 * What each write begins with. Behind a whole line these are two empty ones. Behind one that was broken off, whoever did that, the first of them ends it, and there is one.
 */
export const beginsWrite = '\n\n'

/** `undefined`: it says nothing that is known here. Whose line it is has been found out before. */
export function parseLine(text: string): SealedLine | undefined {
  try {
    const { place, ...line } = JSON.parse(text) as JournalLine & { readonly place?: LinePlace }
    return place !== undefined && isLine(line) ? { line, place } : undefined
  } catch {
    return undefined
  }
}

const lists = ['audit', 'entries', 'sessions', 'families', 'users', 'identities', 'grants', 'clients'] as const

function isLine(line: object): line is JournalLine {
  const { time, undone, through, ...rest } = line as Readonly<Record<string, unknown>>
  if (typeof time === 'number') return lists.every(name => Array.isArray(rest[name]))
  return typeof undone === 'string' || typeof through === 'object'
}

export function isRecord(line: JournalLine): line is JournalRecord & { readonly id?: string } {
  return 'time' in line
}
