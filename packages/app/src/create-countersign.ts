import { createApiFetch } from './api-fetch.ts'
import { createFetchWithProof } from './dpop.ts'
import { type Holding, live } from './holding.ts'
import { browserPlatform, type Platform } from './platform.ts'
import { look, refreshNow, schedule, waitForToken, wake } from './refresh.ts'
import { type Credentials, type SignInResult, signIn } from './sign-in.ts'
import { endLogin } from './sign-out.ts'
import { createAnnouncer, type Report, type State } from './state.ts'
import { indexedDbStorage } from './storage/indexed-db.ts'
import type { TokenStorage } from './stored-session.ts'

export interface CountersignOptions extends Partial<Platform> {
  /** The issuer's address, exactly as in its metadata: `https://login.example.com`. */
  readonly issuer: string
  readonly clientId: string
  /** Origins of this application's own APIs. Access tokens go to these and to the issuer, nowhere else. */
  readonly apiOrigins?: readonly string[]
  /** Where the tokens live: IndexedDB by default. */
  readonly storage?: TokenStorage
  /**
   * Whether a new login is bound to a key of this install (RFC 9449). By default it is wherever the storage holds keys
   * and the page has WebCrypto. A login without a key still works; its refresh token is worth more to a thief.
   */
  readonly dpop?: boolean
  /** Hears what a developer has to know (wrong configuration, a listener that throws). `console.error` by default. */
  readonly report?: Report
}

/** One client in this browser: its login, as all tabs see it, and calls with its token. */
export interface Countersign {
  /** What the other entries of this package work on. Not for applications: it changes without notice. */
  readonly holding: Holding
  /** Changes identity only when something has changed. */
  readonly state: State
  /** Settles when the storage has been looked at; until then the state is `refreshing`. */
  readonly ready: Promise<void>
  /** The id of the login, as on the account page; undefined when signed out. */
  readonly sessionId: string | undefined
  /** Whether the refresh token is bound to a key of this install. */
  readonly bound: boolean
  /** Calls `listener` at every change of the state or of the login. Returns the end of it. */
  subscribe(listener: (state: State) => void): () => void
  /**
   * Direct login (`POST /v1/sessions`), for first-party clients that the issuer allows it. What the issuer refuses is a value with its reason (`login_failed`,
   * `too_many_attempts`, `client_not_allowed` …), or `signed_out` if the user has signed out meanwhile. Throws a `TokenFailure` (`unavailable`) if the issuer cannot be
   * reached.
   */
  signIn(credentials: Credentials): Promise<SignInResult>
  /**
   * An access token with time left. Waits for a refresh, up to ten seconds; throws a `TokenFailure`: `signed_out`, or
   * `unavailable` (still signed in, but no token can be had right now).
   */
  getToken(): Promise<string>
  /** Fetches a new token now (say, because a role has changed). Never rejects: the state says what came of it. */
  refresh(): Promise<State>
  /** `fetch` with the token on it for `apiOrigins` and the issuer; renews and repeats once after a 401. */
  readonly fetch: typeof fetch
  /** Ends the login here at once, in every tab, and at the issuer as soon as it can be reached. Never rejects. */
  signOut(): Promise<void>
  /** Stops timers and listeners. The login stays. */
  close(): void
}

/** Holds the tokens of one client in this browser and renews them. One per page is meant. */
export function createCountersign(options: CountersignOptions): Countersign {
  const { clientId, apiOrigins = [] } = options
  const issuer = options.issuer.replace(/\/$/, '')
  const platform = { ...browserPlatform(), ...options }
  const storage = options.storage ?? indexedDbStorage(`countersign ${issuer} ${clientId}`)
  const report = options.report ?? ((problem, cause) => console.error(`Countersign: ${problem}`, cause))
  const announcer = createAnnouncer(report)
  const holding: Holding = {
    platform,
    storage,
    issuer,
    clientId,
    report,
    announcer,
    bind: options.dpop ?? (storage.holdsKeys && !!platform.subtle),
    fetchWithProof: createFetchWithProof(platform),
    start: { now: 0, monotonic: 0 },
    margin: 0,
    skew: 0,
    acts: 0,
    failures: 0,
    retryAtShown: 0,
    failedAt: -60_000,
    quietUntil: 0,
    revokeAt: 0,
    waiting: [],
  }
  const ends = [storage.subscribe(() => void look(holding)), platform.wakeUps(() => void wake(holding))]
  const ready = look(holding)

  return {
    holding,
    ready,
    get state() {
      return announcer.state()
    },
    get sessionId() {
      return live(holding)?.sessionId
    },
    get bound() {
      return !!live(holding)?.key
    },
    subscribe: announcer.subscribe,
    signIn: credentials => signIn(holding, ready, credentials),
    getToken: async () => {
      await ready
      return (await waitForToken(holding)).accessToken
    },
    refresh: () => refreshNow(holding, ready),
    fetch: createApiFetch(holding, ready, new Set([issuer, ...apiOrigins].map(url => new URL(url).origin))),
    signOut: () => endLogin(holding),
    close() {
      holding.closed = true
      for (const end of ends) end()
      schedule(holding)
    },
  }
}
