import { type Store, StoreUnavailable } from '@countersign/store'
import { createAuditRetention } from '../audit/prune-audit.ts'
import type { Every } from '../every.ts'
import type { ServerConfig, Services } from '../services.ts'
import { createSettledClock } from './settled-clock.ts'

const turnKeysEveryMs = 10_000
const sweepEveryMs = 10_000
/** While a pass was full there is more. Few rows each time: a refresh that comes in between waits for some milliseconds. */
const sweepAgainMs = 1_000
const sweepRowsAtMost = 200
/** Of the audit log more: they lie one behind the other, and nobody waits for them. */
const auditRowsAtMost = 1_000

/**
 * What happens by itself: keys turn, and what is over is forgotten. A failure is logged and tried again at the next turn.
 * Returns how to stop.
 */
export function startJobs(services: Services, every: Every): () => void {
  const { keys, store, config, log } = services
  const sweep = sweeper(store, config)
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
function sweeper(
  store: Store,
  { keepEndedSeconds, auditKeepSeconds }: Pick<ServerConfig, 'keepEndedSeconds' | 'auditKeepSeconds'>,
): { begin(): Promise<void>; goOn(): Promise<void> } {
  const clock = createSettledClock()
  const retention = auditKeepSeconds === undefined ? undefined : createAuditRetention(store, auditKeepSeconds)
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
      const { now } = await store.loadIssuer()
      if (!clock.isSettled(now, elapsed)) return
      const gone = await store.sweep({ keepEndedSeconds, rowsAtMost: sweepRowsAtMost })
      const isCut = (await retention?.step(now)) ?? false
      // Also where nothing is set here: an operator may have cut it off, or another node.
      const deleted = await store.deletePrunedAudit(auditRowsAtMost)
      full = gone >= sweepRowsAtMost || isCut || deleted >= auditRowsAtMost
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
