import { randomBytes } from 'node:crypto'
import { DatabaseSync, type StatementSync } from 'node:sqlite'

/** A rotation is a conditional update by integer primary key; a login is what must reach the disk before it is answered. */
export type Write =
  | { readonly kind: 'rotation'; readonly family: number }
  | { readonly kind: 'login'; readonly user: number }

export const seededFamilies = 100_000

/** Frames in the log after which a checkpoint is due: by default 64 MiB of 4 KiB pages. */
export const checkpointFrames: number = Number(process.env.CHECKPOINT_FRAMES ?? 16_384)

const tables = `
  CREATE TABLE family (
    id INTEGER PRIMARY KEY, public_id BLOB NOT NULL UNIQUE, salt BLOB NOT NULL, session INTEGER NOT NULL, client TEXT NOT NULL,
    generation INTEGER NOT NULL, version INTEGER NOT NULL, rotated_at INTEGER NOT NULL, ends_at INTEGER NOT NULL, scope TEXT NOT NULL);
  CREATE TABLE session (id INTEGER PRIMARY KEY, public_id BLOB NOT NULL UNIQUE, user INTEGER NOT NULL, created_at INTEGER NOT NULL, agent TEXT NOT NULL);
  CREATE INDEX session_of_user ON session (user);
  CREATE TABLE audit (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, session INTEGER NOT NULL, detail BLOB NOT NULL);
  CREATE TABLE checkpoint (id INTEGER PRIMARY KEY, count INTEGER NOT NULL);
  INSERT INTO checkpoint VALUES (1, 0)`

/** Makes the file that every run starts from: so many logins, checkpointed, closed. */
export function createSeededDatabase(path: string, families: number): void {
  const database = new DatabaseSync(path)
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF')
  database.exec(tables)
  const writer = prepareWrites(database)
  database.exec('BEGIN')
  for (let family = 1; family <= families; family++) writer.login(family)
  database.exec('COMMIT')
  database.close()
}

export interface Writer {
  readonly database: DatabaseSync
  /** All of them in one transaction. Throws if a rotation finds another version than it loaded. */
  readonly commit: (writes: readonly Write[]) => void
}

export function openWriter(path: string, synchronous: 'FULL' | 'NORMAL', autocheckpoint: number): Writer {
  const database = new DatabaseSync(path, { timeout: 5000 })
  database.exec(
    `PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous}; PRAGMA wal_autocheckpoint = ${autocheckpoint}`,
  )
  const prepared = prepareWrites(database)
  const begin = database.prepare('BEGIN IMMEDIATE')
  const commit = database.prepare('COMMIT')
  return {
    database,
    commit(writes) {
      begin.run()
      for (const write of writes) write.kind === 'rotation' ? prepared.rotate(write.family) : prepared.login(write.user)
      commit.run()
    },
  }
}

function prepareWrites(database: DatabaseSync): { rotate: (family: number) => void; login: (user: number) => void } {
  const load = database.prepare('SELECT generation, version, ends_at FROM family WHERE id = ?')
  const rotate = database.prepare(
    'UPDATE family SET generation = ?, version = ?, rotated_at = ? WHERE id = ? AND version = ?',
  )
  const session: StatementSync = database.prepare(
    'INSERT INTO session (public_id, user, created_at, agent) VALUES (?, ?, ?, ?)',
  )
  const family = database.prepare(
    'INSERT INTO family (public_id, salt, session, client, generation, version, rotated_at, ends_at, scope) VALUES (?, ?, ?, ?, 0, 1, ?, ?, ?)',
  )
  const audit = database.prepare('INSERT INTO audit (kind, session, detail) VALUES (?, ?, ?)')
  return {
    rotate(id) {
      const found = load.get(id) as { generation: number; version: number } | undefined
      if (!found) throw new Error('a seeded family is missing')
      const { changes } = rotate.run(found.generation + 1, found.version + 1, Date.now(), id, found.version)
      if (changes !== 1) throw new Error('two rotations met, though there is one writer')
    },
    login(user) {
      const now = Date.now()
      const { lastInsertRowid } = session.run(randomBytes(16), user, now, 'Firefox 150 on Linux')
      family.run(randomBytes(16), randomBytes(16), lastInsertRowid, 'demo', now, now + 1e10, 'account offline')
      audit.run('login', lastInsertRowid, randomBytes(96))
    },
  }
}

/** What a writer in its own thread answers: how many of the posted batches, in their order, are committed. */
export interface WriterReply {
  readonly committed: number
}
