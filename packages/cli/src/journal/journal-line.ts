import type { JournalRecord } from '@countersign/core'

/** A row of the audit log: everything up to it stands in the journal. */
export interface AuditMark {
  readonly number: number
  readonly hash: string
}

/** What one line of a journal says. Each is JSON; a later version may write lines that this one passes over. */
export type JournalLine =
  /** What is about to be taken back. `id`: by which it may be called off. */
  | (JournalRecord & { readonly id?: string })
  /** The record of this id was not committed: others had changed the rows, and it was decided anew. */
  | { readonly undone: string }
  | { readonly through: AuditMark }
  /** The line before was broken off, and nobody was answered for it. */
  | { readonly torn: true }

/** `undefined`: it cannot be read. */
export function parseLine(text: string): JournalLine | undefined {
  try {
    const line: unknown = JSON.parse(text)
    return typeof line === 'object' && line !== null ? (line as JournalLine) : undefined
  } catch {
    return undefined
  }
}

export function isRecord(line: JournalLine): line is JournalRecord & { readonly id?: string } {
  return 'time' in line
}
