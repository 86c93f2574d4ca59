import type {
  ApiLifetimes,
  ClaimsMap,
  Instant,
  KeyPolicy,
  MacKey,
  RandomBytes,
  RefreshDecision,
  RefreshRequest,
} from '@countersign/core'
import type { Counters, Store } from '@countersign/store'
import type { ClaimsTeller } from './claims/claims-teller.ts'
import type { ClientDirectory } from './clients/client-directory.ts'
import type { ClientFinder } from './clients/client-finder.ts'
import type { ClientKeys } from './clients/client-keys.ts'
import type { RegistrationPolicy } from './clients/registration/registration-policy.ts'
import type { ConnectionBook } from './connections/connection-book.ts'
import type { Vault } from './connections/vault.ts'
import type { ProofChecker } from './dpop/proof-checker.ts'
import type { Drain } from './drain.ts'
import type { FeedBroadcaster } from './feed/feed-broadcaster.ts'
import type { InvitationBook } from './invitations/invitation-book.ts'
import type { KeyKeeper } from './keys/key-keeper.ts'
import type { Log } from './log.ts'
import type { Mailer } from './mail/mailer.ts'
import type { Outbound } from './outbound/outbound.ts'
import type { LanguagesOptions } from './pages/language/languages.ts'
import type { Logo } from './pages/site.ts'
import type { Theme } from './pages/theme.ts'
import type { LoginLimits } from './passwords/login-limits.ts'
import type { PasswordHasher } from './passwords/password-hasher.ts'
import type { Turns } from './sign-in/turns.ts'

/** What an operator decides. Times in seconds. */
export interface ServerConfig {
  /** The issuer identifier (RFC 8414 §2): an origin, without a trailing slash. */
  readonly issuer: string
  /** Shown on the hosted pages. */
  readonly applicationName: string
  /** Who may make an account: anybody, who was invited, or nobody. */
  readonly signUp: 'open' | 'invitation' | 'closed'
  /** How long an invitation can be accepted, if whoever makes it does not say. Default seven days. */
  readonly invitationSeconds?: number
  /** Whether people sign in by password; `off`: by connections alone, and what somebody has is kept and good for nothing. Default `on`. */
  readonly passwords?: 'on' | 'off'
  /** What a scope means, in words for the users who are asked to allow it; by the scope. */
  readonly scopeDescriptions?: Readonly<Record<string, string>>
  /** Words of the hosted pages. By default all languages that come along. */
  readonly languages?: LanguagesOptions
  /** Looks of the hosted pages. */
  readonly theme?: Partial<Theme>
  readonly logo?: Logo
  /** Addresses of proxies whose `X-Forwarded-*` is believed; empty: nobody's is. */
  readonly trustedProxies: readonly string[]
  readonly keyPolicy: KeyPolicy
  /** How long access tokens may live at most for some APIs; the audience of each is one that a client has, or the issuer. */
  readonly apiLifetimes: ApiLifetimes
  /** APIs whose access tokens only this server can read, whichever client gets them; by their audience. */
  readonly opaqueApis?: ReadonlySet<string>
  /** APIs whose access tokens are signed with a secret that they share (HS256), if the token reaches no other API; by their audience. */
  readonly sharedSecretApis?: ReadonlySet<string>
  /** What the access tokens that reach an API tell of users, whichever client gets them; by its audience. */
  readonly apiClaims?: ReadonlyMap<string, ClaimsMap>
  /** The version of what tokens tell (`ver`): raised when its meaning changes. Default 1. */
  readonly claimsVersion?: number
  /** Who may register clients. Default: nobody. */
  readonly registration?: RegistrationPolicy
  /** To whom errors at `/authorize` are told without a page in between: to clients that an operator or the user knows (default), or to all. */
  readonly errorRedirects?: 'known' | 'all'
  /** How long ended sessions are kept for the account page. */
  readonly keepEndedSeconds: number
  /** How old rows of the audit log become before the sweep removes them; absent: they are kept for good. */
  readonly auditKeepSeconds?: number
  /** How long a stop waits for those who have begun a request and not sent it whole. Default 10. */
  readonly drainSeconds?: number
  /** How long before a stop, if it is announced, `/ready` says so while everything is answered as ever. Default 0. */
  readonly drainNoticeSeconds?: number
}

/** All that endpoints reach for; put together once, in `create-server.ts`. */
export interface Services {
  readonly config: ServerConfig
  readonly store: Store
  readonly counters: Counters
  readonly clients: ClientDirectory
  readonly clientKeys: ClientKeys
  readonly clientFinder: ClientFinder
  /** Writes mails down; absent where none can be sent: then nothing offers what needs one. */
  readonly mailer?: Mailer
  /** What invitations are called and say. */
  readonly invitations: InvitationBook
  /** How addresses are called that somebody else has named. */
  readonly outbound: Outbound
  readonly keys: KeyKeeper
  /** What tokens tell of users besides what is always there. */
  readonly claims: ClaimsTeller
  /** Ways to sign in with others. */
  readonly connections: ConnectionBook
  /** Their tokens. */
  readonly vault: Vault
  /** Makes pairwise subjects: an argument of `subjectOf`. */
  readonly pairwiseKey: MacKey
  readonly proofs: ProofChecker
  readonly passwords: PasswordHasher
  readonly loginLimits: LoginLimits
  readonly feed: FeedBroadcaster
  readonly drain: Drain
  readonly log: Log
  /** The node's clock: for proofs and timers only; decisions use the store's. */
  readonly clock: () => Instant
  /** Seals opaque access tokens. */
  readonly opaqueTokenKey: MacKey
  /** User codes are short; what is stored of them is keyed. */
  readonly userCodeKey: MacKey
  readonly random: RandomBytes
  /** For what would else be a conflict time and again. */
  readonly turns: Turns
  /** The refresh rule. An argument only so that the simulation can break it on purpose, to check its checker. */
  readonly judgeRefresh: JudgeRefresh
  /** Told of every refresh that was decided: row, family, how it ended. Metrics and the demo listen. */
  readonly onRefresh: (event: RefreshEvent) => void
}

export type JudgeRefresh = (request: RefreshRequest) => RefreshDecision

export interface RefreshEvent {
  readonly row: number
  readonly familyId: string | undefined
  readonly clientId: string
  readonly reason: string | undefined
  readonly time: Instant
}
