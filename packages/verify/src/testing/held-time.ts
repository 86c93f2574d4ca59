import type { Clock, Random, Timers } from '../runtime.ts'

/** Time that stands still until a test moves it, and fires the timers on its way. */
export interface HeldTime {
  /** What a verifier takes: the clock, its timers, and dice that always show the middle. */
  readonly runtime: { readonly clock: Clock; readonly timers: Timers; readonly random: Random }
  /** Seconds since 1970. */
  nowSeconds(): number
  advance(milliseconds: number): void
  /** Moves the wall clock alone, as an administrator or a time server would. */
  setWall(seconds: number): void
}

export function holdTime(startSeconds = 1_800_000_000): HeldTime {
  let monotonic = 5_000
  let wallOffset = startSeconds * 1000 - monotonic
  const waiting = new Map<object, { due: number; callback: () => void }>()

  return {
    runtime: {
      clock: { wallMilliseconds: () => monotonic + wallOffset, monotonicMilliseconds: () => monotonic },
      timers: {
        set(callback, milliseconds) {
          const timer = {}
          waiting.set(timer, { due: monotonic + milliseconds, callback })
          return timer
        },
        clear: timer => void waiting.delete(timer as object),
      },
      random: () => 0.5,
    },
    nowSeconds: () => (monotonic + wallOffset) / 1000,
    advance(milliseconds) {
      const end = monotonic + milliseconds
      for (;;) {
        const next = [...waiting].filter(([, { due }]) => due <= end).sort(([, a], [, b]) => a.due - b.due)[0]
        if (next === undefined) break
        waiting.delete(next[0])
        monotonic = Math.max(monotonic, next[1].due)
        next[1].callback()
      }
      monotonic = end
    },
    setWall(seconds) {
      wallOffset = seconds * 1000 - monotonic
    },
  }
}
