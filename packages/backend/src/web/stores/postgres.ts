import { type Platform, systemPlatform } from '../../platform.ts'
import type { SessionStore } from '../session-store.ts'

/** As much of a `Pool` of `pg` as is used. */
export interface PostgresPool {
  query(
    text: string,
    values?: unknown[],
  ): Promise<{ readonly rows: readonly Record<string, unknown>[]; readonly rowCount: number | null }>
}

const table = `CREATE TABLE IF NOT EXISTS countersign_web_session (
  key text PRIMARY KEY, sealed text NOT NULL, ends_at bigint NOT NULL, version integer NOT NULL, session text
)`
/** A table of before has no such column. */
const column = 'ALTER TABLE countersign_web_session ADD COLUMN IF NOT EXISTS session text'
const sessionIndex = 'CREATE INDEX IF NOT EXISTS countersign_web_session_of ON countersign_web_session (session)'
const endIndex = 'CREATE INDEX IF NOT EXISTS countersign_web_session_end ON countersign_web_session (ends_at)'
/**
 * Many processes start at once, and two that make one table disturb each other. Any number will do. Anybody who may connect could hold it, so it is not waited for in the end: of two
 * that go on, one finds the table made by the other.
 */
const lock = `DO $$ BEGIN
    PERFORM pg_advisory_xact_lock(20261129);
  EXCEPTION WHEN lock_not_available THEN NULL;
  END $$`
/** A backup holds the table for as long as it runs, and whoever waits for it holds up all who read it: so not for long, and not often. */
const lockPatience = "SET LOCAL lock_timeout = '150ms'"
const pauseMs = 30_000
const lockNotAvailable = '55P03'
/** To make what is there already would take the table from everybody for a moment. */
const isMade = `SELECT (SELECT count(*) FROM pg_index WHERE indrelid = made.id) >= 3
    AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = made.id AND attname = 'session') AS made
  FROM (SELECT to_regclass('countersign_web_session') AS id) made`

/** Sessions in a table `countersign_web_session` of your PostgreSQL database; made at the first use if it is not there. */
export function createPostgresSessions(
  pool: PostgresPool,
  { monotonicMilliseconds }: Pick<Platform, 'monotonicMilliseconds'> = systemPlatform,
): SessionStore {
  let making: Promise<void> | undefined
  /** Why the table could not be had, and until when it is not asked for again. */
  let heldUp: { readonly error: unknown; readonly until: number } | undefined

  async function isThere(): Promise<boolean> {
    const { rows } = await pool.query(isMade)
    return rows[0]?.made === true
  }

  async function make(): Promise<void> {
    if (await isThere()) return
    if (heldUp && monotonicMilliseconds() < heldUp.until) throw heldUp.error
    try {
      // One text without values is one transaction.
      await pool.query(`${lockPatience}; ${lock}; ${table}; ${column}; ${endIndex}; ${sessionIndex}`)
    } catch (error) {
      // Another may have been first.
      if (await isThere()) return
      if ((error as { readonly code?: unknown }).code === lockNotAvailable)
        heldUp = { error, until: monotonicMilliseconds() + pauseMs }
      throw error
    }
  }

  /** A failure is not kept: the next one looks again. */
  async function whenMade(): Promise<void> {
    making ??= make().catch((error: unknown) => {
      making = undefined
      throw error
    })
    await making
  }

  return {
    async load(key, now) {
      await whenMade()
      const text =
        'SELECT sealed, ends_at, version, session FROM countersign_web_session WHERE key = $1 AND ends_at > $2'
      const { rows } = await pool.query(text, [key, now])
      const [row] = rows
      return (
        row && {
          sealed: String(row.sealed),
          endsAt: Number(row.ends_at),
          version: Number(row.version),
          session: row.session as string | null,
        }
      )
    },
    async save(key, { sealed, endsAt, session }, before, now) {
      await whenMade()
      if (before > 0) {
        const text =
          'UPDATE countersign_web_session SET sealed = $1, ends_at = $2, version = version + 1 WHERE key = $3 AND version = $4'
        return (await pool.query(text, [sealed, endsAt, key, before])).rowCount === 1
      }
      await pool.query('DELETE FROM countersign_web_session WHERE ends_at <= $1', [now])
      const text =
        'INSERT INTO countersign_web_session (key, sealed, ends_at, version, session) VALUES ($1, $2, $3, 1, $4) ON CONFLICT DO NOTHING'
      return (await pool.query(text, [key, sealed, endsAt, session])).rowCount === 1
    },
    async remove(key) {
      await whenMade()
      await pool.query('DELETE FROM countersign_web_session WHERE key = $1', [key])
    },
    async removeOf(session) {
      await whenMade()
      await pool.query('DELETE FROM countersign_web_session WHERE session = $1', [session])
    },
  }
}
