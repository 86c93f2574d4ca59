import { migratePostgres } from '@countersign/store-postgres'
import type { Configuration } from './configuration.ts'
import { WrongConfiguration } from './configuration-problems.ts'
import { postgresOptions } from './open-store.ts'

/**
 * Brings the configured database to this version's schema, ahead of a deploy; nodes do it by themselves when they start. Answers with
 * what is to be printed: with `dryRun` the SQL that would run, as a script.
 */
export async function migrateDatabase(configuration: Configuration, dryRun: boolean): Promise<string> {
  const options = postgresOptions(configuration)
  if (options === undefined) {
    throw new WrongConfiguration(
      'There is no database to migrate; give --database. A data folder migrates when it is opened.',
    )
  }
  const { pending } = await migratePostgres(options, dryRun)
  if (pending.length === 0) return dryRun ? '-- The schema is up to date.\n' : 'The schema is up to date.\n'
  if (!dryRun) return pending.map(({ name }) => `Migrated: ${name}.\n`).join('')
  // Whoever runs it waits for no table for long either: all who read it would queue behind that.
  return `BEGIN;\nSET LOCAL lock_timeout = '1s';\n${pending.map(({ name, text }) => `-- ${name}\n${text.trim()}\n`).join('')}COMMIT;\n`
}
