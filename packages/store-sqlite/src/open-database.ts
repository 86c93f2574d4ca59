import { existsSync, statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { migrate } from './schema.ts'

/** How long a write waits for a lock that another program holds: in the main thread, so not long. */
const lockWaitMs = 50
const cacheKiB = 16_384

/**
 * The writer's connection, at this version's schema. The log is on the disk and has been written to. What is deleted is
 * overwritten in its page, so that a user who was erased is not found in the file (in the log until that is copied).
 */
export function openDatabase(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: lockWaitMs })
  try {
    database.exec(
      `PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA fullfsync = ON; PRAGMA wal_autocheckpoint = 0;
       PRAGMA cache_size = -${cacheKiB}; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;
       PRAGMA secure_delete = FAST`,
    )
    // Left by a process that was killed, or that could not sync it: nothing of it is trusted to be on the disk until it
    // has been copied and the copy synced.
    const log = `${file}-wal`
    if (existsSync(log) && statSync(log).size > 0) database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    migrate(database)
    database.exec('UPDATE log_restart SET count = count + 1')
    return database
  } catch (error) {
    database.close()
    throw error
  }
}
