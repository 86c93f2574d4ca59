import type { DatabaseSync } from 'node:sqlite'
import { Worker } from 'node:worker_threads'
import type { CheckpointReply, CheckpointRequest } from './checkpoint-worker.ts'
import { prepareRead } from './statements.ts'

/** Moves the log into the database file, beside the writer. */
export interface Checkpoints {
  readonly afterCommit: (changes: number) => void
  /** Something was committed that erases: the log, where it still stands, is emptied as soon as nobody reads from it. */
  readonly erased: () => void
  /** True while a checkpoint is completed: writes wait. */
  readonly holds: () => boolean
  readonly close: () => Promise<void>
}

export interface CheckpointOptions {
  readonly file: string
  /** Frames (4 KiB pages) in the log after which a checkpoint is due. */
  readonly frames: number
  /** Writes may go on. */
  readonly resume: () => void
  /** The worker's script. */
  readonly script?: URL
}

/** Looking at the log's length costs something: only after so many changes. */
const changesBetweenLooks = 256
/**
 * The log's bound, in due lengths. Beyond it writes are held if the disk copies more slowly than the log grows, and the main
 * thread checkpoints if the worker cannot.
 */
const framesBoundFactor = 4

/**
 * A passive checkpoint copies what is in the log when it begins. Under constant writing something new is always there
 * when it ends, so the log is never begun anew, and grows. To complete it, writes are held for the short rest
 * (docs/decisions/0002). The worker is started when the first checkpoint is due: small installations never need it.
 */
export function createCheckpoints(database: DatabaseSync, options: CheckpointOptions): Checkpoints {
  const look = prepareRead(database, 'PRAGMA wal_checkpoint(NOOP)')
  const copyHere = prepareRead(database, 'PRAGMA wal_checkpoint(PASSIVE)')
  // The built file ends otherwise than the source.
  const built = new URL(`./checkpoint-worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url)
  const bound = options.frames * framesBoundFactor
  let worker: Worker | undefined
  let workerFails = false
  let state: 'idle' | 'copying' | 'completing' | 'closed' = 'idle'
  let bounded = false
  let eraseDue = false
  let emptying = false
  let changesSinceLook = 0
  let copiedAt = 0
  let idle = (): void => {}

  function start(): Worker {
    const started = new Worker(options.script ?? built, {
      workerData: { file: options.file },
      stdout: false,
      stderr: false,
    })
    started.on('message', (reply: CheckpointReply) => answered(reply))
    // It is started anew at the next checkpoint; the log keeps everything until then.
    started.on('error', () => {
      if (worker === started) worker = undefined
      answered({ frames: undefined, busy: false })
    })
    return started
  }

  function ask(request: CheckpointRequest): void {
    worker ??= start()
    worker.ref()
    worker.postMessage(request)
  }

  function begin(): void {
    state = 'copying'
    ask('passive')
  }

  function answered({ frames, busy }: CheckpointReply): void {
    workerFails = frames === undefined
    if (state === 'copying' && frames !== undefined) {
      state = 'completing'
      emptying = eraseDue
      ask(emptying ? 'truncate' : 'complete')
      return
    }
    const emptied = emptying && frames !== undefined && !busy
    if (emptied) eraseDue = false
    // Asked for while a checkpoint without it was being completed. One that did not succeed waits for the next look.
    const again = eraseDue && !emptying && frames !== undefined
    emptying = false
    // A completed log is shorter than the one that was copied; one that could not be completed is tried again later.
    if (frames !== undefined) copiedAt = frames
    if (state !== 'closed') state = 'idle'
    bounded = false
    if (again && state === 'idle') {
      options.resume()
      begin()
      return
    }
    worker?.unref()
    idle()
    options.resume()
  }

  /** A log that cannot be looked at is looked at again later. */
  function framesInLog(): number {
    try {
      return look.one()?.[1] as number
    } catch {
      return 0
    }
  }

  /** Copies everything: nobody writes meanwhile, and the next write begins the log anew. */
  function checkpointHere(): void {
    try {
      copyHere.one()
    } catch {
      // The disk is full, or worse; the log keeps everything until it is not.
    }
  }

  return {
    afterCommit(changes) {
      changesSinceLook += changes
      if (changesSinceLook < changesBetweenLooks || state === 'completing' || state === 'closed') return
      changesSinceLook = 0
      const frames = framesInLog()
      if (state === 'copying') {
        bounded = frames >= copiedAt + bound
        return
      }
      if (frames < copiedAt) copiedAt = 0
      if (frames - copiedAt < options.frames && !eraseDue) return
      if (workerFails && frames >= bound) {
        checkpointHere()
        return
      }
      begin()
    },
    erased() {
      eraseDue = true
      if (state === 'idle') begin()
    },
    holds: () => state === 'completing' || (state === 'copying' && bounded),
    async close() {
      if (state !== 'idle') await new Promise<void>(done => (idle = done))
      state = 'closed'
      const ending = worker
      if (ending === undefined) return
      const exited = new Promise(done => ending.once('exit', done))
      ending.ref()
      ending.postMessage('end' satisfies CheckpointRequest)
      await exited
    },
  }
}
