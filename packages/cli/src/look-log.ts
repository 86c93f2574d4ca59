import type { Log } from '@countersign/server'

/** To be told of each look at the feed. The log says once that looks fail, and why, and once that they do not any more. */
export function createLookLog(log: Log): (failure: Error | undefined) => void {
  let fails = false
  return failure => {
    if ((failure !== undefined) === fails) return
    fails = failure !== undefined
    if (failure !== undefined)
      log.error(
        { cause: failure.message },
        'the feed cannot be read or numbered: what is revoked reaches no verifier from here',
      )
    else log.info({}, 'the feed is read and numbered again')
  }
}
