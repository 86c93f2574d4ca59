import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { JournalRecord } from '@countersign/core'
import { errorBody, isRefusal } from '@countersign/protocol'
import { openStopped, RefusedCommand, standingDataFolder } from './administer.ts'
import type { Configuration } from './configuration.ts'
import { WrongConfiguration } from './configuration-problems.ts'
import { storeFile } from './data-folder.ts'
import { createLineSeal } from './journal/line-seal.ts'
import { createPasswordSeal } from './journal/password-seal.ts'
import { type JournalContents, type ReadableJournal, readJournal } from './journal/read-journal.ts'
import { readMasterKey } from './master-key.ts'
import { postgresOptions } from './open-store.ts'
import { issuerOf } from './open-system.ts'
import { placeOf } from './printed.ts'

/**
 * The command `restored`: prints which store it was, how many revocations the backup did not know, and what was read of each journal. All of them are looked through before anything is
 * done: with one of another system, or one that was changed, nothing is.
 */
export async function tellRestored(
  configuration: Configuration,
  { paths, despiteDamage }: { readonly paths: readonly string[]; readonly despiteDamage: boolean },
): Promise<void> {
  const folder = standingDataFolder(configuration)
  const store = await placeOfStore(configuration)
  const master = readMasterKey(folder, {
    environment: process.env.COUNTERSIGN_MASTER_KEY,
    command: configuration.master_key_command,
  })
  const seal = createLineSeal(master.key, issuerOf(configuration))
  const journals: ReadableJournal[] = []
  for (const path of paths) journals.push(await readJournal(path, seal))
  const contents = journals.map(journal => journal.contents)
  const damages = contents.flatMap(damageOf)
  const foreign = contents.find(isForeign)
  if (foreign) throw new WrongConfiguration(foreignJournal(foreign, configuration))
  if (damages.length > 0 && !despiteDamage) throw new WrongConfiguration(`${damages.join('\n')}\n${nothingDone}`)
  // What is replayed stands in a journal already.
  const system = await openStopped({ ...configuration, revocation_journal: undefined })
  try {
    const passwords = createPasswordSeal(master.key, randomBytes)
    const result = await system.server.admin.afterRestore(allOf(journals), {
      incarnation: randomBytes(8).toString('hex'),
      openPassword: passwords.open,
    })
    if (isRefusal(result)) throw new RefusedCommand(errorBody(result))
    process.stdout.write(`${JSON.stringify({ store, ...result, journals: contents }, null, 2)}\n`)
    for (const lack of contents.flatMap(lacksOf)) process.stderr.write(`countersign: ${lack}\n`)
    complainOf(damages)
  } finally {
    await system.close()
  }
}

/** One after the other, and from the beginning whenever they are asked for. */
function allOf(journals: readonly ReadableJournal[]): AsyncIterable<JournalRecord> {
  return {
    async *[Symbol.asyncIterator]() {
      for (const { records } of journals) yield* records()
    },
  }
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

const nothingDone =
  'Nothing was done. With --despite-damage everything else that the journals say is revoked again, and what those lines said is not.'

/** Nothing in it is this system's, but for what a crash has torn. */
function isForeign({ lines, torn, unreadable }: JournalContents): boolean {
  return unreadable.length > 0 && unreadable.length + torn === lines
}

function foreignJournal({ file }: JournalContents, configuration: Configuration): string {
  return `${file} is no journal of ${issuerOf(configuration)} under this master key: no line of it is. Nothing was done.`
}

function damageOf({ file, unreadable, misplaced }: JournalContents): readonly string[] {
  const many = (lines: readonly number[]): string => lines.slice(0, 20).join(', ') + (lines.length > 20 ? ' …' : '')
  return [
    ...(unreadable.length === 0
      ? []
      : [`${file}: ${unreadable.length} of its lines cannot be read, or were changed (${many(unreadable)}).`]),
    ...(misplaced.length === 0
      ? []
      : [`${file}: lines are missing, or were moved, before ${misplaced.length} of its lines (${many(misplaced)}).`]),
  ]
}

/** The lines were never in it, so that it is not damaged. */
function lacksOf({ file, lacks }: JournalContents): readonly string[] {
  return lacks.map(
    ({ after, through }) =>
      `${file}: what others have revoked in the rows ${after + 1} to ${through} of the audit log is not in it, since they were removed before. Give the journals of the other nodes, too.`,
  )
}

function complainOf(damages: readonly string[]): void {
  if (damages.length === 0) return
  process.exitCode = 1
  process.stderr.write(damages.map(damage => `countersign: ${damage}\n`).join(''))
  process.stderr.write('countersign: What they say was not revoked again, all else was.\n')
}
