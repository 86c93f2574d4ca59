import type { Instant } from '@countersign/core'
import type { EpochKind, FeedEntry, NamedKind } from '@countersign/protocol'
import type { ClockWrong, FeedBatch, FeedStore, StoreUnavailable } from '@countersign/store'
import type { ClockWatch } from './clock-watch.ts'
import type { Column, Row } from './columns.ts'
import { canBeStored } from './columns.ts'
import type { Transaction } from './database.ts'
import { pendingText } from './sequencer.ts'
import { nowText, refuseStandby } from './snapshots.ts'
import { askedText, type Statement } from './statements.ts'
import type { Every } from './timers.ts'

export interface Feed extends Omit<FeedStore, 'holds'> {
  /** Whether each of them is in the feed, numbered or not, in one look. */
  readonly holdsEach: (named: readonly Named[]) => Promise<boolean[]>
  /** Listeners hear of entries up to a number that they have not heard of. It was read from the tables by this node. */
  readonly noticed: (newest: number) => void
  /**
   * A message came, which any role of the database may send. Of its number no more is believed than that it is no news: then listeners need not look. What really is new
   * has a message of its own, which no other can take back. Once one has woken listeners for nothing, the next do so after a pause, all together, until something new has been read: a flood of them
   * is some ten looks a second, and keeps what is true from nobody for longer.
   */
  readonly told: (number: number) => void
  /** Looks once for what no message told of, and has numbered what its node has left without a number. */
  readonly look: () => Promise<void>
  /** Forgets at most `rowsAtMost` entries that have passed; says how many went. */
  readonly forgetPassed: (now: Instant, rowsAtMost: number) => Promise<number>
}

interface Named {
  readonly kind: NamedKind
  readonly id: string
}

/** What one statement sees of the feed. */
interface Look extends FeedBatch {
  /** The number of the oldest entry that is kept; one more than the newest if none is. */
  readonly oldest: number
  /** Something is committed and has no number yet. */
  readonly pending: boolean
  /** Why nobody is told of it, if the clocks are too far apart. */
  readonly clockWrong: ClockWrong | undefined
}

/** Where an entry begins in the rows of a look. */
const entryAt = 8

/** What tells it from any other. */
const nameOfEntry = "concat_ws(' ', kind, id, below)"

/** Between two messages that are followed, once one has brought nothing new. */
export const pauseMs = 100

const everything = -1
const nothing = Number.MAX_SAFE_INTEGER

