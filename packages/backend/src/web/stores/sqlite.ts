import type { SessionStore, StoredSession } from '../session-store.ts'

/** As much of `DatabaseSync` of `node:sqlite` (Node 22.13 and later) as is used; `better-sqlite3` has the same. */
export interface SqliteDatabase {
  exec(sql: string): unknown
  prepare(sql: string): {
    get(...values: (string | number)[]): unknown
    run(...values: (string | number | null)[]): { readonly changes: number | bigint }
  }
}

/** Sessions in a table `countersign_web_session` of your SQLite database; made if it is not there. */
export function createSqliteSessions(database: SqliteDatabase): SessionStore {
  database.exec(`CREATE TABLE IF NOT EXISTS countersign_web_session (
    key TEXT PRIMARY KEY, sealed TEXT NOT NULL, ends_at INTEGER NOT NULL, version INTEGER NOT NULL, session TEXT
  ) STRICT, WITHOUT ROWID`)
  // A table of before has no such column.
  const column = database.prepare("SELECT 1 FROM pragma_table_info('countersign_web_session') WHERE name = 'session'")
  if (column.get() === undefined) database.exec('ALTER TABLE countersign_web_session ADD COLUMN session TEXT')
  database.exec('CREATE INDEX IF NOT EXISTS countersign_web_session_end ON countersign_web_session (ends_at)')
  database.exec('CREATE INDEX IF NOT EXISTS countersign_web_session_of ON countersign_web_session (session)')
  const load = database.prepare(
    'SELECT sealed, ends_at AS endsAt, version, session FROM countersign_web_session WHERE key = ? AND ends_at > ?',
  )
  const insert = database.prepare(
    'INSERT INTO countersign_web_session (key, sealed, ends_at, version, session) VALUES (?, ?, ?, 1, ?) ON CONFLICT DO NOTHING',
  )
  const update = database.prepare(
    'UPDATE countersign_web_session SET sealed = ?, ends_at = ?, version = version + 1 WHERE key = ? AND version = ?',
  )
  const remove = database.prepare('DELETE FROM countersign_web_session WHERE key = ?')
  const removeOf = database.prepare('DELETE FROM countersign_web_session WHERE session = ?')
  const sweep = database.prepare('DELETE FROM countersign_web_session WHERE ends_at <= ?')
  return {
    async load(key, now) {
      const found = load.get(key, now) as StoredSession | undefined
      return found && { ...found }
    },
    async save(key, { sealed, endsAt, session }, before, now) {
      if (before > 0) return Number(update.run(sealed, endsAt, key, before).changes) === 1
      sweep.run(now)
      return Number(insert.run(key, sealed, endsAt, session).changes) === 1
    },
    async remove(key) {
      remove.run(key)
    },
    async removeOf(session) {
      removeOf.run(session)
    },
  }
}
