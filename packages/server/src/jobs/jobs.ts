import { type Store, StoreUnavailable } from '@countersign/store'
import type { Every } from '../every.ts'
import type { Services } from '../services.ts'
import { createSettledClock } from './settled-clock.ts'

const turnKeysEveryMs = 10_000
const sweepEveryMs = 10_000
/** While a pass was full there is more. Few rows each time: a refresh that comes in between waits for some milliseconds. */
const sweepAgainMs = 1_000
const sweepRowsAtMost = 200

/**
 * What happens by itself: keys turn, and what is over is forgotten. A failure is logged and tried again at the next turn.
 * Returns how to stop.
 */
export function startJobs(services: Services, every: Every): () => void {
  const { keys, store, config, log } = services
  const sweep = sweeper(store, config.keepEndedSeconds)
  const start = (milliseconds: number, name: string, job: () => Promise<unknown>): (() => void) =>
    every(milliseconds, () => {
      job().catch((error: unknown) => {
        // What a store that is away says of itself is ours, and names no address; others' words may.
        const cause = error instanceof StoreUnavailable ? { cause: error.message } : {}
        log.warn({ job: name, failure: error instanceof Error ? error.name : 'unknown', ...cause }, 'a job failed')
      })
    })
  const ends = [
    start(turnKeysEveryMs, 'turn keys', () => keys.turn()),
    start(sweepEveryMs, 'sweep', sweep.begin),
    start(sweepAgainMs, 'sweep', sweep.goOn),
  ]
  return () => {
    for (const end of ends) end()
  }
}

/** Sweeps when it is time to, and goes on at each call of `goOn` until a pass finds less than it may take. One at a time. */
function sweeper(store: Store, keepEndedSeconds: number): { begin(): Promise<void>; goOn(): Promise<void> } {
  const clock = createSettledClock()
  let full = false
  let running = false
  /** By the process's timers, which nobody sets. */
  let elapsed = 0
  async function pass(): Promise<void> {
    if (running) return
    running = true
    // A pass that fails is not tried again each second.
    full = false
    try {
      if (!clock.isSettled((await store.loadIssuer()).now, elapsed)) return
      full = (await store.sweep({ keepEndedSeconds, rowsAtMost: sweepRowsAtMost })) >= sweepRowsAtMost
    } finally {
      running = false
    }
  }
  const begin = (): Promise<void> => {
    elapsed += sweepEveryMs
    return pass()
  }
  return { begin, goOn: async () => (full ? pass() : undefined) }
}