export function openFeed(options: {
  database: Pick<Transaction, 'query'>
  statement: (text: string) => Statement
  clock: () => Instant | null
  watch: ClockWatch
  every: Every
  incarnation: string
  /** Numbers what is committed. */
  sequence: () => Promise<void>
  /** The database holds another history than this node has read: it was restored or promoted, and noted as such or not. */
  onOtherHistory: (how: string) => StoreUnavailable
}): Feed {
  const { database, statement, clock, watch, every, incarnation, sequence } = options
  // Nothing in it is looked up for each row: PostgreSQL would take it for so dear that it compiled it each time (JIT), and keep all old rows meanwhile.
  const lookAfter = statement(
    `SELECT pg_is_in_recovery(), ${nowText}, i.body::json->>'incarnation', h.newest, h.oldest,
       ${pendingText('entry')} OR ($3 AND ${pendingText('audit')}),
       (SELECT ${nameOfEntry} FROM countersign.entry ORDER BY number DESC LIMIT 1), (SELECT ${nameOfEntry} FROM countersign.entry WHERE number = $4),
       e.kind, e.id, e.below, e."at", e.until
     FROM countersign.issuer i
     CROSS JOIN (SELECT coalesce(max(number), 0) AS newest, coalesce(min(number), 1) AS oldest FROM countersign.entry) h
     LEFT JOIN countersign.entry e ON e.number > $2 ORDER BY e.number`,
  )
  // What has no number yet is not found by its name, and is read once for all: from the first to the last, by the index, past all that has been numbered since the last vacuum.
  const readNamed = statement(
    `WITH pending AS MATERIALIZED (SELECT kind, id FROM countersign.entry_unnumbered
       WHERE place BETWEEN (SELECT min(place) FROM countersign.entry_unnumbered) AND (SELECT max(place) FROM countersign.entry_unnumbered))
     SELECT pg_is_in_recovery(), asked.place, EXISTS (SELECT FROM countersign.entry e WHERE e.id = asked.id AND e.kind = asked.kind)
       OR EXISTS (SELECT FROM pending p WHERE p.id = asked.id AND p.kind = asked.kind)
     FROM ${askedText('kind, id', '$1::text[]', '$2::text[]')} ORDER BY asked.place`,
  )
  // The newest stays in any case: its number is the feed's.
  const forget = statement(
    `DELETE FROM countersign.entry WHERE number IN (
       SELECT number FROM countersign.entry WHERE until * 1000 <= $1 AND number < (SELECT max(number) FROM countersign.entry)
       ORDER BY number LIMIT $2) RETURNING number`,
  )
  const listeners = new Set<() => void>()
  let heardOf: number | undefined
  /** The newest entry that this node has read itself: what a message says is anybody's word. */
  let read = { number: 0, name: '' }

  /** A message has woken listeners, and nothing new has been read since. */
  let wokenInVain = false
  let stopPause: (() => void) | undefined
  let looksUnderWay = 0

  function wake(): void {
    stopPause?.()
    stopPause = undefined
    for (const listener of listeners) queueMicrotask(listener)
  }

  function noticed(newest: number): void {
    const isNew = heardOf !== undefined && newest > heardOf
    heardOf = Math.max(newest, heardOf ?? 0)
    if (!isNew) return
    wokenInVain = false
    wake()
  }

  function told(number: number): void {
    if (stopPause !== undefined || (heardOf !== undefined && number <= heardOf)) return
    if (wokenInVain) {
      // Who looks just now finds what is new, or another pause follows.
      stopPause = every(pauseMs, () => looksUnderWay > 0 || wake())
      return
    }
    wokenInVain = true
    wake()
  }

  async function rowsAfter(...values: readonly unknown[]): Promise<readonly Row[]> {
    looksUnderWay++
    try {
      return await database.query(lookAfter, values)
    } finally {
      looksUnderWay--
    }
  }

  async function lookOnce(after: number, withAudit = false): Promise<Look> {
    const answered = watch()
    const before = read
    const rows = await rowsAfter(clock(), after, withAudit, before.number)
    const [inRecovery, asOf, history, newest, oldest, pending, newestName, nameOfRead] = rows[0] ?? []
    refuseStandby(inRecovery ?? null)
    if (history !== incarnation) throw options.onOtherHistory('holds another history than before')
    // The newest is never forgotten, and a number never given twice: what was read before this look began can only be gone with the history it stood in.
    if ((newest as number) < before.number || (nameOfRead !== null && nameOfRead !== before.name))
      throw options.onOtherHistory('has lost entries that this node had read, and no new history was begun')
    if ((newest as number) > read.number) read = { number: newest as number, name: newestName as string }
    noticed(newest as number)
    const now = asOf as Instant
    const clockWrong = answered(now)
    const entries = rows
      .flatMap(row => (row[entryAt] === null ? [] : readEntry(row)))
      .filter(({ until }) => until * 1000 > now)
    return {
      number: newest as number,
      asOf: now,
      entries,
      oldest: oldest as number,
      pending: pending === true,
      clockWrong,
    }
  }

  /** Everything that was committed before `asOf` is in it: what has no number yet gets one first. */
  async function lookThrough(after: number): Promise<Look> {
    const first = await lookOnce(after)
    if (first.clockWrong !== undefined) throw first.clockWrong
    if (!first.pending) return first
    await sequence()
    return { ...(await lookOnce(after)), asOf: first.asOf }
  }

  function batchOf({ number, asOf, entries }: Look): FeedBatch {
    return { number, asOf, entries }
  }

  return {
    incarnation,
    async snapshot() {
      return batchOf(await lookThrough(everything))
    },
    async after(number) {
      const isNumber = Number.isSafeInteger(number) && number >= 0
      const look = await lookThrough(isNumber ? number : nothing)
      return isNumber && number >= look.oldest - 1 && number <= look.number ? batchOf(look) : undefined
    },
    async holdsEach(named) {
      const rows = await database.query(readNamed, [
        named.map(({ kind }) => kind),
        named.map(({ id }) => (canBeStored(id) ? id : null)),
      ])
      refuseStandby(rows[0]?.[0] ?? null)
      return rows.map(row => row[2] === true)
    },
    subscribe(listener) {
      // Wrapped, so that one function can listen twice.
      const own = (): void => listener()
      listeners.add(own)
      return () => void listeners.delete(own)
    },
    noticed,
    told,
    async look() {
      const { pending } = await lookOnce(nothing, true)
      if (pending) await sequence()
    },
    async forgetPassed(now, rowsAtMost) {
      return rowsAtMost <= 0 ? 0 : (await database.query(forget, [now, rowsAtMost])).length
    },
  }
}

function readEntry(row: Row): FeedEntry {
  const [kind, id, below, seconds, until] = row.slice(entryAt) as [string, string, Column, Column, number]
  if (below === null || seconds === null) return { kind: kind as NamedKind, id, until }
  return { kind: kind as EpochKind, id, below: below as number, at: seconds as number, until }
}
