import type { Instant } from '@countersign/core'
import { ClockWrong } from '@countersign/store'

/** As long as keys and entries are kept past the end of what they concern: where clocks differ by more, no end can be judged. */
const apartAtMostMs = 120_000

/** Once they were too far apart, they are right again below this: else a difference that trembles at the bound would be wrong and right at each look. */
const rightAgainMs = 110_000

/** To be called before the database is asked for its time. What it returns takes the answer, and says whether that is no time to decide by. */
export type ClockWatch = () => (now: Instant) => ClockWrong | undefined

/** `undefined`: the store's clock is the caller's own, and there is nothing to compare. */
export function openClockWatch(
  nodeClock: (() => Instant) | undefined,
  onClock: (aheadMs: number, isWrong: boolean) => void = () => {},
): ClockWatch {
  if (nodeClock === undefined) return () => () => undefined
  let asks = 0
  let newestAnswered = 0
  let wasWrong = false
  return () => {
    const number = ++asks
    const asked = nodeClock()
    return now => {
      // The answer may be long under way: whatever lies in between is right.
      const aheadMs = now - Math.min(Math.max(now, asked), Math.max(asked, nodeClock()))
      const isWrong = Math.abs(aheadMs) > (wasWrong ? rightAgainMs : apartAtMostMs)
      if (number > newestAnswered) {
        newestAnswered = number
        wasWrong = isWrong
        onClock(aheadMs, isWrong)
      }
      if (!isWrong) return undefined
      const apart = `${Math.round(Math.abs(aheadMs) / 1000)} s ${aheadMs > 0 ? 'ahead of' : 'behind'}`
      return new ClockWrong(`the database's clock is ${apart} this node's: one of them is wrong`)
    }
  }
}
