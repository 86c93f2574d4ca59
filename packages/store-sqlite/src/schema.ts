import type { DatabaseSync } from 'node:sqlite'
import { type Client, webOrigins } from '@countersign/core'
import { StoreUnavailable } from '@countersign/store'

/*
 * Forward only: a migration that was released is never changed, the next one is added below. `PRAGMA user_version` says
 * how many have run.
 *
 * A rotation changes one row of `family` and no index: what is indexed never changes. References are the first eight
 * bytes of an id (columns.ts) or a client's number. Times are milliseconds; what usually equals its neighbour is NULL then.
 */
const migrations: readonly (string | ((database: DatabaseSync) => void))[] = [
  `
  CREATE TABLE issuer (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL, body TEXT NOT NULL);
  CREATE TABLE key_ring (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL, body TEXT NOT NULL);
  CREATE TABLE client (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, version INTEGER NOT NULL, body TEXT NOT NULL);
  CREATE TABLE user (
    key INTEGER PRIMARY KEY, rest BLOB NOT NULL, email TEXT, email_key TEXT UNIQUE, name TEXT, password_hash TEXT,
    disabled_at INTEGER, deleted_at INTEGER, created_at INTEGER NOT NULL, seal_salt BLOB, epoch INTEGER NOT NULL,
    version INTEGER NOT NULL);
  CREATE TABLE identity (
    connection TEXT NOT NULL, subject TEXT NOT NULL, user INTEGER NOT NULL, PRIMARY KEY (connection, subject)) WITHOUT ROWID;
  CREATE TABLE session (
    key INTEGER PRIMARY KEY, rest BLOB NOT NULL, user INTEGER NOT NULL, client INTEGER, created_at INTEGER NOT NULL,
    authenticated_at INTEGER, amr TEXT NOT NULL, device TEXT NOT NULL, ip TEXT NOT NULL, cookie_salt BLOB,
    absolute_end_at INTEGER NOT NULL, epoch_all INTEGER NOT NULL, epoch_user INTEGER, epoch_client INTEGER,
    epoch_grant INTEGER, ended_at INTEGER, end_reason INTEGER, version INTEGER NOT NULL);
  CREATE INDEX session_of_user ON session (user);
  CREATE TABLE family (
    key INTEGER PRIMARY KEY, rest BLOB NOT NULL, session INTEGER NOT NULL, client INTEGER NOT NULL, salt BLOB NOT NULL,
    generation INTEGER NOT NULL, rotated_at INTEGER NOT NULL, created_at INTEGER NOT NULL, absolute_end_at INTEGER NOT NULL,
    jkt BLOB, scope TEXT NOT NULL, audiences TEXT NOT NULL, epoch_all INTEGER NOT NULL, epoch_user INTEGER,
    epoch_client INTEGER, epoch_grant INTEGER, credit_spent_at INTEGER, flagged_at INTEGER, ended_at INTEGER,
    end_reason INTEGER, version INTEGER NOT NULL);
  CREATE INDEX family_of_session ON family (session);
  CREATE TABLE code (hash TEXT PRIMARY KEY, expires_at INTEGER NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
  CREATE INDEX code_by_expiry ON code (expires_at);
  CREATE TABLE entry (
    number INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, below INTEGER, at INTEGER, until INTEGER NOT NULL);
  CREATE INDEX entry_by_id ON entry (id);
  CREATE TABLE audit (number INTEGER PRIMARY KEY, body TEXT NOT NULL, hash BLOB NOT NULL);
  CREATE TABLE log_restart (one INTEGER PRIMARY KEY CHECK (one = 1), count INTEGER NOT NULL);
  INSERT INTO log_restart VALUES (1, 0);
  `,
  // Codes become one kind of what is short-lived; those of a minute before are not moved.
  `
  DROP TABLE code;
  CREATE TABLE short_lived (
    kind TEXT NOT NULL, hash TEXT NOT NULL, expires_at INTEGER NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (kind, hash)) WITHOUT ROWID;
  CREATE INDEX short_lived_by_expiry ON short_lived (expires_at);
  CREATE TABLE user_grant (
    user INTEGER NOT NULL, client INTEGER NOT NULL, scopes TEXT NOT NULL, audiences TEXT NOT NULL, created_at INTEGER NOT NULL,
    allowed_at INTEGER NOT NULL, withdrawn_at INTEGER, epoch INTEGER NOT NULL, version INTEGER NOT NULL,
    PRIMARY KEY (user, client)) WITHOUT ROWID;
  ALTER TABLE user ADD COLUMN email_verified_at INTEGER;
  ALTER TABLE user ADD COLUMN profile TEXT;
  ALTER TABLE family ADD COLUMN claims TEXT;
  `,
  `
  ALTER TABLE user ADD COLUMN first_identity TEXT;
  UPDATE user SET first_identity = json_array(i.connection, i.subject) FROM identity i WHERE i.user = user.key;
  `,
  // Clients that register themselves: many, some of them never used.
  `
  ALTER TABLE client ADD COLUMN origin TEXT NOT NULL DEFAULT 'declared';
  ALTER TABLE client ADD COLUMN expires_at INTEGER;
  CREATE INDEX client_by_origin ON client (origin, id);
  CREATE INDEX client_by_expiry ON client (expires_at) WHERE expires_at IS NOT NULL;
  CREATE TABLE client_web_origin (
    origin TEXT NOT NULL, client INTEGER NOT NULL, PRIMARY KEY (origin, client)) WITHOUT ROWID;
  CREATE INDEX web_origin_of_client ON client_web_origin (client);
  `,
  noteWebOrigins,
  `
  ALTER TABLE short_lived ADD COLUMN due_at INTEGER;
  CREATE INDEX short_lived_by_due ON short_lived (kind, due_at) WHERE due_at IS NOT NULL;
  `,
  'ALTER TABLE family ADD COLUMN authentication TEXT',
  // Identities that can be taken off a user again, and hold what their connection has told.
  `
  ALTER TABLE identity ADD COLUMN linked_at INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE identity ADD COLUMN unlinked_at INTEGER;
  ALTER TABLE identity ADD COLUMN told TEXT;
  ALTER TABLE identity ADD COLUMN sealed_tokens TEXT;
  ALTER TABLE identity ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
  UPDATE identity SET linked_at = u.created_at FROM user u WHERE u.key = identity.user;
  CREATE INDEX identity_of_user ON identity (user);
  `,
  'ALTER TABLE user ADD COLUMN rights TEXT',
  // Until then `flagged_at` was of leaks, too.
  'ALTER TABLE family ADD COLUMN leaked_at INTEGER',
]

function noteWebOrigins(database: DatabaseSync): void {
  const insert = database.prepare('INSERT OR IGNORE INTO client_web_origin (origin, client) VALUES (?, ?)')
  for (const { number, body } of database.prepare('SELECT number, body FROM client').all()) {
    const { disabled, redirectUris } = JSON.parse(body as string) as Client
    if (!disabled) for (const origin of webOrigins(redirectUris)) insert.run(origin, number as number)
  }
}

/** Brings the file to this version's schema (or an earlier one), in one transaction. Refuses a file that a later version has written. */
export function migrate(database: DatabaseSync, schema: number = migrations.length): void {
  const { user_version: found } = database.prepare('PRAGMA user_version').get() as { user_version: number }
  if (found === schema) return
  if (found > schema) {
    throw new StoreUnavailable(`the database was written by a later version (schema ${found}, known ${schema})`)
  }
  database.exec('BEGIN IMMEDIATE')
  try {
    for (const migration of migrations.slice(found, schema)) {
      if (typeof migration === 'string') database.exec(migration)
      else migration(database)
    }
    database.exec(`PRAGMA user_version = ${schema}`)
    database.exec('COMMIT')
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}
