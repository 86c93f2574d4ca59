import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'

/**
 * `passive` copies beside the writer. `complete` expects that nobody writes: copies the rest and begins the log anew.
 * `truncate` does that too, and leaves nothing of what stood in the log.
 */
export type CheckpointRequest = 'passive' | 'complete' | 'truncate' | 'end'

/** Frames in the log after the request; undefined if it failed. `busy`: somebody reads, and it could not be completed. */
export interface CheckpointReply {
  readonly frames: number | undefined
  readonly busy: boolean
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
const truncate = database.prepare('PRAGMA wal_checkpoint(TRUNCATE)')
const restart = database.prepare('PRAGMA wal_checkpoint(RESTART)')
// SQLite syncs the header of a log begun anew, in the thread that writes first: better here than in the main thread.
const firstWrite = database.prepare('UPDATE log_restart SET count = count + 1')

const statements = { passive, complete: restart, truncate }

function checkpoint(request: keyof typeof statements): CheckpointReply {
  try {
    const { busy, log } = statements[request].get() as { busy: number; log: number }
    if (request !== 'passive' && busy === 0) firstWrite.run()
    return { frames: log, busy: busy !== 0 }
  } catch {
    return { frames: undefined, busy: false }
  }
}

port.on('message', (request: CheckpointRequest) => {
  if (request === 'end') {
    database.close()
    port.close()
  } else {
    port.postMessage(checkpoint(request))
  }
})
