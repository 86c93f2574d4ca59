/** What was begun and has not ended: whoever closes waits for the last of it. */
export interface UnderWay {
  readonly add: (call: Promise<unknown>) => void
  /** Once nothing is under way; nothing more may be begun by then. */
  readonly ended: () => Promise<void>
}

/**
 * Counted, not kept in a set: of one that is filled and emptied all the time V8 lets each table that was given up point to the next, so that what was in them survives
 * scavenges.
 */
export function countUnderWay(): UnderWay {
  let count = 0
  let tellLast = (): void => {}
  const end = (): void => {
    count--
    if (count === 0) tellLast()
  }
  return {
    add(call) {
      count++
      call.then(end, end)
    },
    ended: () =>
      new Promise(resolve => {
        tellLast = resolve
        if (count === 0) resolve()
      }),
  }
}
