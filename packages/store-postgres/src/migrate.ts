import { StoreUnavailable } from '@countersign/store'
import type { Database, Transaction } from './database.ts'
import { type Migration, migrations } from './migrations.ts'
import { refuseForeignOwners } from './owners.ts'
import { LockNotGiven, thereAlreadyState } from './postgres-failure.ts'
import { inSchema, lockNumber, quotedName, quotedText } from './statements.ts'
import { after } from './timers.ts'

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
 * How long a step waits for a table: whoever reads that table queues behind it meanwhile. Between two tries they get through. A backup holds its tables for as long
 * as it runs.
 */
const lockPatienceMs = 500
const triesAtMost = 4
const pauseMs = 500

/**
 * Brings the schema to this version, in one transaction under a lock: many nodes can start at once, one of them migrates. A schema
 * that a later version has written is refused only if it says that this version cannot work with it.
 */
export async function migrate(
  database: Database,
  schema: string,
  known: readonly Migration[] = migrations,
): Promise<MigrationPlan> {
  await refuseForeignOwners(database, schema)
  const before = await readApplied(database, schema)
  if (before.count >= known.length) {
    refuseTooNew(before, known.length)
    return planOf(before.count, schema, known)
  }
  for (let tries = 1; ; tries++) {
    try {
      return planOf(await migrateOnce(database, schema, known), schema, known)
    } catch (error) {
      const mayPass = error instanceof LockNotGiven || error instanceof AnotherWasFirst
      if (!mayPass) throw error
      if (tries === triesAtMost)
        throw error instanceof AnotherWasFirst ? error : new StoreUnavailable(await inUseText(database, schema))
    }
    await new Promise<void>(resolve => after(pauseMs, resolve))
  }
}

/** Answers with how many steps were there before. */
async function migrateOnce(database: Database, schema: string, known: readonly Migration[]): Promise<number> {
  const found = await database.transaction('BEGIN', async transaction => {
    await transaction.script(`${waitForOthersText(schema)}; SET LOCAL lock_timeout = ${lockPatienceMs}`)
    // Read again: another node may have been first.
    const { count } = await readApplied(transaction, schema)
    if (count === 0) await run(transaction, beginningText(schema))
    // Somebody may have made it since we looked.
    await refuseForeignOwners(transaction, schema)
    for (const [index, migration] of known.entries()) {
      if (index >= count) await run(transaction, migrationText(schema, index + 1, migration))
    }
    return { value: count }
  })
  return found ?? 0
}

/** What a step makes is there and was not when we looked: another, who was not waited for to the end, has committed it meanwhile. */
class AnotherWasFirst extends StoreUnavailable {}

/** A step takes as long as it takes, on however many rows: what it waits for is bounded by its locks. */
async function run(transaction: Transaction, text: string): Promise<void> {
  try {
    await transaction.longScript(`SET LOCAL statement_timeout = 0; ${text}`)
  } catch (error) {
    const state = thereAlreadyState(error)
    if (state === undefined) throw error
    throw new AnotherWasFirst(
      `the schema holds already what a step of the migration makes, and does not say that it has run (SQLSTATE ${state})`,
    )
  }
}

/**
 * One at a time, so that nobody does in vain what another has begun. It is no more than that: anybody who may connect could hold this lock, so it is not waited for in the
 * end, and of two that go on the second finds the tables or their numbers there, and takes all of its own back.
 */
function waitForOthersText(schema: string): string {
  return `DO $$ BEGIN
    PERFORM pg_advisory_xact_lock(${lockNumber(schema, 'migrate')});
  EXCEPTION WHEN lock_not_available THEN NULL;
  END $$`
}

/** Who holds tables of the schema: the longest first, and nodes last. Whose transactions began when, a role sees of itself alone, if it may not look at all (`pg_monitor`). */
async function inUseText(database: Database, schema: string): Promise<string> {
  const holders =
    await database.script(`SELECT DISTINCT a.application_name, a.pid, a.usename, a.application_name = 'countersign', a.xact_start
    FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE n.nspname = ${quotedText(schema)} AND l.granted AND a.datname = current_database() ORDER BY 4, 5 LIMIT 3`)
  const named = holders.map(([name, pid, role]) => `${name === '' ? 'somebody' : name} (process ${pid}, role ${role})`)
  const by = named.length === 0 ? '' : ` by ${named.join(', ')}`
  return `the tables are held${by} and cannot be migrated: try again once that has ended`
}

/** What `migrate` would run. Changes nothing. */
export async function planMigration(
  database: Database,
  schema: string,
  known: readonly Migration[] = migrations,
): Promise<MigrationPlan> {
  await refuseForeignOwners(database, schema)
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
    `SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = ${quotedText(schema)} AND tablename = 'migration')`,
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
  const note = `INSERT INTO countersign.migration (number, name, needs) VALUES (${number}, ${quotedText(name)}, ${needs});\n`
  return inSchema(schema, `${text}${note}`)
}
