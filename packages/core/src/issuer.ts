import type { Instant } from './ids.ts'

/**
 * What judging imported password hashes costs: by the kind of work, how much of it the dearest one needs. Part of every judgement of a password, so that none tells by its
 * time whether somebody's hash was imported.
 */
export type ImportedWork = Readonly<Record<string, number>>

/** The one row that stands for the whole system. */
export interface Issuer {
  /** The epoch `all`: raising it kills every access token. */
  readonly epoch: number
  /** Names this history of the store; a feed position of another history is answered by a snapshot. */
  readonly incarnation: string
  /** The issuer's URL, as whoever started last has it; absent: nobody has started since it is noted. */
  readonly url?: string
  /** The `clients_version` of the configuration whose clients are stored; absent: none has said one. A lower one changes no client. */
  readonly clientsVersion?: number
  /** While a copy from another store is under way, or after it was broken off: no node may start on it. */
  readonly unfinishedCopy?: true
  /** When a backup was last restored; null: never. */
  readonly restoredAt: Instant | null
  /** The longest life of an access token that was ever configured, in seconds: how long an entry of the feed is kept. */
  readonly longestAccessTokenSeconds: number
  /** Absent: no hashes were imported, or none of them is left. */
  readonly importedWork?: ImportedWork
  readonly version: number
}
