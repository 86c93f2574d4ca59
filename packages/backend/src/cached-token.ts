import { CallFailure } from './call-failure.ts'
import type { Platform } from './platform.ts'
import type { ReceivedToken } from './token-request.ts'

/** One token that keeps itself fresh. */
export interface CachedToken {
  /** A token that is alive now. Throws `CallFailure`. */
  get(): Promise<string>
  /**
   * An API has refused this token (401): answers another one, or undefined if there is none worth trying. However many
   * calls were refused the same token, it is fetched again once.
   */
  replace(refused: string): Promise<string | undefined>
}

interface Held {
  readonly token: string
  /** When a new one is fetched in the background: at 80 % of its life. Monotonic milliseconds, as all below. */
  readonly renewAt: number
  /** From here on it is not handed out any more: it might expire on its way. */
  readonly expiresAt: number
}

const renewedAfter = 0.8
const longestMarginMilliseconds = 5_000
const shortestPause = 1_000
const longestPause = 30_000
const longestRetryAfter = 3_600_000
/** An API that refuses a token fresh from the issuer refuses the next one as well. */
const pauseAfterReplacement = 10_000

export function cachedToken(platform: Platform, fetchToken: () => Promise<ReceivedToken>): CachedToken {
  const now = platform.monotonicMilliseconds
  let held: Held | undefined
  let inFlight: Promise<Held> | undefined
  let failures = 0
  let lastFailure: CallFailure | undefined
  let quietUntil = Number.NEGATIVE_INFINITY
  let replaceableFrom = Number.NEGATIVE_INFINITY

  /** One request at a time; after a failure none for a while, and whoever asks is told that failure. */
  function renew(): Promise<Held> {
    if (inFlight !== undefined) return inFlight
    if (lastFailure !== undefined && now() < quietUntil) return Promise.reject(lastFailure)
    inFlight = fetchOnce().finally(() => {
      inFlight = undefined
    })
    return inFlight
  }

  async function fetchOnce(): Promise<Held> {
    const sent = now()
    try {
      const { token, lifetimeSeconds } = await fetchToken()
      const life = lifetimeSeconds * 1000
      const margin = Math.min(longestMarginMilliseconds, life * 0.05)
      failures = 0
      lastFailure = undefined
      held = { token, renewAt: sent + life * renewedAfter, expiresAt: sent + life - margin }
      return held
    } catch (error) {
      lastFailure = error instanceof CallFailure ? error : new CallFailure('token request: failed')
      quietUntil = now() + pauseAfter(lastFailure)
      throw lastFailure
    }
  }

  /** Milliseconds: doubles with every failure, with jitter, and never less than `Retry-After`. */
  function pauseAfter(failure: CallFailure): number {
    // A refusal does not pass by itself: the longest pause at once.
    const ceiling = failure.refusal ? longestPause : Math.min(longestPause, shortestPause * 2 ** Math.min(failures, 10))
    failures += 1
    const asked = Math.min((failure.retryAfterSeconds ?? 0) * 1000, longestRetryAfter)
    return Math.max(asked, ceiling / 2) + (platform.random() * ceiling) / 2
  }

  async function get(): Promise<string> {
    const moment = now()
    if (held === undefined || moment >= held.expiresAt) return (await renew()).token
    // The failure of a renewal concerns nobody while the token lives; it is kept for when it does not.
    if (moment >= held.renewAt) renew().catch(() => undefined)
    return held.token
  }

  async function replace(refused: string): Promise<string | undefined> {
    try {
      const token = held?.token === refused ? await renewRefused() : await get()
      return token === refused ? undefined : token
    } catch {
      // The token stays: one API that is wrong must not take it from the calls to all others.
      return undefined
    }
  }

  async function renewRefused(): Promise<string | undefined> {
    if (now() < replaceableFrom) return undefined
    const { token } = await renew()
    replaceableFrom = now() + pauseAfterReplacement
    return token
  }

  return { get, replace }
}
