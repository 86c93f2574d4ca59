import { type KeyRingPlace, StoreUnavailable } from '@countersign/store'
import type { Log } from '../log.ts'

/** Looks at the ring; the log says when it is out of reach, and when it is back: once each, however many look. */
export function tellingLoad(place: KeyRingPlace, log: Log, trustedSeconds: number): KeyRingPlace['load'] {
  // Where the first look fails there is no node.
  let isThere: boolean | undefined
  return async () => {
    try {
      const loaded = await place.load()
      if (isThere === false) log.info({}, 'the key ring answers again')
      isThere = true
      return loaded
    } catch (error) {
      // What a place that is away says of itself is ours, and names no address; others' words may.
      const cause = error instanceof StoreUnavailable ? { cause: error.message } : {}
      if (isThere) log.warn(cause, `the key ring is away: ${trustedSeconds} s after it was last read nothing is signed`)
      if (isThere !== undefined) isThere = false
      throw error
    }
  }
}
