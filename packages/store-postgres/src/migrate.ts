import { StoreUnavailable } from '@countersign/store'
import type { Database, Transaction } from './database.ts'
import { type Migration, migrations } from './migrations.ts'
import { inSchema, lockNumber, quotedName } from './statements.ts'

/** What was found and what is to be run, or was. */
export interface MigrationPlan {
  /** How many had run before. */
  readonly found: number
  /** Name and SQL of those that had not, in order. */
  readonly pending: readonly { readonly name: string; readonly text: string }[]
}

/** What has run on a database, and what nodes must know of it. */
interface Applied {
  readonly count: number
  readonly needs: number
}

/**
 * Brings the schema to this version, in one transaction under a lock: many nodes can start at once, one of them migrates. A schema
 * that a later version has written is refused only if it says that this version cannot work with it.
 */
export async function migrate(
  database: Database,
  schema: string,
  known: readonly Migration[] = migrations,
): Promise<MigrationPlan> {
  const before = await readApplied(database, schema)
  if (before.count >= known.length) {
    refuseTooNew(before, known.length)
    return planOf(before.count, schema, known)
  }
  const found = await database.transaction(
    `BEGIN; SELECT pg_advisory_xact_lock(${lockNumber(schema, 'migrate')})`,
    async transaction => {
      // Read again: another node may have been first.
      const { count } = await readApplied(transaction, schema)
      if (count === 0) await transaction.script(beginningText(schema))
      for (const [index, migration] of known.entries()) {
        if (index >= count) await transaction.script(migrationText(schema, index + 1, migration))
      }
      return { value: count }
    },
  )
  return planOf(found ?? 0, schema, known)
}

/** What `migrate` would run. Changes nothing. */
export async function planMigration(
  database: Database,
  schema: string,
  known: readonly Migration[] = migrations,
): Promise<MigrationPlan> {
  const applied = await readApplied(database, schema)
  refuseTooNew(applied, known.length)
  return planOf(applied.count, schema, known)
}

function planOf(found: number, schema: string, known: readonly Migration[]): MigrationPlan {
  const pending = known.slice(found).map((migration, index) => {
    const text = migrationText(schema, found + index + 1, migration)
    return { name: migration.name, text: found + index === 0 ? `${beginningText(schema)}${text}` : text }
  })
  return { found, pending }
}

async function readApplied(from: Pick<Transaction, 'script'>, schema: string): Promise<Applied> {
  const table = `${quotedName(schema)}.migration`
  // Not `to_regclass`: it may answer out of this connection's cache, and miss what another node made while we waited.
  const [exists] = await from.script(
    `SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = '${schema.replaceAll("'", "''")}' AND tablename = 'migration')`,
  )
  if (exists?.[0] !== true) return { count: 0, needs: 0 }
  const [row] = await from.script(
    `SELECT coalesce(max(number), 0)::integer, coalesce(max(needs), 0)::integer FROM ${table}`,
  )
  return { count: row?.[0] as number, needs: row?.[1] as number }
}

function refuseTooNew({ count, needs }: Applied, known: number): void {
  if (needs <= known) return
  throw new StoreUnavailable(
    `the database was migrated for a later version (schema ${count}, which needs ${needs}; known ${known})`,
  )
}

function beginningText(schema: string): string {
  return inSchema(
    schema,
    `CREATE SCHEMA IF NOT EXISTS ${quotedName(schema)};
CREATE TABLE countersign.migration (
  number integer PRIMARY KEY, name text NOT NULL, needs integer NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());
`,
  )
}

function migrationText(schema: string, number: number, { name, needs, text }: Migration): string {
  const note = `INSERT INTO countersign.migration (number, name, needs) VALUES (${number}, '${name.replaceAll("'", "''")}', ${needs});\n`
  return inSchema(schema, `${text}${note}`)
}
