import type { Instant } from './ids.ts'

/** The one row that stands for the whole system. */
export interface Issuer {
  /** The epoch `all`: raising it kills every access token. */
  readonly epoch: number
  /** Names this history of the store; a feed position of another history is answered by a snapshot. */
  readonly incarnation: string
  /** When a backup was last restored; null: never. */
  readonly restoredAt: Instant | null
  /** The longest life of an access token that was ever configured, in seconds: how long an entry of the feed is kept. */
  readonly longestAccessTokenSeconds: number
  readonly version: number
}
