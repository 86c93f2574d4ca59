import { isDeepStrictEqual } from 'node:util'
import type { Change, Instant, Write } from '@countersign/core'
import { createMemoryStore, type Store, type StoredAuditRow } from '@countersign/store'
import type { Applied } from '../history/applied.ts'
import type { VirtualTime } from './virtual-time.ts'

/**
 * What all nodes share: the in-memory engine, and the list of what was applied to it. Forgetting is to begin anew with a
 * part of the list, as a database does with its log.
 */
export interface Disk {
  readonly engine: () => Store
  /** What the store holds, in order. */
  readonly applied: readonly Applied[]
  /** Milliseconds by which the store's clock is wrong. */
  clockError: number
  now(): Instant
  commit(change: Change, node: string): Promise<'committed' | 'conflict'>
  subscribe(listener: () => void): () => void
  /** A crash: of what was committed in the last milliseconds and not synced, a part is gone. Says how many changes. */
  forget(milliseconds: number, keeps: (changes: number) => number): Promise<number>
  /** Goes back to what was applied before a moment, under a new incarnation. Says what is gone. */
  goBack(time: number, incarnation: string): Promise<readonly Applied[]>
  auditRows(): Promise<readonly StoredAuditRow[]>
}

export const epoch: Instant = Date.UTC(2026, 10, 2, 9)

export function createDisk(time: VirtualTime, told: { committed: (applied: Applied) => void }): Disk {
  const listeners = new Set<() => void>()
  let applied: Applied[] = []
  let replayedNow: Instant | undefined
  let engine = open('history 0')

  function open(incarnation: string): Store {
    const opened = createMemoryStore({
      clock: () => replayedNow ?? disk.now(),
      sealPersonal: personal => JSON.stringify(personal),
      seed: { incarnation },
    })
    opened.feed.subscribe(() => {
      if (opened === engine) for (const listener of listeners) listener()
    })
    return opened
  }

  /** The first `count` changes again, in a new engine. */
  async function rebuild(count: number, incarnation: string): Promise<readonly Applied[]> {
    const gone = applied.slice(count)
    applied = applied.slice(0, count)
    engine = open(incarnation)
    for (const { change } of applied) {
      replayedNow = change.time
      if ((await engine.commit(change)) !== 'committed') throw new Error('the log cannot be applied again')
    }
    replayedNow = undefined
    return gone
  }

  /** The end of a family as the whole row that it makes, so that the log says what was stored. Nobody gets in between for long: nothing waits for time here. */
  async function withWholeRows(change: Change): Promise<Change> {
    const whole = async (write: Write): Promise<Write> => {
      if (write.table !== 'family' || !write.endsOnly) return write
      const { id, endedAt, endReason } = write.row
      const stored = (await engine.loadFamily(id))?.family
      return stored?.endedAt === null ? { table: 'family', row: { ...stored, endedAt, endReason } } : write
    }
    return { ...change, writes: await Promise.all(change.writes.map(whole)) }
  }

  const disk: Disk = {
    engine: () => engine,
    get applied() {
      return applied
    },
    clockError: 0,
    now: () => epoch + Math.floor(time.now()) + disk.clockError,
    async commit(wanted, node) {
      for (;;) {
        const change = await withWholeRows(wanted)
        const outcome = await engine.commit(change)
        if (outcome === 'committed') {
          const one = { change, time: time.now(), storeTime: disk.now(), node }
          applied.push(one)
          told.committed(one)
        } else if (!isDeepStrictEqual(change, await withWholeRows(wanted))) continue
        return outcome
      }
    },
    subscribe(listener) {
      const own = (): void => listener()
      listeners.add(own)
      return () => void listeners.delete(own)
    },
    async forget(milliseconds, keeps) {
      let kept = applied.length
      while (kept > 0 && isUnsynced(applied[kept - 1], time.now() - milliseconds)) kept--
      const unsynced = applied.length - kept
      const gone = await rebuild(kept + keeps(unsynced), engine.feed.incarnation)
      return gone.length
    },
    goBack(moment, incarnation) {
      const count = applied.findIndex(one => one.time > moment)
      return rebuild(count < 0 ? applied.length : count, incarnation)
    },
    auditRows: () => engine.readAudit(0, 1_000_000),
  }
  return disk
}

function isUnsynced(one: Applied | undefined, since: number): boolean {
  return one !== undefined && !one.change.durable && one.time > since
}
