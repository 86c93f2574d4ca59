import type { Log, UseProofOnce } from '@countersign/server'
import type { Counters, Store } from '@countersign/store'

/** What a node shares with others at once, besides the store. */
export interface FastLane {
  readonly tellCommits: (store: Store) => Store
  readonly shareCounters: (own: Counters) => Counters
  readonly useProofOnce: UseProofOnce
  readonly isThere: () => boolean
  readonly close: () => Promise<void>
}

/** The configured Valkey or Redis; `undefined`: there is none. Loaded only where it is wanted. */
export async function openValkey(
  { valkey: url }: { readonly valkey?: string | undefined },
  { log, namespace }: { log: Log; namespace: string },
): Promise<FastLane | undefined> {
  if (url === undefined) return undefined
  const { createSharedCounters, createUseOnce, openLane, tellCommits } = await import('@countersign/store-valkey')
  const lane = openLane({
    url,
    onChange(isThere) {
      if (isThere) log.info({}, 'Valkey answers')
      else
        log.warn(
          {},
          'Valkey is away: this node counts attempts and knows used proofs alone, and hears of revocations by the database',
        )
    },
    onDeaf: () =>
      log.warn({}, 'Valkey does not let this user subscribe: by it this node does not hear of revocations at others'),
  })
  return {
    tellCommits: store => tellCommits(store, lane),
    shareCounters: own => createSharedCounters(own, lane, namespace),
    useProofOnce: createUseOnce(lane, namespace),
    isThere: lane.isThere,
    close: lane.close,
  }
}
