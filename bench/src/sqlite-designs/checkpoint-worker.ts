import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'

/** `passive` copies beside the writer. `complete` expects that nobody writes: copies the rest and begins the log anew. */
export type CheckpointRequest = 'passive' | 'complete'

/** Frames in the log, and how many of them are in the database file by now. */
export interface CheckpointReply {
  readonly log: number
  readonly checkpointed: number
}

const { path } = workerData as { path: string }
const port = parentPort
if (!port) throw new Error('to be started as a worker')
const database = new DatabaseSync(path, { timeout: 5000 })
database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0')
const passive = database.prepare('PRAGMA wal_checkpoint(PASSIVE)')
const restart = database.prepare('PRAGMA wal_checkpoint(RESTART)')
// SQLite syncs the header of a log begun anew, in the thread that writes first: better here than in the main thread.
const firstWrite = database.prepare('UPDATE checkpoint SET count = count + 1')

port.on('message', (request: CheckpointRequest) => {
  const { log, checkpointed } = (request === 'passive' ? passive : restart).get() as unknown as CheckpointReply
  if (request === 'complete') firstWrite.run()
  port.postMessage({ log, checkpointed } satisfies CheckpointReply)
})
port.postMessage('ready')
