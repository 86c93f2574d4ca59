import { type FileHandle, open } from 'node:fs/promises'
import {
  deriveKey,
  type JournalRecord,
  journalRecord,
  type MasterKey,
  type RandomBytes,
  seal,
  unseal,
} from '@countersign/core'
import { type Store, StoreUnavailable } from '@countersign/store'
import { WrongConfiguration } from './configuration-problems.ts'
import { readFileOf } from './json-file.ts'

/** The file that revocations are written to besides the store; each node has one of its own. */
export interface JournalFile {
  /** Resolves once the record is on the disk. */
  append(record: JournalRecord): Promise<void>
  close(): Promise<void>
}

/** Opens it to append, made for its owner alone if it is missing. */
export async function openJournal(path: string): Promise<JournalFile> {
  const file: FileHandle = await open(path, 'a+', 0o600)
  await cutTornLine(file)
  let waiting: { line: string; done: () => void; failed: (error: unknown) => void }[] = []
  let writing: Promise<void> | undefined

  /** What comes while one write is under way is the next one. */
  async function writeAll(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting
      waiting = []
      try {
        await file.appendFile(batch.map(({ line }) => line).join(''))
        await file.datasync()
        for (const { done } of batch) done()
      } catch (error) {
        for (const { failed } of batch)
          failed(new StoreUnavailable('the revocation journal cannot be written', { cause: error }))
      }
    }
    writing = undefined
  }

  return {
    append: record =>
      new Promise((done, failed) => {
        waiting.push({ line: `${JSON.stringify(record)}\n`, done, failed })
        writing ??= writeAll()
      }),
    async close() {
      await writing
      await file.close()
    },
  }
}

/** A line that a crash has torn was never answered: what comes next must not be written behind it. */
async function cutTornLine(file: FileHandle): Promise<void> {
  const written = await file.readFile()
  const whole = written.lastIndexOf('\n') + 1
  if (whole < written.length) await file.truncate(whole)
}

/** A store whose revocations are in the journal too before they are answered. */
export function withJournal(store: Store, journal: JournalFile, passwords: PasswordSeal): Store {
  return {
    ...store,
    async commit(change) {
      const outcome = await store.commit(change)
      const record = outcome === 'committed' ? journalRecord(change, passwords.seal) : undefined
      if (record !== undefined) await journal.append(record)
      return outcome
    },
    async close() {
      await store.close()
      await journal.close()
    },
  }
}

/** What has been written, in its order. */
export function readJournal(path: string): readonly JournalRecord[] {
  const lines = readFileOf(path).toString('utf8').split('\n')
  const whole = lines.slice(0, -1)
  return whole.flatMap((line, index) => {
    try {
      return [JSON.parse(line) as JournalRecord]
    } catch {
      throw new WrongConfiguration(`${path}: line ${index + 1} cannot be read.`)
    }
  })
}

/** Hashes of passwords stand in the journal under the master key. */
export interface PasswordSeal {
  seal(user: { readonly id: string; readonly passwordHash: string | null }): string
  open(userId: string, sealed: string): string | null
}

export function createPasswordSeal(master: MasterKey, random: RandomBytes): PasswordSeal {
  const key = deriveKey(master, 'revocation journal 1')
  return {
    seal: ({ id, passwordHash }) => seal(key, id, passwordHash ?? '', random),
    open(userId, sealed) {
      const text = unseal(key, userId, sealed)?.toString()
      if (text === undefined) throw new WrongConfiguration('The journal was written under another master key.')
      return text === '' ? null : text
    },
  }
}
