import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findFaketime } from '../../tools/faketime-path.ts'

/**
 * A wall clock that a test moves, for itself and for every process that is given the environment: for all of them at once. PostgreSQL's own limits
 * (`statement_timeout` and the like) never end anything under it: its handlers of signals see the machine's time.
 */
export interface MovedClock {
  readonly environment: Readonly<Record<string, string>>
  now(): number
  /** How far it is ahead of the machine's, in milliseconds. */
  aheadMs(): number
  advance(seconds: number): void
  remove(): void
}

export function createMovedClock(): MovedClock {
  const library = findFaketime()
  if (library === undefined) throw new Error('libfaketime is missing: npm test installs it, or says how')
  const folder = mkdtempSync(join(tmpdir(), 'countersign-clock-'))
  // PostgreSQL reads it as another user.
  chmodSync(folder, 0o755)
  const file = join(folder, 'clock')
  let aheadSeconds = 0
  // In one step: a file that is just being written would be another time.
  function write(): void {
    writeFileSync(`${file}-next`, `+${aheadSeconds}`)
    renameSync(`${file}-next`, file)
  }
  write()
  return {
    environment: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    },
    now: () => Date.now() + aheadSeconds * 1000,
    aheadMs: () => aheadSeconds * 1000,
    advance(seconds) {
      aheadSeconds += seconds
      write()
    },
    remove: () => rmSync(folder, { recursive: true }),
  }
}
