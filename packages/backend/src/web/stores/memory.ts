import type { SessionStore, StoredSession } from '../session-store.ts'

/** Sessions of one process, gone when it ends: for development and tests. */
export function createMemorySessions(): SessionStore {
  const sessions = new Map<string, StoredSession>()
  return {
    async load(key, now) {
      const found = sessions.get(key)
      return found !== undefined && found.endsAt > now ? found : undefined
    },
    async save(key, session, before, now) {
      if ((sessions.get(key)?.version ?? 0) !== before) return false
      if (before === 0) for (const [old, { endsAt }] of sessions) if (endsAt <= now) sessions.delete(old)
      sessions.set(key, { ...session, version: before + 1 })
      return true
    },
    async remove(key) {
      sessions.delete(key)
    },
    async removeOf(session) {
      for (const [key, one] of sessions) if (one.session === session) sessions.delete(key)
    },
  }
}
