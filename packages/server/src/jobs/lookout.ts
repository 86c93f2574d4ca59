import type { Every } from '../every.ts'

/** Looks for what is due, beside all requests: now and then, and when somebody says that there may be something. */
export interface Lookout {
  /** Looks now, and resolves when nothing that is new is left. One look goes on at a time: what is said meanwhile is looked at by the same. */
  look(): Promise<void>
  /** What is begun after this is not carried out. */
  hasStopped(): boolean
  /** No new look; resolves when the one that was begun is over. */
  stop(): Promise<void>
}

export function createLookout(options: {
  readonly every: Every
  readonly everyMs: number
  /** Does all that is due. What it throws is told to `onFailure`; the next look is another chance. */
  readonly work: () => Promise<void>
  readonly onFailure: (error: unknown) => void
}): Lookout {
  let looking: Promise<void> | undefined
  let lookAgain = false
  let stopped = false

  function look(): Promise<void> {
    if (stopped) return Promise.resolve()
    lookAgain = looking !== undefined
    looking ??= lookUntilNothingIsNew()
    return looking
  }

  async function lookUntilNothingIsNew(): Promise<void> {
    do {
      lookAgain = false
      try {
        await options.work()
      } catch (error) {
        options.onFailure(error)
      }
    } while (lookAgain && !stopped)
    // In the same step as the last question: whoever says something after it would be taken for looked at.
    looking = undefined
  }

  const stopLooking = options.every(options.everyMs, () => void look())
  return {
    look,
    hasStopped: () => stopped,
    async stop() {
      stopped = true
      stopLooking()
      await looking
    },
  }
}
