/**
 * What a verifier takes from the world around it. Everything is an argument, so that a test or a simulation can hold
 * the clock and the dice in its hand.
 *
 * @module
 */

export interface Clock {
  /** Milliseconds since 1970; may jump. */
  wallMilliseconds(): number
  /** Milliseconds since some fixed moment; never goes back. */
  monotonicMilliseconds(): number
}

export interface Timers {
  /** Calls back once after so many milliseconds; the answer is what `clear` takes. Must not keep the process alive. */
  set(callback: () => void, milliseconds: number): unknown
  clear(timer: unknown): void
}

/** Uniform in [0, 1). Spreads retries; nothing secret is made of it. */
export type Random = () => number

export interface Runtime {
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly fetch: typeof globalThis.fetch
}

export const systemClock: Clock = {
  wallMilliseconds: () => Date.now(),
  monotonicMilliseconds: () => performance.now(),
}

export const systemRandom: Random = Math.random

export const systemTimers: Timers = {
  set: (callback, milliseconds) => setTimeout(callback, milliseconds).unref(),
  clear: timer => clearTimeout(timer as NodeJS.Timeout),
}

/** Full jitter: anywhere between nothing and a ceiling that doubles with every failure, in milliseconds. */
export function backoffMilliseconds(failures: number, random: Random, base: number, ceiling: number): number {
  return random() * Math.min(ceiling, base * 2 ** Math.min(failures, 30))
}
