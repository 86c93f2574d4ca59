import type { FileHandle } from 'node:fs/promises'
import type { DatabaseSync } from 'node:sqlite'
import type { Store, StoreOptions } from '@countersign/store'
import { createCheckpoints } from './checkpoints.ts'
import { createGroupCommit, type GroupCommit } from './group-commit.ts'
import { createLogSync } from './log-sync.ts'
import { createSqliteStore } from './sqlite-store.ts'
import { openTables } from './tables.ts'

/** Puts the parts together over an open database and its log. */
export function assembleStore(parts: {
  database: DatabaseSync
  file: string
  logFile: Pick<FileHandle, 'datasync' | 'close'>
  lock: { readonly release: () => void }
  options: StoreOptions
  checkpointFrames: number
}): Store {
  const { database, logFile, options } = parts
  const tables = openTables(database, options)
  const log = createLogSync(logFile, options.onLost)
  let commits: GroupCommit | undefined
  const checkpoints = createCheckpoints(database, {
    file: parts.file,
    frames: parts.checkpointFrames,
    resume: () => commits?.resume(),
  })
  commits = createGroupCommit({ database, log, heads: tables.heads, ...checkpoints })
  const { end } = commits

  async function close(): Promise<void> {
    await end()
    await log.settled().catch(() => {})
    await checkpoints.close()
    await logFile.close()
    try {
      database.close()
    } finally {
      parts.lock.release()
    }
  }

  return createSqliteStore({ ...tables, options, commits, log, erased: checkpoints.erased, close })
}
