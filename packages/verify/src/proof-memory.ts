/** One moment by two clocks. A proof is believed by the wall's, which people and NTP set; time passes by the monotonic one alone. */
export interface Moment {
  readonly wallMilliseconds: number
  readonly monotonicMilliseconds: number
}

/** Remembers which proofs were used, for as long as they could be used again. */
export interface ProofMemory {
  /** `full`: nothing more can be remembered, so nothing more can be believed. */
  use(id: string, now: Moment): 'fresh' | 'used' | 'full'
}

/** A wall clock that was set far ahead and back would keep everything until it is there again. */
const livesAtMost = 10

/**
 * Two generations, each as long as a proof can live: what falls out of the older one has expired by itself. Neither clock alone decides: one that jumps ahead and back
 * must not make the memory forget, and one that is set back makes proofs young again.
 */
export function proofMemory(lifeMilliseconds: number, idsAtMost: number): ProofMemory {
  let young = new Set<string>()
  let old = new Set<string>()
  let since: Moment = { wallMilliseconds: Number.NEGATIVE_INFINITY, monotonicMilliseconds: Number.NEGATIVE_INFINITY }

  function hasPassed(lives: number, now: Moment): boolean {
    const byWall = now.wallMilliseconds - since.wallMilliseconds
    const byMonotonic = now.monotonicMilliseconds - since.monotonicMilliseconds
    const isLong = byMonotonic >= livesAtMost * lifeMilliseconds
    return byMonotonic >= lives * lifeMilliseconds && (byWall >= lives * lifeMilliseconds || isLong)
  }

  return {
    use(id, now) {
      if (hasPassed(1, now)) {
        old = hasPassed(2, now) ? new Set() : young
        young = new Set()
        since = now
      }
      if (young.has(id) || old.has(id)) return 'used'
      if (young.size + old.size >= idsAtMost) return 'full'
      young.add(id)
      return 'fresh'
    },
  }
}
