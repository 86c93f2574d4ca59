import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'

/** `passive` copies beside the writer. `complete` expects that nobody writes: copies the rest and begins the log anew. */
export type CheckpointRequest = 'passive' | 'complete' | 'end'

/** Frames in the log after the request; undefined if it failed. */
export interface CheckpointReply {
  readonly frames: number | undefined
}

const { file } = workerData as { file: string }
if (parentPort === null) throw new Error('to be started as a worker')
const port = parentPort
// Short: while a checkpoint is completed writes are held, and a reader of another process must not hold them up.
const database = new DatabaseSync(file, { timeout: 100 })
database.exec('PRAGMA synchronous = NORMAL; PRAGMA fullfsync = ON; PRAGMA wal_autocheckpoint = 0')
// A log that had grown beyond this (bytes) is cut when it begins anew.
database.exec('PRAGMA journal_size_limit = 134217728')
const passive = database.prepare('PRAGMA wal_checkpoint(PASSIVE)')
const restart = database.prepare('PRAGMA wal_checkpoint(RESTART)')
// SQLite syncs the header of a log begun anew, in the thread that writes first: better here than in the main thread.
const firstWrite = database.prepare('UPDATE log_restart SET count = count + 1')

function checkpoint(request: CheckpointRequest): number | undefined {
  try {
    const { busy, log } = (request === 'passive' ? passive : restart).get() as { busy: number; log: number }
    if (request === 'complete' && busy === 0) firstWrite.run()
    return log
  } catch {
    return undefined
  }
}

port.on('message', (request: CheckpointRequest) => {
  if (request === 'end') {
    database.close()
    port.close()
  } else {
    port.postMessage({ frames: checkpoint(request) } satisfies CheckpointReply)
  }
})
