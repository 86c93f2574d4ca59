import { DatabaseSync, StatementSync } from 'node:sqlite'

/*
 * Loaded into a real server (`--import`): its database writes down its own history, in the same transactions. What is rolled
 * back or lost is not in it, what is committed is, also if the process dies a moment later. Nothing of the server's code is
 * changed: the triggers are temporary ones, of this process's connection alone.
 *
 * Times are the machine's monotonic clock in milliseconds: the same for all processes, and moved by nobody.
 */

/** Number of the change that is being written; 0: what is written stands alone. */
let job = 0
let jobs = 0

const id = (key: string, rest: string): string => `printf('%016x', ${key}) || lower(hex(${rest}))`
const epochs = `'epochs', json_object('all', NEW.epoch_all, 'user', NEW.epoch_user, 'client', NEW.epoch_client)`
const rows: Readonly<Record<string, string>> = {
  family: `'id', ${id('NEW.key', 'NEW.rest')}, 'session', printf('%016x', NEW.session), 'generation', NEW.generation,
    'rotatedAt', NEW.rotated_at, 'createdAt', NEW.created_at, 'jkt', hex(NEW.jkt), 'creditSpentAt', NEW.credit_spent_at,
    'endedAt', NEW.ended_at, ${epochs}`,
  session: `'id', ${id('NEW.key', 'NEW.rest')}, 'user', printf('%016x', NEW.user), 'endedAt', NEW.ended_at, ${epochs}`,
  user: `'id', ${id('NEW.key', 'NEW.rest')}, 'epoch', NEW.epoch`,
  issuer: `'body', json(NEW.body)`,
  key_ring: `'one', 1`,
  client: `'id', NEW.id`,
}

const triggers = [
  ...Object.entries(rows).flatMap(([table, columns]) =>
    ['INSERT', 'UPDATE'].map(
      event => `CREATE TEMP TRIGGER observe_${table}_${event} AFTER ${event} ON main.${table} BEGIN
        INSERT INTO observed (job, at, store_at, name, body) VALUES (observed_job(), observed_at(), observed_clock(), '${table}',
          json_object('version', NEW.version, ${columns}));
      END`,
    ),
  ),
  `CREATE TEMP TRIGGER observe_audit AFTER INSERT ON main.audit BEGIN
    INSERT INTO observed (job, at, store_at, name, body) VALUES (observed_job(), observed_at(), observed_clock(), 'audit', NEW.body);
  END`,
  `CREATE TEMP TRIGGER observe_entry AFTER INSERT ON main.entry BEGIN
    INSERT INTO observed (job, at, store_at, name, body) VALUES (observed_job(), observed_at(), observed_clock(), 'entry',
      json_object('kind', NEW.kind, 'id', NEW.id, 'below', NEW.below));
  END`,
]

const watched = new WeakSet<DatabaseSync>()
/** The connection that writes: it is prepared for before it begins. */
let writer: DatabaseSync | undefined

function watch(database: DatabaseSync): void {
  if (watched.has(database)) return
  watched.add(database)
  database.function('observed_job', () => `${process.pid}.${job}`)
  database.function('observed_at', () => Number(process.hrtime.bigint() / 1000n) / 1000)
  database.function('observed_clock', () => Date.now())
  database.exec(
    'CREATE TABLE IF NOT EXISTS observed (number INTEGER PRIMARY KEY, job TEXT, at REAL, store_at INTEGER, name TEXT, body TEXT)',
  )
  for (const trigger of triggers) database.exec(trigger)
}

const prepare = DatabaseSync.prototype.prepare
DatabaseSync.prototype.prepare = function (this: DatabaseSync, ...values: Parameters<typeof prepare>) {
  if (/^\s*INSERT INTO family/i.test(values[0])) writer = this
  return prepare.apply(this, values)
}

const run = StatementSync.prototype.run
StatementSync.prototype.run = function (this: StatementSync, ...values: Parameters<typeof run>) {
  const { sourceSQL } = this
  if (sourceSQL === 'BEGIN IMMEDIATE' && writer !== undefined) watch(writer)
  if (sourceSQL === 'SAVEPOINT job') job = ++jobs
  if (sourceSQL === 'RELEASE job') job = 0
  return run.apply(this, values)
} as typeof run
