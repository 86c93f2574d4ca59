import { existsSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Store, type StoreOptions, StoreUnavailable } from '@countersign/store'
import { createCheckpoints } from './checkpoints.ts'
import { lockDataFolder, prepareFiles, syncFolder } from './data-folder.ts'
import { createGroupCommit, type GroupCommit } from './group-commit.ts'
import { createLogSync } from './log-sync.ts'
import { migrate } from './schema.ts'
import { translated } from './sqlite-failure.ts'
import { createSqliteStore } from './sqlite-store.ts'
import { openTables } from './tables.ts'

export interface SqliteStoreOptions extends StoreOptions {
  /** The database; its folder is made if it is missing. Beside it lie its log (`-wal`, `-shm`) and its lock (`-lock`). */
  readonly file: string
  /** The log's length, in pages of 4 KiB, at which it is moved into the database file. */
  readonly checkpointFrames?: number
}

const defaultCheckpointFrames = 16_384
/** How long a write waits for a lock that another program holds: in the main thread, so not long. */
const lockWaitMs = 50
const cacheKiB = 16_384

/**
 * Opens the embedded store, made if it is missing. One process at a time: a second is refused with `StoreUnavailable`, as are a
 * damaged file and one that a later version has written.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const file = resolve(options.file)
  prepareFiles(file)
  const lock = lockDataFolder(file)
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file, { timeout: lockWaitMs })
    prepareDatabase(database, file)
    const opened = openTables(database, options)
    // The log exists from the first write on. One descriptor for good: its error state is then never lost between calls.
    const logFile = await open(`${file}-wal`, 'r+')
    await logFile.datasync()
    syncFolder(dirname(file))
    const log = createLogSync(logFile)
    let commits: GroupCommit | undefined
    const checkpoints = createCheckpoints(database, {
      file,
      frames: options.checkpointFrames ?? defaultCheckpointFrames,
      resume: () => commits?.resume(),
    })
    commits = createGroupCommit({ database, log, heads: opened.heads, ...checkpoints })
    const close = async (): Promise<void> => {
      await commits.end()
      await log.settled().catch(() => {})
      await checkpoints.close()
      await logFile.close()
      database?.close()
      lock.release()
    }
    return createSqliteStore({ ...opened, options, commits, log, close })
  } catch (error) {
    if (database?.isOpen) database.close()
    lock.release()
    throw openingFailure(error, file)
  }
}

function prepareDatabase(database: DatabaseSync, file: string): void {
  database.exec(
    `PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA fullfsync = ON; PRAGMA wal_autocheckpoint = 0;
     PRAGMA cache_size = -${cacheKiB}; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF`,
  )
  // Left by a process that was killed, or that could not sync it: nothing of it is trusted to be on the disk until it
  // has been copied and the copy synced.
  const log = `${file}-wal`
  if (existsSync(log) && statSync(log).size > 0) database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  migrate(database)
  database.exec('UPDATE log_restart SET count = count + 1')
}

function openingFailure(error: unknown, file: string): unknown {
  const failure = translated(error)
  return failure === error ? error : new StoreUnavailable(`${file}: ${(failure as StoreUnavailable).message}`)
}
