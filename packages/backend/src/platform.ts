import { randomBytes } from 'node:crypto'

/**
 * What the SDK takes from the world around it: arguments with a default, so that a test holds clock and dice.
 *
 * @module
 */
export interface Platform {
  readonly fetch: typeof globalThis.fetch
  /** Milliseconds since some fixed moment; never goes back. No wall clock is ever asked: servers' clocks differ. */
  readonly monotonicMilliseconds: () => number
  /** Uniform in [0, 1). Spreads retries; nothing secret is made of it. */
  readonly random: () => number
  /** A signal that aborts after so many milliseconds. */
  readonly deadline: (milliseconds: number) => AbortSignal
}

export const systemPlatform: Platform = {
  fetch: (input, init) => globalThis.fetch(input, init),
  monotonicMilliseconds: () => performance.now(),
  random: () => Math.random(),
  deadline: milliseconds => AbortSignal.timeout(milliseconds),
}

/** What the token handler takes from the world around it: arguments with a default, so that a test holds clock and dice. */
export interface WebPlatform {
  readonly fetch: typeof globalThis.fetch
  /** Milliseconds since 1970. Processes of one app may differ by some seconds. */
  readonly now: () => number
  readonly randomBytes: (count: number) => Buffer
  /** A signal that aborts after so many milliseconds. */
  readonly deadline: (milliseconds: number) => AbortSignal
}

export const systemWebPlatform: WebPlatform = {
  fetch: (input, init) => globalThis.fetch(input, init),
  now: () => Date.now(),
  randomBytes,
  deadline: milliseconds => AbortSignal.timeout(milliseconds),
}
