import { type FileHandle, open } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { type Store, type StoreOptions, StoreUnavailable } from '@countersign/store'
import { assembleStore } from './assemble-store.ts'
import { lockDataFolder, prepareFiles, syncFolder } from './data-folder.ts'
import { openDatabase } from './open-database.ts'
import { translated } from './sqlite-failure.ts'

export interface SqliteStoreOptions extends StoreOptions {
  /** The database; its folder is made if it is missing. Beside it lie its log (`-wal`, `-shm`) and its lock (`-lock`). */
  readonly file: string
  /** The log's length, in pages of 4 KiB, at which it is moved into the database file. */
  readonly checkpointFrames?: number
}

const defaultCheckpointFrames = 16_384

/**
 * Opens the embedded store, made if it is missing. One process at a time: a second is refused with `StoreUnavailable`, as are a
 * damaged file and one that a later version has written.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const file = resolve(options.file)
  prepareFiles(file)
  const lock = lockDataFolder(file)
  let database: DatabaseSync | undefined
  let logFile: FileHandle | undefined
  try {
    database = openDatabase(file)
    // The log exists from the first write on. One descriptor for good: its error state is then never lost between calls.
    logFile = await open(`${file}-wal`, 'r+')
    await logFile.datasync()
    syncFolder(dirname(file))
    const checkpointFrames = options.checkpointFrames ?? defaultCheckpointFrames
    return assembleStore({ database, file, logFile, lock, options, checkpointFrames })
  } catch (error) {
    await logFile?.close()
    if (database?.isOpen) database.close()
    lock.release()
    throw openingFailure(error, file)
  }
}

/** Says which file; still not what is in it. */
function openingFailure(error: unknown, file: string): unknown {
  const failure = translated(error)
  return failure === error ? error : new StoreUnavailable(`${file}: ${(failure as StoreUnavailable).message}`)
}
