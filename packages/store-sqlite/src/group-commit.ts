import type { DatabaseSync } from 'node:sqlite'
import { StoreUnavailable } from '@countersign/store'
import type { LogSync } from './log-sync.ts'
import { isWorldFailure, translated } from './sqlite-failure.ts'

/** Something to be done inside a transaction. */
export interface Job<T> {
  /** Runs inside. `undefined`: nothing is to remain of it. A throw undoes it too and fails this job alone. */
  readonly apply: () => T | undefined
  /** Wait for the disk before it is answered. */
  readonly durable: boolean
  /** One statement at most: nothing to undo if it did not apply. */
  readonly single: boolean
}

interface Queued extends Job<unknown> {
  readonly resolve: (outcome: unknown) => void
  readonly reject: (error: unknown) => void
}

export interface GroupCommit {
  readonly run: <T>(job: Job<T>) => Promise<T | undefined>
  /** Writes may go on, after they were held. */
  readonly resume: () => void
  /** Refuses new jobs and resolves when those that wait are done. */
  readonly end: () => Promise<void>
}

/** What lives in memory beside the file, and must follow its rollbacks. */
export interface Heads {
  /** Remembers where they are; the returned function puts them back. */
  readonly mark: () => () => void
  /** Remembers what was committed; the returned function is called when that is on the disk. */
  readonly committed: () => () => void
}

/** So many changes in one transaction: none of them makes the others wait for long. */
const jobsAtOnce = 512

/**
 * What arrives in one turn of the event loop is one transaction. One change's conflict leaves the others alone. Answers
 * that need the disk wait for the next sync of the log; the others go out at once.
 */
export function createGroupCommit(options: {
  database: DatabaseSync
  log: LogSync
  heads: Heads
  holds: () => boolean
  afterCommit: (jobs: number) => void
}): GroupCommit {
  const { database, log, heads } = options
  const begin = database.prepare('BEGIN IMMEDIATE')
  const commit = database.prepare('COMMIT')
  const savepoint = database.prepare('SAVEPOINT job')
  const release = database.prepare('RELEASE job')
  const undo = database.prepare('ROLLBACK TO job')
  const queue: Queued[] = []
  let scheduled = false
  let ended: (() => void) | undefined

  function schedule(): void {
    if (scheduled || queue.length === 0) return
    scheduled = true
    setImmediate(flush)
  }

  function flush(): void {
    scheduled = false
    const failure = log.failure()
    if (failure !== undefined) for (const job of queue.splice(0)) job.reject(failure)
    if (!options.holds()) commitBatch(queue.splice(0, jobsAtOnce))
    if (!options.holds()) schedule()
    if (queue.length === 0) ended?.()
  }

  function commitBatch(batch: readonly Queued[]): void {
    if (batch.length === 0) return
    const restore = heads.mark()
    let outcomes: readonly Outcome[]
    try {
      begin.run()
      outcomes = batch.map(applyOne)
      commit.run()
    } catch (error) {
      rollback()
      restore()
      const failure = translated(error)
      for (const job of batch) job.reject(failure)
      return
    }
    answer(batch, outcomes)
    options.afterCommit(batch.length)
  }

  function applyOne(job: Queued): Outcome {
    if (job.single) return attempt(job)
    const restore = heads.mark()
    savepoint.run()
    const outcome = attempt(job)
    if ('error' in outcome || outcome.value === undefined) {
      undo.run()
      restore()
    }
    release.run()
    return outcome
  }

  function attempt(job: Queued): Outcome {
    try {
      return { value: job.apply() }
    } catch (error) {
      // The disk is full or the like: SQLite may have rolled everything back already, so the whole batch fails.
      if (isWorldFailure(error)) throw error
      return { error }
    }
  }

  function rollback(): void {
    try {
      if (database.isTransaction) database.exec('ROLLBACK')
    } catch {
      // SQLite rolls back by itself when it cannot do even this.
    }
  }

  function answer(batch: readonly Queued[], outcomes: readonly Outcome[]): void {
    log.dirty()
    const durable: [Queued, unknown][] = []
    batch.forEach((job, index) => {
      const outcome = outcomes[index] as Outcome
      if ('error' in outcome) job.reject(outcome.error)
      else if (job.durable && outcome.value !== undefined) durable.push([job, outcome.value])
      else job.resolve(outcome.value)
    })
    if (durable.length === 0) return
    const settle = heads.committed()
    log.afterSync({
      done() {
        settle()
        for (const [job, value] of durable) job.resolve(value)
      },
      failed(error) {
        for (const [job] of durable) job.reject(error)
      },
    })
  }

  return {
    run: job =>
      new Promise((resolve, reject) => {
        const failure = ended === undefined ? log.failure() : new StoreUnavailable('the store is closed')
        if (failure !== undefined) return reject(failure)
        queue.push({ ...job, resolve: resolve as Queued['resolve'], reject })
        schedule()
      }),
    resume: schedule,
    end: () =>
      new Promise(done => {
        ended = done
        if (queue.length === 0) done()
      }),
  }
}

type Outcome = { readonly value: unknown } | { readonly error: unknown }
