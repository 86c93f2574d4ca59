import type { Every } from '../every.ts'
import type { Services } from '../services.ts'

const turnKeysEveryMs = 10_000
const sweepEveryMs = 60_000
const sweepRowsAtMost = 1_000

/**
 * What happens by itself: keys turn, and what is over is forgotten. A failure is logged and tried again at the next turn.
 * Returns how to stop.
 */
export function startJobs(services: Services, every: Every): () => void {
  const { keys, store, config, log } = services
  const start = (milliseconds: number, name: string, job: () => Promise<unknown>): (() => void) =>
    every(milliseconds, () => {
      job().catch((error: unknown) => {
        log.warn({ job: name, failure: error instanceof Error ? error.name : 'unknown' }, 'a job failed')
      })
    })
  const ends = [
    start(turnKeysEveryMs, 'turn keys', () => keys.turn()),
    start(sweepEveryMs, 'sweep', () =>
      store.sweep({ keepEndedSeconds: config.keepEndedSeconds, rowsAtMost: sweepRowsAtMost }),
    ),
  ]
  return () => {
    for (const end of ends) end()
  }
}
