import type { Snapshot, User } from '@countersign/core'

/** A user who has just shown who they are, in the snapshot in which they were loaded. */
export type SignedIn = Snapshot & {
  readonly user: User
  readonly amr: readonly string[]
  /** Their password was right, and its hash is none of ours of today. */
  readonly needsRehash?: boolean
}
