import type { FileHandle } from 'node:fs/promises'
import { StoreUnavailable } from '@countersign/store'

interface Waiting {
  readonly done: () => void
  readonly failed: (error: StoreUnavailable) => void
}

/** Puts what was committed on the disk, beside the main thread. */
export interface LogSync {
  /** Calls back once everything that was committed before this call is on the disk. */
  readonly afterSync: (waiting: Waiting) => void
  /** The same as a promise; at once if nothing was committed since the last one. */
  readonly settled: () => Promise<void>
  /** Tells that something was committed. */
  readonly dirty: () => void
  /** Set once a sync has failed: nothing more may be written until the file is opened again. */
  readonly failure: () => StoreUnavailable | undefined
}

/**
 * One sync at a time; whatever is committed while it runs waits for the next one, which covers all of it.
 *
 * A failed sync is final: the kernel has marked the pages as written, so a second call would succeed without having
 * written them (docs/decisions/0002).
 */
export function createLogSync(
  log: Pick<FileHandle, 'datasync'>,
  onLost: (failure: StoreUnavailable) => void = () => {},
): LogSync {
  let waiting: Waiting[] = []
  let running = false
  let unsynced = false
  let failure: StoreUnavailable | undefined

  async function run(): Promise<void> {
    running = true
    while (waiting.length > 0) {
      const covered = waiting
      waiting = []
      unsynced = false
      try {
        await log.datasync()
      } catch {
        failure = new StoreUnavailable('the disk failed to keep what was written; the store must be opened again')
        for (const one of covered.concat(waiting.splice(0))) one.failed(failure)
        onLost(failure)
        break
      }
      for (const one of covered) one.done()
    }
    running = false
  }

  function afterSync(one: Waiting): void {
    if (failure !== undefined) {
      one.failed(failure)
      return
    }
    waiting.push(one)
    if (!running) void run()
  }

  return {
    afterSync,
    settled: () =>
      unsynced || running || failure !== undefined
        ? new Promise((done, failed) => afterSync({ done, failed }))
        : Promise.resolve(),
    dirty() {
      unsynced = true
    },
    failure: () => failure,
  }
}
