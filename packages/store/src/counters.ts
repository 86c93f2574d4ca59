import type { Instant } from '@countersign/core'

/** Counts of attempts. Lossy by contract: a restart may forget them, so nothing that must hold depends on them. */
export interface Counters {
  /**
   * Counts one attempt under `key` and says whether it is within `limit` per `windowSeconds` (a sliding window).
   * Refused attempts are not counted, so waiting always helps.
   */
  take(key: string, limit: number, windowSeconds: number): Promise<CounterAnswer>
  /** Takes back one counted attempt that turned out not to be one; with the `limit` and `windowSeconds` it was counted by. */
  giveBack(key: string, limit: number, windowSeconds: number): Promise<void>
  /** Forgets the attempts under `key`, e.g. after a success. */
  clear(key: string): Promise<void>
  /** Remembers `key` for so long, apart from the attempts: no flood of them pushes it out. */
  remember(key: string, seconds: number): Promise<void>
  /** True for a key that is remembered. */
  remembers(key: string): Promise<boolean>
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

/** Counters in memory: a token bucket a key, the least recently used dropped beyond `keysAtMost`. */
export function createMemoryCounters(clock: () => Instant, keysAtMost = 100_000): Counters {
  const buckets = new Map<string, Bucket>()
  const rememberedUntil = new Map<string, Instant>()

  /** What is left under a key by now. */
  function tokensOf(key: string, limit: number, perMs: number, now: Instant): number {
    const old = buckets.get(key)
    return old ? Math.min(limit, old.tokens + Math.max(0, now - old.time) * perMs) : limit
  }

  return {
    async take(key, limit, windowSeconds) {
      const now = clock()
      const perMs = limit / (windowSeconds * 1000)
      const tokens = tokensOf(key, limit, perMs, now)
      const allowed = tokens >= 1
      setNewest(buckets, key, { tokens: allowed ? tokens - 1 : tokens, time: now }, keysAtMost)
      return { allowed, retryAfterSeconds: allowed ? 0 : Math.ceil((1 - tokens) / perMs / 1000) }
    },
    async giveBack(key, limit, windowSeconds) {
      const now = clock()
      if (!buckets.has(key)) return
      const tokens = tokensOf(key, limit, limit / (windowSeconds * 1000), now)
      setNewest(buckets, key, { tokens: Math.min(limit, tokens + 1), time: now }, keysAtMost)
    },
    async clear(key) {
      buckets.delete(key)
    },
    async remember(key, seconds) {
      setNewest(rememberedUntil, key, clock() + seconds * 1000, keysAtMost)
    },
    async remembers(key) {
      const until = rememberedUntil.get(key)
      if (until !== undefined && until <= clock()) rememberedUntil.delete(key)
      return rememberedUntil.has(key)
    },
  }
}

/** Set anew at the end of the map: what is used stays, what is idle is dropped first. */
function setNewest<V>(map: Map<string, V>, key: string, value: V, keysAtMost: number): void {
  map.delete(key)
  map.set(key, value)
  if (map.size > keysAtMost) for (const [oldest] of map) if (map.delete(oldest)) break
}
