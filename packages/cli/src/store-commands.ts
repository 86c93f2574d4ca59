import type { Command } from 'commander'
import type { Configuration } from './configuration.ts'
import { tellRestored } from './tell-restored.ts'

/** The operator's commands about the store as a whole: while no server runs on it, or ahead of one. */
export function addStoreCommands(program: Command, configured: () => Configuration): void {
  program
    .command('migrate')
    .description('bring the database to this version’s schema ahead of a deploy (nodes do it when they start)')
    .option('--dry-run', 'print the SQL and change nothing')
    .action(async ({ dryRun = false }: { dryRun?: boolean }) => {
      const { migrateDatabase } = await import('./migrate-database.ts')
      process.stdout.write(await migrateDatabase(configured(), dryRun))
    })

  program
    .command('copy')
    .description('move house: copy a data folder, whose server does not run, into an empty PostgreSQL database')
    .option('--from <store>', 'sqlite: and the data folder (default: the configured one)')
    .option('--to <url>', 'postgres://… (default: the configured database)')
    .action(async (named: { from?: string; to?: string }) => {
      const { copyConfigured } = await import('./copy-configured.ts')
      await copyConfigured(named.to === undefined ? configured() : { ...configured(), database: named.to }, named.from)
      process.stdout.write('Copied.\n')
    })

  program
    .command('restored')
    .description(
      'after a backup was restored, before the server starts: tell the store, and revoke again what was revoked since',
    )
    .option('--journal <file...>', 'revocation journals, one of each node')
    .option(
      '--despite-damage',
      'revoke again what the other lines say, where lines of a journal are damaged or missing',
    )
    .action(({ journal = [], despiteDamage = false }: { journal?: string[]; despiteDamage?: boolean }) =>
      tellRestored(configured(), { paths: journal, despiteDamage }),
    )
}
