import type { WebPlatform } from '../platform.ts'
import type { WebLogin } from './web-login.ts'

/** Sessions that the issuer has ended, as far as this process was told. */
export interface EndedSessions {
  add(sessionId: string): void
  /** Whether the login was begun in a session that has been ended since. */
  include(login: WebLogin): boolean
}

/** By then no access token of theirs is alive, and none can be renewed. */
const keptMilliseconds = 86_400_000
const keptAtMost = 100_000

export function createEndedSessions({ now }: Pick<WebPlatform, 'now'>): EndedSessions {
  const ended = new Map<string, number>()
  return {
    add(sessionId) {
      ended.delete(sessionId)
      ended.set(sessionId, now())
      for (const [oldest, endedAt] of ended) {
        if (ended.size <= keptAtMost && now() - endedAt < keptMilliseconds) break
        ended.delete(oldest)
      }
    },
    include({ person, begunAt = 0 }) {
      const endedAt = typeof person.sid === 'string' ? ended.get(person.sid) : undefined
      return endedAt !== undefined && begunAt <= endedAt
    },
  }
}
