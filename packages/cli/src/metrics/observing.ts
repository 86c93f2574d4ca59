import type { Observer } from '@countersign/server'
import { Counter, Histogram, type Registry } from 'prom-client'

/** From a millisecond to the longest that a password may wait its turn. */
const requestSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const commitSeconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5]

/** Counts what a node does. No label takes a value that a request brings along. */
export function createCounting(registry: Registry): { observer: Observer; feedLookedAt: () => number | undefined } {
  const histogram = <Label extends string>(name: string, help: string, labelNames: Label[], buckets: number[]) =>
    new Histogram({ name: `countersign_${name}`, help, labelNames, buckets, registers: [registry] })
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[]) =>
    new Counter({ name: `countersign_${name}`, help, labelNames, registers: [registry] })
  const requests = histogram(
    'http_request_duration_seconds',
    'From the head of a request to the head of its answer.',
    ['method', 'route', 'status'],
    requestSeconds,
  )
  const refusals = counter('refusals_total', 'Refused requests, by their reason.', ['reason'])
  const refreshes = counter(
    'refresh_decisions_total',
    'Decisions of the refresh rule, by the row of its table; reason: of a refusal.',
    ['row', 'reason'],
  )
  const commits = histogram(
    'commit_duration_seconds',
    'Commits of the store; durable: whether they wait for the disk.',
    ['durable', 'outcome'],
    commitSeconds,
  )
  const failures = counter('store_failures_total', 'Calls of the store that failed because it was away or full.', [
    'operation',
  ])
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
