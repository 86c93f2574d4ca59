import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { JournalRecord } from '@countersign/core'
import { errorBody, isRefusal } from '@countersign/protocol'
import { openStopped, RefusedCommand, standingDataFolder } from './administer.ts'
import type { Configuration } from './configuration.ts'
import { WrongConfiguration } from './configuration-problems.ts'
import { storeFile } from './data-folder.ts'
import { createPasswordSeal } from './journal/password-seal.ts'
import { type JournalContents, readJournal } from './journal/read-journal.ts'
import { readMasterKey } from './master-key.ts'
import { postgresOptions } from './open-store.ts'
import { placeOf } from './printed.ts'

/** The command `restored`: prints which store it was, how many revocations the backup did not know, and what was read of each journal. */
export async function tellRestored(configuration: Configuration, paths: readonly string[]): Promise<void> {
  const folder = standingDataFolder(configuration)
  const store = await placeOfStore(configuration)
  const journals: Awaited<ReturnType<typeof readJournal>>[] = []
  for (const path of paths) journals.push(await readJournal(path))
  const master = readMasterKey(folder, {
    environment: process.env.COUNTERSIGN_MASTER_KEY,
    command: configuration.master_key_command,
  })
  // What is replayed stands in a journal already.
  const system = await openStopped({ ...configuration, revocation_journal: undefined })
  try {
    const passwords = createPasswordSeal(master.key, randomBytes)
    const result = await system.server.admin.afterRestore(allOf(journals.map(({ records }) => records)), {
      incarnation: randomBytes(8).toString('hex'),
      openPassword: passwords.open,
    })
    if (isRefusal(result)) throw new RefusedCommand(errorBody(result))
    const contents = journals.map(journal => journal.contents)
    process.stdout.write(`${JSON.stringify({ store, ...result, journals: contents }, null, 2)}\n`)
    complainOf(contents)
  } finally {
    await system.close()
  }
}

async function* allOf(journals: readonly (() => AsyncGenerator<JournalRecord>)[]): AsyncGenerator<JournalRecord> {
  for (const records of journals) yield* records()
}

/** Where it is; refused where there is none yet, which would be made anew. */
async function placeOfStore(configuration: Configuration): Promise<string> {
  const database = postgresOptions(configuration)
  if (database === undefined) {
    const file = join(configuration.data, storeFile)
    if (existsSync(file)) return file
    throw new WrongConfiguration(`There is no database ${file}; give --data, or --database.`)
  }
  const { migratePostgres } = await import('@countersign/store-postgres')
  const place = placeOf(database.url)
  const { found } = await migratePostgres(database, true)
  if (found > 0) return place
  throw new WrongConfiguration(`The database ${place} holds nothing of Countersign’s; give another with --database.`)
}

function complainOf(journals: readonly JournalContents[]): void {
  for (const { file, unreadable } of journals) {
    if (unreadable.length === 0) continue
    const which = unreadable.slice(0, 20).join(', ') + (unreadable.length > 20 ? ' …' : '')
    process.stderr.write(
      `countersign: ${file}: ${unreadable.length} of its lines cannot be read (${which}). What they say was not revoked again, all else was.\n`,
    )
    process.exitCode = 1
  }
}
