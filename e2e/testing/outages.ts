import type { Applied } from '@countersign/simulation/history/applied'
import type { HistoryEvent, TokenExchange } from '@countersign/simulation/history/history'
import { monotonic } from './http-call.ts'

/*
 * What the judges must know of faults that were made from outside: when nodes could not know what became of their commits, and what a
 * database that has crashed may have forgotten.
 */

interface Interval {
  readonly from: number
  readonly to: number
}

export interface Outages {
  /** What happens meanwhile may leave nodes without an answer for what was committed. */
  during<T>(fault: () => T | Promise<T>): Promise<T>
  /** The same, and the database forgets what it has not written to the disk. */
  crash(fault: () => Promise<void>): Promise<void>
  /** The same, and a standby takes the database's place that may be behind, not by rotations alone. */
  promote(fault: () => Promise<void>): Promise<void>
  /** A node was not told of a commit, just now. */
  untold(node: string): void
  /** As events of a history. `gone`: what the database held that has failed, and its successor does not. */
  events(log: readonly Applied[], exchanges: readonly TokenExchange[], gone?: readonly Applied[]): HistoryEvent[]
}

/** PostgreSQL writes what need not be on the disk at once within three times `wal_writer_delay` (200 ms); and a busy machine takes its time. */
const unwrittenAtMostMs = 1_000

/** An answer that was given just before may be read a little later. */
const onTheWayMs = 1_000

export function createOutages(): Outages {
  const unsure: Interval[] = []
  const crashes: Interval[] = []
  const promotions: Interval[] = []
  const told: HistoryEvent[] = []

  async function during<T>(fault: () => T | Promise<T>, list: Interval[] = []): Promise<T> {
    const from = monotonic()
    try {
      return await fault()
    } finally {
      const interval = { from, to: monotonic() }
      unsure.push(interval)
      list.push(interval)
    }
  }

  return {
    during: fault => during(fault),
    crash: fault => during(fault, crashes),
    promote: fault => during(fault, promotions),
    untold: node => void told.push({ kind: 'untold', time: monotonic(), node }),
    events(log, exchanges, gone = []) {
      const untold = exchanges.flatMap(({ status, arrivedAt, answeredAt, node }) => {
        const isUnsure = unsure.some(({ from, to }) => arrivedAt <= to && answeredAt >= from)
        return status >= 500 && isUnsure ? [{ kind: 'untold' as const, time: answeredAt, node }] : []
      })
      const forget = ({ from, to }: Interval, how: 'crash' | 'stale replica'): HistoryEvent[] => {
        const held = [...log.filter(({ time }) => time <= to), ...gone]
        const unwritten = unwrittenRotations(held, exchanges, { from: from - unwrittenAtMostMs, to })
        const lost = [...gone, ...unwritten]
        const commits = lost.map(applied => ({ kind: 'commit' as const, time: applied.time, applied }))
        return [...commits, { kind: 'forgotten', time: to, how, lost }]
      }
      return [
        ...told,
        ...untold,
        ...crashes.flatMap(one => forget(one, 'crash')),
        ...promotions.flatMap(one => forget(one, 'stale replica')),
      ]
    },
  }
}

/** Rotations that were answered in this time, and of which nothing is written: by what was given. */
function unwrittenRotations(
  log: readonly Applied[],
  exchanges: readonly TokenExchange[],
  { from, to }: Interval,
): Applied[] {
  const lost: Applied[] = []
  for (const { given, answeredAt, node } of exchanges) {
    if (given === undefined || answeredAt < from || answeredAt > to + onTheWayMs) continue
    const writes = [...log, ...lost].flatMap(({ change, time }) =>
      time > answeredAt
        ? []
        : change.writes.filter(({ table, row }) => table === 'family' && row.id === given.familyId),
    )
    const last = writes.at(-1)
    if (
      last?.table !== 'family' ||
      writes.some(({ row }) => 'generation' in row && row.generation === given.generation)
    )
      continue
    const row = { ...last.row, generation: given.generation }
    const time = Math.min(answeredAt, to) - 0.001
    lost.push({
      change: { writes: [{ table: 'family', row }], audit: [], entries: [], durable: false, time: Math.floor(time) },
      time,
      storeTime: row.rotatedAt,
      node,
    })
  }
  return lost
}
