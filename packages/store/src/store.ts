import type {
  AuditAnchor,
  AuditRecord,
  Change,
  Client,
  ClientOrigin,
  CodeSnapshot,
  DueKind,
  Family,
  FamilySnapshot,
  Grant,
  GrantSnapshot,
  Identity,
  IdentitySnapshot,
  Instant,
  KeyRing,
  Session,
  SessionOnlySnapshot,
  SessionSnapshot,
  ShortLivedKind,
  ShortLivedRows,
  Snapshot,
  User,
  UserSnapshot,
} from '@countersign/core'
import type { FeedEntry, NamedKind } from '@countersign/protocol'

/**
 * Where everything is kept: versioned rows and atomic commits, nothing else. Every engine passes the same contract suite
 * (`contract-suite.ts`), and the rest of the system cannot tell them apart.
 *
 * Each `load…` gives one consistent snapshot of what one decision needs, with the store's own time. `commit` applies a
 * decision's change whole or not at all. If the outside world breaks, methods throw `StoreUnavailable`; a commit that threw
 * may or may not have happened, and loading again finds out.
 */
export interface Store {
  /** The issuer and its keys. */
  loadIssuer(): Promise<IssuerSnapshot>
  loadClient(clientId: string): Promise<ClientSnapshot | undefined>
  /** A page of the clients, in the order of their ids. There may be very many: never all of them at once. */
  listClients(page: ClientPage): Promise<readonly Client[]>
  /** How many clients came in one way. */
  countClients(origin: ClientOrigin): Promise<number>
  /** True if a client that is not switched off has a redirect URI of this web origin (RFC 6454). */
  knowsWebOrigin(origin: string): Promise<boolean>
  loadUser(userId: string): Promise<UserSnapshot>
  /** A page of the users, deleted ones too, in the order of their ids. There may be very many: never all of them at once. */
  listUsers(page: UserPage): Promise<readonly User[]>
  /** By `emailKey(address)`. */
  loadUserByEmail(key: string): Promise<UserSnapshot>
  loadUserByIdentity(connection: string, subject: string): Promise<IdentitySnapshot>
  /** What stands of a user's identities, in the order in which they came. */
  listIdentities(userId: string): Promise<readonly Identity[]>
  loadFamily(familyId: string): Promise<FamilySnapshot | undefined>
  loadSession(sessionId: string): Promise<SessionSnapshot | undefined>
  /** The same without the families, of which there may be many: for the cookie of every request. */
  loadSessionOnly(sessionId: string): Promise<SessionOnlySnapshot | undefined>
  /** By the hash of the code. */
  loadCode(hash: string): Promise<CodeSnapshot | undefined>
  /** By kind and the hash of what names it. Expired rows are found until they are swept: whether they may be used is the decision's to judge. */
  loadShortLived<Kind extends OtherShortLivedKind>(
    kind: Kind,
    hash: string,
  ): Promise<ShortLivedSnapshot<Kind> | undefined>
  /** Rows whose `dueAt` has come, the one that is due longest first. */
  listDue<Kind extends DueKind>(kind: Kind, rowsAtMost: number): Promise<DueSnapshot<Kind>>
  loadGrant(userId: string, clientId: string): Promise<GrantSnapshot>
  /** What the user allows: grants that were not withdrawn, the newest consent first. */
  listGrants(userId: string): Promise<readonly Grant[]>
  /** The user's sessions that were neither ended nor outlived by an epoch, newest first, with their living families. */
  listSessions(userId: string): Promise<readonly SessionWithFamilies[]>
  /** The user's sessions that stood under this epoch of theirs and were not ended by name, with all their families. */
  listSessionsUnder(userId: string, userEpoch: number): Promise<readonly SessionWithFamilies[]>

  /**
   * Applies all of the change or nothing. `'conflict'`: a row is not at the version that was read (or exists, where
   * version 0 was written): load and decide again. A durable change is on disk when this resolves, and a change that
   * carries entries always is. One row at most once in a change; what a session or family belongs to is fixed at birth.
   * The end of a family (`endsOnly`) is the one write for which the version does not count.
   * A client that a session, family or grant is written for has been used: its `expiresAt` becomes null in the same commit, and its version rises.
   * A user written with `deletedAt` takes the device and address out of all their sessions, ended ones too, and what connections have told and given out
   * of all their identities, in the same commit; an engine with a log soon overwrites what stood there. Ids that are none, addresses that are none, and rows that name others that do not exist are a TypeError.
   */
  commit(change: Change): Promise<'committed' | 'conflict'>

  readonly feed: FeedStore

  /** Audit rows after a number, in order; the numbers have no gaps. Throws `AuditPruned` if the next one was removed: nobody takes what is left for all. */
  readAudit(after: number, limit: number): Promise<readonly StoredAuditRow[]>

