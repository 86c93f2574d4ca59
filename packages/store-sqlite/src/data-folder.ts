import { chmodSync, closeSync, existsSync, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { StoreUnavailable } from '@countersign/store'

const ownFolder = 0o700
const ownFile = 0o600

/** The folder and the empty files, for nobody else to read; SQLite gives the log the mode of the database file. */
export function prepareFiles(file: string): void {
  const folder = dirname(resolve(file))
  const firstMade = mkdirSync(folder, { recursive: true, mode: ownFolder })
  if (firstMade !== undefined) syncFolder(dirname(firstMade))
  for (const path of [file, lockFile(file)]) makePrivate(path)
}

/**
 * Never opens a file that exists: closing it again would drop the locks that SQLite holds on it in this process
 * (POSIX locks belong to process and file, not to descriptors).
 */
function makePrivate(path: string): void {
  if (existsSync(path)) {
    if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, ownFile)
    return
  }
  closeSync(openSync(path, 'wx', ownFile))
}

/** A new entry of a folder is on the disk once the folder is synced. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return
  const descriptor = openSync(folder, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function lockFile(file: string): string {
  return `${file}-lock`
}

/**
 * Holds the data folder for this process until `release`, or until the process ends in whatever way: the lock is the
 * operating system's. A database of its own carries it, because SQLite's locks work the same everywhere.
 */
export function lockDataFolder(file: string): { release: () => void } {
  const lock = new DatabaseSync(lockFile(file), { timeout: 0 })
  try {
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch {
    lock.close()
    const folder = dirname(resolve(file))
    throw new StoreUnavailable(
      `The data folder ${folder} is in use by another process: stop that one, or take another folder with --data`,
    )
  }
  return { release: () => lock.close() }
}
