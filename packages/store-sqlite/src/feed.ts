import type { DatabaseSync } from 'node:sqlite'
import type { EpochKind, FeedEntry, NamedKind } from '@countersign/protocol'
import type { FeedBatch, FeedStore, StoreOptions } from '@countersign/store'
import type { Row } from './columns.ts'
import { translating } from './sqlite-failure.ts'
import { prepareRead } from './statements.ts'

export interface Feed extends FeedStore {
  /** The newest entry's number, also of a transaction that is under way. */
  readonly head: () => number
  readonly append: (entry: FeedEntry) => void
  /** After a rollback: the feed ends at `head` again. */
  readonly resetTo: (head: number) => void
  /** Everything up to `number` is on the disk: it can be read, and listeners hear of it. */
  readonly becomesDurable: (number: number) => void
  /** Forgets at most `rowsAtMost` entries that have passed; says how many went. */
  readonly forgetPassed: (rowsAtMost: number) => number
}

/**
 * An entry that is committed but not yet on the disk is not shown: a crash would take it back and give its number to
 * another, and a reader that had seen the first would never ask for the second.
 */
export function openFeed(database: DatabaseSync, options: Pick<StoreOptions, 'clock'> & { incarnation: string }): Feed {
  const newest = prepareRead(database, 'SELECT max(number) FROM entry')
  const oldest = prepareRead(database, 'SELECT min(number) FROM entry')
  const living = prepareRead(
    database,
    'SELECT kind, id, below, at, until FROM entry WHERE number > ? AND number <= ? AND until * 1000 > ? ORDER BY number',
  )
  const named = prepareRead(database, 'SELECT 1 FROM entry WHERE id = ? AND kind = ?')
  const insert = database.prepare('INSERT INTO entry (number, kind, id, below, at, until) VALUES (?, ?, ?, ?, ?, ?)')
  const forget = database.prepare(
    'DELETE FROM entry WHERE number IN (SELECT number FROM entry WHERE number < ? AND until * 1000 <= ? ORDER BY number LIMIT ?)',
  )
  const listeners = new Set<() => void>()
  let head = (newest.one()?.[0] as number | null) ?? 0
  let durable = head

  function batchAfter(number: number): FeedBatch {
    const asOf = options.clock()
    return { number: durable, asOf, entries: translating(() => living.all(number, durable, asOf)).map(readEntry) }
  }

  return {
    incarnation: options.incarnation,
    async snapshot() {
      return batchAfter(0)
    },
    async after(number) {
      if (!Number.isInteger(number) || number < 0 || number > durable) return undefined
      const first = translating(() => oldest.one())?.[0] as number | null | undefined
      return number >= (first ?? head + 1) - 1 ? batchAfter(number) : undefined
    },
    holds: async (kind, id) => translating(() => named.one(id, kind)) !== undefined,
    subscribe(listener) {
      // Wrapped, so that one function can listen twice.
      const own = (): void => listener()
      listeners.add(own)
      return () => void listeners.delete(own)
    },
    head: () => head,
    append(entry) {
      const epoch = 'below' in entry ? entry : undefined
      insert.run(head + 1, entry.kind, entry.id, epoch?.below ?? null, epoch?.at ?? null, entry.until)
      head++
    },
    resetTo(earlier) {
      head = earlier
    },
    becomesDurable(number) {
      if (number <= durable) return
      durable = number
      for (const listener of listeners) queueMicrotask(listener)
    },
    // The newest stays in any case: its number is the feed's.
    forgetPassed: rowsAtMost => Number(forget.run(head, options.clock(), rowsAtMost).changes),
  }
}

function readEntry(row: Row): FeedEntry {
  const [kind, id, below, seconds, until] = row as [string, string, number | null, number | null, number]
  if (below === null || seconds === null) return { kind: kind as NamedKind, id, until }
  return { kind: kind as EpochKind, id, below, at: seconds, until }
}
