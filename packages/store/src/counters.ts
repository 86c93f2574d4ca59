import type { Instant } from '@countersign/core'

/** Counts of attempts. Lossy by contract: a restart may forget them, so nothing that must hold depends on them. */
export interface Counters {
  /**
   * Counts one attempt under `key` and says whether it is within `limit` per `windowSeconds` (a sliding window).
   * Refused attempts are not counted, so waiting always helps.
   */
  take(key: string, limit: number, windowSeconds: number): Promise<CounterAnswer>
  /** Forgets the attempts under `key`, e.g. after a success. */
  clear(key: string): Promise<void>
}

export interface CounterAnswer {
  readonly allowed: boolean
  /** When refused: seconds until the next attempt is allowed. */
  readonly retryAfterSeconds: number
}

interface Bucket {
  tokens: number
  time: Instant
}

/** Counters in memory: a token bucket a key, the oldest dropped beyond `keysAtMost`. */
export function createMemoryCounters(clock: () => Instant, keysAtMost = 100_000): Counters {
  const buckets = new Map<string, Bucket>()
  return {
    async take(key, limit, windowSeconds) {
      const now = clock()
      const perMs = limit / (windowSeconds * 1000)
      const old = buckets.get(key)
      const tokens = old ? Math.min(limit, old.tokens + Math.max(0, now - old.time) * perMs) : limit
      const allowed = tokens >= 1
      // Set anew at the end of the map: what is used stays, what is idle is dropped first.
      buckets.delete(key)
      buckets.set(key, { tokens: allowed ? tokens - 1 : tokens, time: now })
      if (buckets.size > keysAtMost) for (const [oldest] of buckets) if (buckets.delete(oldest)) break
      return { allowed, retryAfterSeconds: allowed ? 0 : Math.ceil((1 - tokens) / perMs / 1000) }
    },
    async clear(key) {
      buckets.delete(key)
    },
  }
}
