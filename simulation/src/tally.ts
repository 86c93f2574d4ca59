import type { RunResult } from './run.ts'

/** What many runs add up to. */
export interface Tally {
  seeds: number
  /** Timers that fired. */
  events: number
  violations: number
  /** Refreshes that honest parties were answered with tokens. */
  refreshes: number
  readonly rows: Record<string, number>
  readonly faults: Record<string, number>
}

export function createTally(): Tally {
  const rows = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [String(index + 1), 0]))
  return { seeds: 0, events: 0, violations: 0, refreshes: 0, rows, faults: {} }
}

export function addTo(tally: Tally, { world, violations }: RunResult): void {
  const { history, time } = world
  tally.seeds++
  tally.events += time.fired()
  tally.violations += violations.length
  for (const [row, hits] of Object.entries(history.rows)) tally.rows[row] = (tally.rows[row] ?? 0) + hits
  for (const [fault, hits] of Object.entries(history.faults)) tally.faults[fault] = (tally.faults[fault] ?? 0) + hits
  for (const event of history.events) {
    if (event.kind !== 'exchange') continue
    const { party, path, status } = event.exchange
    if (party.honest && path === '/token' && status === 200) tally.refreshes++
  }
}
