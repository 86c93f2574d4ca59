/**
 * The revocation feed (contract: Feed). Two kinds of entry: *named* ones are dead for good, *epoch* ones kill what
 * carries a lower epoch.
 *
 * @module
 */

export type NamedKind = 'token' | 'family' | 'session' | 'key'
export type EpochKind = 'user' | 'client' | 'grant' | 'all' | 'claims'

/** What is named is dead. `id` is a `jti`, family id, session id or `kid`; `until` (seconds) is when it can be forgotten. */
export interface NamedEntry {
  readonly kind: NamedKind
  readonly id: string
  readonly until: number
}

/**
 * Kills tokens whose epoch is lower than `below`. `id` is the user's, client's or grant's; empty for `all`. For `claims` it is a family: what its tokens tell of the user has
 * changed. The login goes on, and its next token tells what is.
 * `at` (seconds) is compared with `iat` of tokens that carry no epochs (other issuers).
 */
export interface EpochEntry {
  readonly kind: EpochKind
  readonly id: string
  readonly below: number
  readonly at: number
  readonly until: number
}

export type FeedEntry = NamedEntry | EpochEntry

/** `<incarnation>.<n>`: a place in the feed. A position of another incarnation is answered by a snapshot. */
export type FeedPosition = string

/** The data of every event, and the JSON form. */
export interface FeedPage {
  readonly position: FeedPosition
  /**
   * In the stream, but for snapshots: the position that this follows. A reader that is not there yet has missed a message, one that is beyond `position`
   * has read this before.
   */
  readonly after?: FeedPosition
  /** Seconds since 1970 (fractions allowed): everything revoked before is contained. */
  readonly as_of: number
  readonly entries: readonly FeedEntry[]
  /** In the JSON form: true if this replaces what the reader knew (first read, or its position is unknown here). */
  readonly snapshot?: boolean
}

export type FeedEvent = 'snapshot' | 'entries' | 'heartbeat'

export function isEpochEntry(entry: FeedEntry): entry is EpochEntry {
  return 'below' in entry
}

/** A grant is named in the feed by the two that it is between: `sub` and `client_id` of its tokens. */
export function grantEntryId(userId: string, clientId: string): string {
  return `${userId} ${clientId}`
}
