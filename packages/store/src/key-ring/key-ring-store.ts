import type { KeyRing } from '@countersign/core'
import type { IssuerSnapshot } from '../store.ts'

/**
 * Where the nodes agree on the key ring: its row in the store, or a place outside of it. Every such place passes the same contract suite
 * (`contract/key-ring-contract.ts`).
 */
export interface KeyRingStore {
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

/** A place outside the store that holds one text, the same for all nodes: a znode, a key. */
export interface RingRegister {
  /** What stands there; never what stood there before another node was told that its text had taken the place. Throws `StoreUnavailable`. */
  read(): Promise<RegisteredText | undefined>
  /** Takes the place of the text of this stamp, or of none; `'conflict'`: something else stands there. */
  replace(text: string, stamp: string | undefined): Promise<'committed' | 'conflict'>
  /** Calls back when there may be another text, after connections that broke as well. Returns how to stop. */
  watch(listener: () => void): () => void
  close(): Promise<void>
}

export interface RegisteredText {
  readonly text: string
  readonly stamp: string
}
