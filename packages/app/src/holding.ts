import type { TokenAnswer } from '@countersign/protocol'
import { base64url, type FetchWithProof } from './dpop.ts'
import type { IssuerAnswer } from './issuer-answer.ts'
import { type Platform, underLock, within } from './platform.ts'
import type { Announcer, Report, State } from './state.ts'
import { isLive, type LiveSession, type StoredSession, type TokenStorage } from './stored-session.ts'

/** What one tab knows and is doing. The functions of this package that take it first are its operations. */
export interface Holding {
  readonly platform: Platform
  readonly storage: TokenStorage
  readonly issuer: string
  readonly clientId: string
  readonly report: Report
  readonly announcer: Announcer
  /** Whether a new login is bound to a key. */
  readonly bind: boolean
  readonly fetchWithProof: FetchWithProof

  /** The record as this tab knows it. */
  held?: StoredSession | undefined
  /** Whether the storage has been read at all. */
  loaded?: boolean
  /** Set while `held` is newer than the storage: the version that it has to replace, `nothing` or `anything`. */
  unsavedOver?: string | undefined
  /** When the request for the held tokens was sent, by both clocks. */
  start: { readonly now: number; readonly monotonic: number }
  /** Milliseconds before the end of a token in which it is due. */
  margin: number
  /** Whether the held token has been given out: one that nobody uses is not renewed ahead of time. */
  used?: boolean
  /** Milliseconds from this device's clock to the server's. */
  skew: number

  /** Counts what the user does (sign-in, sign-out): the later act wins. */
  acts: number
  inflight?: Promise<void> | undefined
  failures: number
  /** By the monotonic clock. `Infinity`: stopped. Undefined: not degraded. */
  retryAt?: number | undefined
  /** The same by the device's clock. */
  retryAtShown: number
  failedAt: number
  /** By the monotonic clock: nothing is sent before, because the server asked for it. */
  quietUntil: number
  revokeAt: number
  /** Calls that wait for a token. */
  waiting: (() => void)[]
  timer?: unknown
  closed?: boolean
}

/** In the place of a version: nothing is stored, or whatever is stored has to go because the user has acted since. */
export const nothing = ''
export const anything = '*'

const storageLimit = 3_000
const lockPatience = 5_000

export function live({ held }: Holding): LiveSession | undefined {
  return isLive(held) ? held : undefined
}

export function newId({ platform }: Holding): string {
  return base64url(platform.randomBytes(12))
}

/** In [0, 1). */
export function randomFraction({ platform }: Holding): number {
  return platform.randomBytes(4).reduce((sum, byte) => (sum + byte) / 256, 0)
}

export function readStorage({ platform, storage }: Holding): Promise<StoredSession | undefined> {
  return within(platform, storageLimit, storage.get())
}

export function writeStorage({ platform, storage }: Holding, over: string, next: StoredSession): Promise<boolean> {
  return within(platform, storageLimit, storage.compareAndSet(over || undefined, next))
}

export function removeStored({ platform, storage }: Holding, version: string): Promise<boolean> {
  return within(platform, storageLimit, storage.remove(version))
}

/** Runs `section` so that, if the lock works, no other tab is in its own. */
export function inTurn<T>({ platform, storage }: Holding, section: () => Promise<T>): Promise<T> {
  return storage.shared ? underLock(platform, storage.name, lockPatience, section) : section()
}

/** Milliseconds that the held token has left. A clock set forward and a device that slept look alike: the larger counts. */
export function remaining({ platform: { clock }, start }: Holding, session: LiveSession): number {
  return session.lifetimeSeconds * 1000 - Math.max(clock.monotonic() - start.monotonic, clock.now() - start.now)
}

export function isDue(holding: Holding, session: LiveSession): boolean {
  return remaining(holding, session) <= holding.margin
}

/** Makes a record this tab's own. `age` in milliseconds; without it, it is read off the device's clock. */
export function hold(holding: Holding, session: StoredSession | undefined, age?: number): void {
  const { clock } = holding.platform
  // A tombstone that is found at start is seen to at once; one that another tab has just left, by that tab.
  if (holding.loaded) holding.revokeAt = clock.monotonic() + 60_000
  holding.loaded = true
  holding.failures = 0
  holding.retryAt = undefined
  // Nothing where a login was: another tab has signed out, or the storage has been cleared.
  holding.held = session ?? (live(holding) ? { version: nothing, ended: 'signed_out' } : holding.held)
  if (!isLive(session)) return
  const lifetime = session.lifetimeSeconds * 1000
  const apparent = clock.now() - session.sentAt
  // Sent in the future: the clock was set back since. Nobody knows the age, so the next use renews.
  const since = age ?? (apparent < 0 ? lifetime : apparent)
  holding.start = { now: clock.now() - since, monotonic: clock.monotonic() - since }
  holding.margin = Math.min(60_000, lifetime / 5) * (1 - randomFraction(holding) / 4)
  holding.skew = session.skew
  holding.used = false
}

/** Milliseconds since the request for an answer was sent. */
export function ageOf({ platform }: Holding, { sent }: IssuerAnswer): number {
  return platform.clock.monotonic() - sent.monotonic
}

/** The record after a token answer. What the answer leaves out stays as it was in `base`. */
export function recordOf(
  holding: Holding,
  base: Pick<LiveSession, 'login' | 'sessionId' | 'refreshToken' | 'key'>,
  { body, sent }: IssuerAnswer,
): LiveSession {
  const tokens = body as unknown as TokenAnswer
  return {
    version: newId(holding),
    login: base.login,
    sessionId: tokens.session_id ?? base.sessionId,
    accessToken: tokens.access_token,
    tokenType: tokens.token_type,
    // An answer without one means that the one that was presented stays (RFC 6749 §6).
    refreshToken: tokens.refresh_token ?? base.refreshToken,
    sentAt: sent.now,
    lifetimeSeconds: tokens.expires_in,
    skew: holding.skew,
    key: base.key,
  }
}

function stateOf(holding: Holding): State {
  const { held, retryAt, retryAtShown } = holding
  if (!isLive(held) && holding.loaded) return { status: 'signedOut', reason: held?.ended ?? 'none' }
  if (holding.inflight !== undefined) return { status: 'refreshing' }
  if (retryAt !== undefined) return { status: 'degraded', retryAt: retryAtShown }
  if (!isLive(held)) return { status: 'refreshing' }
  return { status: isDue(holding, held) ? 'due' : 'fresh' }
}

export function publish(holding: Holding): void {
  holding.announcer.announce(stateOf(holding), live(holding)?.login)
}
