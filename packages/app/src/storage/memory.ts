import type { StoredSession, TokenStorage } from '../stored-session.ts'

/** A record in memory that any number of storages can share: what IndexedDB is for tabs, in a test or a simulation. */
export interface MemoryRecord {
  session?: StoredSession | undefined
  readonly listeners: Set<() => void>
}

export function createMemoryRecord(): MemoryRecord {
  return { listeners: new Set() }
}

/**
 * Memory: the login lives as long as the page, and each tab is an install of its own. Nothing to find on the disk.
 *
 * Risks: a script that runs in the page (XSS) can use the login while it runs there. Every load of the page is a new
 * sign-in, and what a user signs out of in one tab goes on in the others.
 *
 * With a `record` given, the storages that have the same one behave like tabs of one browser.
 */
export function memoryStorage(record?: MemoryRecord): TokenStorage {
  const cell = record ?? createMemoryRecord()
  let own: (() => void) | undefined

  async function replace(expected: string | undefined, next: StoredSession | undefined): Promise<boolean> {
    if (cell.session?.version !== expected) return false
    cell.session = next
    for (const listener of cell.listeners) if (listener !== own) listener()
    return true
  }

  return {
    name: 'memory',
    shared: record !== undefined,
    holdsKeys: true,
    get: async () => cell.session,
    compareAndSet: replace,
    remove: expected => replace(expected, undefined),
    subscribe(changed) {
      own = () => changed()
      cell.listeners.add(own)
      return () => {
        if (own) cell.listeners.delete(own)
      }
    },
  }
}
