/** Remembers which proofs were used, for as long as they could be used again. */
export interface ProofMemory {
  /** `full`: nothing more can be remembered, so nothing more can be believed. */
  use(id: string, nowMilliseconds: number): 'fresh' | 'used' | 'full'
}

/** Two generations, each as long as a proof can live: what falls out of the older one has expired by itself. */
export function proofMemory(lifeMilliseconds: number, mostIds: number): ProofMemory {
  let young = new Set<string>()
  let old = new Set<string>()
  let since = Number.NEGATIVE_INFINITY

  return {
    use(id, nowMilliseconds) {
      const age = nowMilliseconds - since
      if (age >= lifeMilliseconds) {
        old = age >= 2 * lifeMilliseconds ? new Set() : young
        young = new Set()
        since = nowMilliseconds
      }
      if (young.has(id) || old.has(id)) return 'used'
      if (young.size + old.size >= mostIds) return 'full'
      young.add(id)
      return 'fresh'
    },
  }
}
