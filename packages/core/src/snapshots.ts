import type { Client } from './clients/client.ts'
import type { AuthorizationCode } from './grant-types/code.ts'
import type { Grant } from './grants/grant.ts'
import type { Instant } from './ids.ts'
import type { Issuer } from './issuer.ts'
import type { Family, Session } from './sessions/session.ts'
import type { Identity, User } from './users/user.ts'

/*
 * What the store loads for a decision: rows as they were at one moment, with the store's time of that moment.
 */

/** What every snapshot has. */
export interface Snapshot {
  /** The store's clock, not the node's. */
  readonly now: Instant
  readonly issuer: Issuer
}

/** For a refresh: the family and all that it was authorised under. */
export interface FamilySnapshot extends Snapshot {
  readonly family: Family
  readonly session: Session
  readonly user: User
  readonly client: Client
  /** What the user has allowed the client; only where the family was authorised under it. */
  readonly grant: Grant | undefined
}

/** One session, without its families. */
export interface SessionOnlySnapshot extends Snapshot {
  readonly session: Session
  readonly user: User
}

/** One session with its families. */
export interface SessionSnapshot extends SessionOnlySnapshot {
  readonly families: readonly Family[]
}

/** A user, if there is one, with the clients that a login needs. */
export interface UserSnapshot extends Snapshot {
  readonly user: User | undefined
}

/** An id at a connection, and the user whose it is. */
export interface IdentitySnapshot extends UserSnapshot {
  /** Also one that was taken off its user: then `user` is undefined. */
  readonly identity: Identity | undefined
}

/** What a user has allowed a client, if they ever did. */
export interface GrantSnapshot extends Snapshot {
  readonly grant: Grant | undefined
}

/** A code with the rows that stand behind it. */
export interface CodeSnapshot extends Snapshot {
  readonly code: AuthorizationCode
  readonly session: Session
  readonly user: User
  readonly client: Client
  readonly grant: Grant | undefined
  /** What the code gave, if it was used. */
  readonly given: FamilySnapshot | undefined
  /** The client's families in this session that were not ended. */
  readonly siblings: readonly Family[]
}