  /** Forgets what can have no effect any more: codes, entries, ended or expired sessions, registrations that nobody used. Returns how many rows went. */
  sweep(limits: SweepLimits): Promise<number>

  /** Deletes audit rows up to the anchor, the oldest first. Several may at once: each takes others. Returns how many went; the newest row of all never does. */
  deletePrunedAudit(rowsAtMost: number): Promise<number>

  /** Waits for what was begun, writes everything down, lets go of files and connections. */
  close(): Promise<void>
}

export interface IssuerSnapshot extends Snapshot {
  readonly keyRing: KeyRing
}

export interface ClientPage {
  /** Only those that came so. */
  readonly origin?: ClientOrigin
  /** The id after which the page begins. */
  readonly after?: string
  readonly limit: number
}

export interface UserPage {
  /** The id after which the page begins. */
  readonly after?: string
  readonly limit: number
}

export interface ClientSnapshot extends Snapshot {
  readonly client: Client
}

/** Codes have a snapshot of their own. */
export type OtherShortLivedKind = Exclude<ShortLivedKind, 'code'>

export interface ShortLivedSnapshot<Kind extends ShortLivedKind> extends Snapshot {
  readonly row: ShortLivedRows[Kind]
}

export interface DueSnapshot<Kind extends DueKind> extends Snapshot {
  readonly rows: readonly ShortLivedRows[Kind][]
}

export interface SessionWithFamilies {
  readonly session: Session
  readonly families: readonly Family[]
}

/** The numbered log behind the revocation feed. Numbers have no gaps; an entry is numbered once it is committed. */
export interface FeedStore {
  /** Names this history; a position of another one means nothing here. An engine that nobody else writes to may begin one at each opening. */
  readonly incarnation: string
  /** Everything that still matters, and the number of the newest entry. */
  snapshot(): Promise<FeedBatch>
  /** What came after a number; `undefined` if that number is unknown (too old, or in the future). */
  after(number: number): Promise<FeedBatch | undefined>
  /** True if a named entry stands in the log: the only place that says that a single access token was revoked. */
  holds(kind: NamedKind, id: string): Promise<boolean>
  /** Calls back when there may be something new. Returns how to stop. */
  subscribe(listener: () => void): () => void
}

export interface FeedBatch {
  /** The number of the newest entry that this batch takes into account. */
  readonly number: number
  /** The store's time of the look: everything committed before is contained. */
  readonly asOf: Instant
  readonly entries: readonly FeedEntry[]
}

/** An audit record as it is kept: numbered and chained. */
export interface StoredAuditRow {
  readonly number: number
  readonly record: Omit<AuditRecord, 'personal'>
  /** The personal fields, sealed under the user's key; null if there were none. */
  readonly sealedPersonal: string | null
  /** SHA-256 of the previous row's hash and this row (base64url): changing or dropping a row breaks all that follow. */
  readonly hash: string
}

/** How long what is over is still kept, for the account page and support. Seconds. */
export interface SweepLimits {
  /** Ended or expired sessions and families. */
  readonly keepEndedSeconds: number
  /** Rows at most in one go, so that no sweep holds up a refresh. */
  readonly rowsAtMost: number
}

/** What an engine is given when it is opened. */
export interface StoreOptions {
  /** The store's clock. */
  readonly clock: () => Instant
  /** Seals a record's personal fields under the user's own key; `null` if the user's key has been erased. */
  readonly sealPersonal: (personal: Readonly<Record<string, string>>, userSealSalt: Buffer | null) => string | null
  /** Called once if nothing can be written any more until the store is opened again (a disk that failed). */
  readonly onLost?: (failure: StoreUnavailable) => void
  /** What a new store begins with. */
  readonly seed: { readonly incarnation: string }
}

/** The rows that were asked for were removed from the audit log, up to its anchor: it can be read from there on. */
export class AuditPruned extends Error {
  override readonly name = 'AuditPruned'
  readonly anchor: AuditAnchor

  constructor(anchor: AuditAnchor) {
    super(`the rows of the audit log up to ${anchor.number} were removed`)
    this.anchor = anchor
  }
}

/** The outside world broke: answered 503, never `invalid_grant`. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable'
  readonly retryAfterSeconds: number

  constructor(message: string, more: { cause?: unknown; retryAfterSeconds?: number } = {}) {
    super(message, { cause: more.cause })
    this.retryAfterSeconds = more.retryAfterSeconds ?? 1
  }
}

/** The store has a clock of its own, too far from the node's: one of them is wrong, and no end can be judged. */
export class ClockWrong extends StoreUnavailable {
  constructor(message: string) {
    super(message, { retryAfterSeconds: 5 })
  }
}
