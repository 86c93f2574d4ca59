import type { Services } from '../services.ts'

const turnKeysEveryMs = 10_000
const sweepEveryMs = 60_000
const sweepRowsAtMost = 1_000

/** What happens by itself: keys turn, and what is over is forgotten. A failure is logged and tried again at the next turn. */
export function startJobs(services: Services): { stop(): void } {
  const { keys, store, config, log } = services
  const every = (ms: number, name: string, job: () => Promise<unknown>): NodeJS.Timeout => {
    const timer = setInterval(() => {
      job().catch((error: unknown) => {
        log.warn({ job: name, failure: error instanceof Error ? error.name : 'unknown' }, 'a job failed')
      })
    }, ms)
    return timer.unref()
  }
  const timers = [
    every(turnKeysEveryMs, 'turn keys', () => keys.turn()),
    every(sweepEveryMs, 'sweep', () =>
      store.sweep({ keepEndedSeconds: config.keepEndedSeconds, rowsAtMost: sweepRowsAtMost }),
    ),
  ]
  return { stop: () => timers.forEach(clearInterval) }
}
