import type { Observer } from '@countersign/server'
import { Counter, Histogram, type Registry } from 'prom-client'

/** From a millisecond to the longest that a password may wait its turn. */
const requestSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const commitSeconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5]

/** Counts what a node does. No label takes a value that a request brings along. */
export function createCounting(registry: Registry): { observer: Observer; feedLookedAt: () => number | undefined } {
  const registers = [registry]
  const requests = new Histogram({
    name: 'countersign_http_request_duration_seconds',
    help: 'From the head of a request to the head of its answer.',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: requestSeconds,
    registers,
  })
  const refusals = new Counter({
    name: 'countersign_refusals_total',
    help: 'Refused requests, by their reason.',
    labelNames: ['reason'] as const,
    registers,
  })
  const refreshes = new Counter({
    name: 'countersign_refresh_decisions_total',
    help: 'Decisions of the refresh rule, by the row of its table; reason: of a refusal.',
    labelNames: ['row', 'reason'] as const,
    registers,
  })
  const commits = new Histogram({
    name: 'countersign_commit_duration_seconds',
    help: 'Commits of the store; durable: whether they wait for the disk.',
    labelNames: ['durable', 'outcome'] as const,
    buckets: commitSeconds,
    registers,
  })
  const failures = new Counter({
    name: 'countersign_store_failures_total',
    help: 'Calls of the store that failed because it was away or full.',
    labelNames: ['operation'] as const,
    registers,
  })
  let lookedAt: number | undefined
  const observer: Observer = {
    answered({ route, method, status, reason, seconds }) {
      requests.observe({ method, route, status: String(status) }, seconds)
      if (reason !== undefined) refusals.inc({ reason })
    },
    refreshDecided: (row, reason = '') => refreshes.inc({ row: String(row), reason }),
    committed: ({ durable, outcome, seconds }) => commits.observe({ durable: String(durable), outcome }, seconds),
    storeFailed: operation => failures.inc({ operation }),
    feedLooked() {
      lookedAt = performance.now()
    },
  }
  return { observer, feedLookedAt: () => lookedAt }
}
