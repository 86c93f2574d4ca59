import type { Instant } from '@countersign/core'

/** Says whether a clock's word may be acted on for good. */
export interface SettledClock {
  /**
   * `time`: what the clock says. `elapsed`: milliseconds since some fixed moment, by something that is never set. False while the clock has
   * lately gone ahead faster than time does.
   */
  isSettled(time: Instant, elapsed: number): boolean
}

/** What clocks are off among themselves, and a process that was busy. */
const toleranceMs = 60_000
/** A clock that was set right stays so; one that was wrong for a moment is set back before. */
const settlesAfterMs = 3_600_000

/**
 * What is deleted because its time is past does not come back when the clock is set back: a login would be unknown, a revoked token good again. So after a jump ahead nothing is
 * deleted for an hour. A clock that goes back deletes too little, which harms nobody.
 */
export function createSettledClock(): SettledClock {
  let before: { readonly time: Instant; readonly elapsed: number } | undefined
  let jumpedAt: number | undefined
  return {
    isSettled(time, elapsed) {
      const ahead = before === undefined ? 0 : time - before.time - (elapsed - before.elapsed)
      if (ahead > toleranceMs) {
        jumpedAt ??= elapsed
        if (elapsed - jumpedAt < settlesAfterMs) return false
      }
      before = { time, elapsed }
      jumpedAt = undefined
      return true
    },
  }
}
