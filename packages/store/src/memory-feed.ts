import type { FeedEntry } from '@countersign/protocol'
import type { FeedBatch, FeedStore, StoreOptions } from './store.ts'

/** The feed in memory: what is appended is durable at once. */
export interface MemoryFeed extends FeedStore {
  readonly append: (entries: readonly FeedEntry[]) => void
  /** Forgets at most `rowsAtMost` entries that have passed; says how many went. */
  readonly forgetPassed: (rowsAtMost: number) => number
}

interface Numbered {
  readonly number: number
  readonly entry: FeedEntry
}

export function createMemoryFeed(options: Pick<StoreOptions, 'clock' | 'seed'>): MemoryFeed {
  const listeners = new Set<() => void>()
  let kept: Numbered[] = []
  let head = 0

  function batchAfter(number: number): FeedBatch {
    const asOf = options.clock()
    const entries = kept.filter(one => one.number > number && !hasPassed(one.entry, asOf)).map(one => one.entry)
    return { number: head, asOf, entries }
  }

  return {
    incarnation: options.seed.incarnation,
    async snapshot() {
      return batchAfter(0)
    },
    async after(number) {
      const oldest = kept[0]?.number ?? head + 1
      return Number.isInteger(number) && number >= oldest - 1 && number <= head ? batchAfter(number) : undefined
    },
    async holds(kind, id) {
      return kept.some(({ entry }) => entry.kind === kind && entry.id === id)
    },
    subscribe(listener) {
      // Wrapped, so that one function can listen twice.
      const own = (): void => listener()
      listeners.add(own)
      return () => void listeners.delete(own)
    },
    append(entries) {
      if (entries.length === 0) return
      for (const entry of entries) kept.push({ number: ++head, entry })
      for (const listener of listeners) queueMicrotask(listener)
    },
    forgetPassed(rowsAtMost) {
      const now = options.clock()
      let left = rowsAtMost
      const before = kept.length
      // The newest stays in any case: its number is the feed's.
      kept = kept.filter(one => one.number === head || !hasPassed(one.entry, now) || left-- <= 0)
      return before - kept.length
    },
  }
}

/** True if no token can be alive that the entry concerns. */
function hasPassed(entry: FeedEntry, now: number): boolean {
  return entry.until * 1000 <= now
}
