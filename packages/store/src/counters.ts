import type { Instant } from '@countersign/core'
import { createRecentMap, type RecentMap } from './recent-map.ts'

/** So many in so many seconds (a sliding window), of one kind of things that are counted. */
export interface Limit {
  /** What is counted, in a few words. Kinds are a few that the code knows; whom a count concerns is its key. */
  readonly kind: string
  readonly attempts: number
  readonly windowSeconds: number
}

/** One attempt under one limit. */
export interface Counted {
  readonly limit: Limit
  readonly key: string
}

/** Limits on one attempt that are decided together. */
export interface Together {
  /** Under all of these or under none: in their order, up to the first that refuses. */
  readonly all: readonly Counted[]
  /** Then under each of these that has room, if `unlessRemembered` is not remembered. */
  readonly each?: readonly Counted[]
  readonly unlessRemembered?: string
}

/** Counts of attempts. Lossy by contract: a restart may forget them, so nothing that must hold depends on them. */
export interface Counters {
  /** Counts one attempt of `key` and says whether it is within the limit. Refused attempts are not counted, so waiting always helps. */
  take(limit: Limit, key: string): Promise<CounterAnswer>
  /** Counts one attempt under several limits, as one step: where counts are shared, one question to whoever keeps them. */
  takeTogether(wanted: Together): Promise<TogetherAnswer>
  /** Takes back one counted attempt that turned out not to be one. */
  giveBack(limit: Limit, key: string): Promise<void>
  /** Forgets the attempts of `key`, e.g. after a success. */
  clear(limit: Limit, key: string): Promise<void>
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

/** `allowed`: counted under `all`. */
export interface TogetherAnswer extends CounterAnswer {
  readonly isRemembered: boolean
  /** What each of `each` says, in their order; empty if they were not asked. */
  readonly each: readonly CounterAnswer[]
}

interface Bucket {
  readonly tokens: number
  readonly time: Instant
}

/**
 * Counters in memory: a token bucket a key. Each kind has room for `keysAtMost` of its own, of which those that were used least recently are dropped: a flood
 * of one kind empties nothing of another.
 */
export function createMemoryCounters(clock: () => Instant, keysAtMost = 100_000): Counters {
  const kinds = new Map<string, RecentMap<Bucket>>()
  const rememberedUntil = createRecentMap<Instant>(keysAtMost)

  function bucketsOf({ kind }: Limit): RecentMap<Bucket> {
    const known = kinds.get(kind)
    if (known !== undefined) return known
    const made = createRecentMap<Bucket>(keysAtMost)
    kinds.set(kind, made)
    return made
  }

  /** What is left of a key by now. */
  function tokensOf(old: Bucket | undefined, limit: Limit, now: Instant): number {
    return old ? Math.min(limit.attempts, old.tokens + Math.max(0, now - old.time) * perMs(limit)) : limit.attempts
  }

  function take({ limit, key }: Counted): CounterAnswer {
    const [now, buckets] = [clock(), bucketsOf(limit)]
    const tokens = tokensOf(buckets.get(key), limit, now)
    const allowed = tokens >= 1
    buckets.set(key, { tokens: allowed ? tokens - 1 : tokens, time: now })
    return { allowed, retryAfterSeconds: allowed ? 0 : Math.ceil((1 - tokens) / perMs(limit) / 1000) }
  }

  function giveBack({ limit, key }: Counted): void {
    const [now, buckets] = [clock(), bucketsOf(limit)]
    const old = buckets.get(key)
    if (old === undefined) return
    const tokens = tokensOf(old, limit, now) + 1
    // A full bucket is as good as none, and takes the place of others.
    if (tokens >= limit.attempts) buckets.delete(key)
    else buckets.set(key, { tokens, time: now })
  }

  function isRemembered(key: string): boolean {
    const until = rememberedUntil.get(key)
    if (until !== undefined && until <= clock()) rememberedUntil.delete(key)
    return until !== undefined && until > clock()
  }

  return {
    take: async (limit, key) => take({ limit, key }),
    async takeTogether({ all, each = [], unlessRemembered }) {
      for (const [index, one] of all.entries()) {
        const answer = take(one)
        if (answer.allowed) continue
        all.slice(0, index).forEach(giveBack)
        return { ...answer, isRemembered: false, each: [] }
      }
      const remembered = unlessRemembered !== undefined && isRemembered(unlessRemembered)
      return { allowed: true, retryAfterSeconds: 0, isRemembered: remembered, each: remembered ? [] : each.map(take) }
    },
    giveBack: async (limit, key) => giveBack({ limit, key }),
    async clear(limit, key) {
      bucketsOf(limit).delete(key)
    },
    async remember(key, seconds) {
      rememberedUntil.set(key, clock() + seconds * 1000)
    },
    remembers: async key => isRemembered(key),
  }
}

function perMs({ attempts, windowSeconds }: Limit): number {
  return attempts / (windowSeconds * 1000)
}
