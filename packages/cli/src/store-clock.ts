import type { Log } from '@countersign/server'

/** What is known of the clock of a store that has one of its own. */
export interface StoreClock {
  /** How far it is ahead of this node's. */
  aheadMs(): number
  /** To be told at each look. The log says once that it is too far away to answer, and once that it is not any more. */
  readonly tell: (aheadMs: number, isWrong: boolean) => void
}

export function createStoreClock(log: Log): StoreClock {
  let ahead = 0
  let wasWrong = false
  return {
    aheadMs: () => ahead,
    tell(aheadMs, isWrong) {
      ahead = aheadMs
      if (isWrong === wasWrong) return
      wasWrong = isWrong
      const facts = { aheadSeconds: Math.round(aheadMs / 1000) }
      if (isWrong)
        log.error(facts, 'the database’s clock or this node’s is wrong: nothing is answered until they agree')
      else log.info(facts, 'the clocks of the database and of this node agree again')
    },
  }
}
