import type { KeyRing } from '@countersign/core'
import type { IssuerSnapshot } from '../store.ts'

/**
 * Where the nodes agree on the key ring: its row in the store, or a place outside of it. Every such place passes the same contract suite
 * (`contract/key-ring-contract.ts`).
 */
export interface KeyRingPlace {
  /** A fresh look, never what was known before. Throws `StoreUnavailable` if it cannot be known what the ring is now. */
  load(): Promise<KeyRingSnapshot>
  /**
   * Puts a ring in the place of the one that was loaded, and tells it: in the audit log, and in the feed if a key was killed. `'conflict'`: there is
   * another one by now. A commit that threw may or may not have happened; whoever loads next finds out, and tells what was not told.
   */
  commit(loaded: KeyRingSnapshot, ring: KeyRing): Promise<'committed' | 'conflict'>
  /** Calls back when there may be another ring, from a place that says so. Returns how to stop. */
  watch(listener: () => void): () => void
}

export interface KeyRingSnapshot extends IssuerSnapshot {
  /** What a place outside called the text that was read there. */
  readonly stamp?: string
}
