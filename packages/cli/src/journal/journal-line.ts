import type { Instant, JournalRecord } from '@countersign/core'

/** A row of the audit log: everything up to it stands in the journal. */
export interface AuditMark {
  readonly number: number
  readonly hash: string
  /** The row's. The first mark of a journal says it: nothing older stands in it. */
  readonly time?: Instant
}

/** What one line of a journal says. Each is JSON. */
export type JournalLine =
  /** What is about to be taken back. `id`: by which it may be called off. */
  | (JournalRecord & { readonly id?: string })
  /** The record of this id was not committed: others had changed the rows, and it was decided anew. */
  | { readonly undone: string }
  | { readonly through: AuditMark }
  /** The line before was broken off, and nobody was answered for it. No longer written: only the process that had torn it could say so. */
  | { readonly torn: true }

/**
 * What each write begins with. Behind a whole line these are two empty ones. Behind one that was broken off, whoever did that, the first of them ends it, and there is one.
 */
export const beginsWrite = '\n\n'

export const tornLine: string = JSON.stringify({ torn: true })

/** `undefined`: it cannot be read, or says nothing that is known here. */
export function parseLine(text: string): JournalLine | undefined {
  try {
    const line: unknown = JSON.parse(text)
    return isLine(line) ? line : undefined
  } catch {
    return undefined
  }
}

const lists = ['audit', 'entries', 'sessions', 'families', 'users', 'grants', 'clients'] as const

function isLine(line: unknown): line is JournalLine {
  if (typeof line !== 'object' || line === null) return false
  const { time, undone, through, torn, ...rest } = line as Readonly<Record<string, unknown>>
  if (typeof time === 'number') return lists.every(name => Array.isArray(rest[name]))
  return typeof undone === 'string' || typeof through === 'object' || torn === true
}

export function isRecord(line: JournalLine): line is JournalRecord & { readonly id?: string } {
  return 'time' in line
}
