import { DatabaseSync } from 'node:sqlite'
import {
  createMemorySessions,
  createPostgresSessions,
  createSqliteSessions,
  type PostgresPool,
  type SessionStore,
} from '@countersign/backend/web'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Cluster, startCluster } from '../packages/store-postgres/src/testing/cluster.ts'

/* What the token handler asks of a place for its logins, of each that it brings along. */

let cluster: Cluster
let pools: readonly [pg.Pool, pg.Pool]

beforeAll(async () => {
  cluster = await startCluster()
  const create = (): pg.Pool => new pg.Pool({ connectionString: cluster.url, max: 4 })
  pools = [create(), create()]
})

afterAll(async () => {
  for (const pool of pools) await pool.end()
  await cluster.discard()
})

const database = new DatabaseSync(':memory:')
const memory = createMemorySessions()
/** Two that share one place, as two processes do. */
const stores: Readonly<Record<string, () => readonly [SessionStore, SessionStore]>> = {
  memory: () => [memory, memory],
  SQLite: () => [createSqliteSessions(database), createSqliteSessions(database)],
  PostgreSQL: () => [createPostgresSessions(pools[0]), createPostgresSessions(pools[1])],
}

describe.each(Object.entries(stores))('sessions in %s', (_name, createStores) => {
  const now = 1_000_000
  const row = { sealed: 'x', endsAt: now + 10, session: null }

  test('are found by the other process, until they end', async () => {
    const [one, other] = createStores()
    expect(await one.load('a', now)).toBeUndefined()
    expect(await one.save('a', { ...row, sealed: 'first' }, 0, now)).toBe(true)
    expect(await other.load('a', now)).toEqual({ ...row, sealed: 'first', version: 1 })
    expect(await other.load('a', now + 10)).toBeUndefined()
  })

  test('of fifty that write over one version at once, one does', async () => {
    const [one, other] = createStores()
    const begun = await Promise.all(Array.from({ length: 50 }, () => one.save('b', row, 0, now)))
    expect(begun.filter(Boolean)).toHaveLength(1)
    const written = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        (index % 2 ? one : other).save('b', { ...row, sealed: `${index}` }, 1, now),
      ),
    )
    expect(written.filter(Boolean)).toHaveLength(1)
    const winner = written.indexOf(true)
    expect(await one.load('b', now)).toMatchObject({ sealed: `${winner}`, version: 2 })
  })

  test('that are removed are gone, and no late renewal brings them back', async () => {
    const [one, other] = createStores()
    await one.save('c', row, 0, now)
    await other.remove('c')
    expect(await one.save('c', { ...row, sealed: 'y' }, 1, now)).toBe(false)
    expect(await one.load('c', now)).toBeUndefined()
  })

  test('of one session at the issuer are removed together, and no others', async () => {
    const [one, other] = createStores()
    await one.save('f', { ...row, session: 's-1' }, 0, now)
    await other.save('g', { ...row, session: 's-1' }, 0, now)
    await one.save('h', { ...row, session: 's-2' }, 0, now)
    await one.removeOf('s-1')
    expect([await other.load('f', now), await other.load('g', now)]).toEqual([undefined, undefined])
    expect((await other.load('h', now))?.session).toBe('s-2')
    expect(await other.save('f', { ...row, session: 's-1' }, 1, now)).toBe(false)
  })

  test('that have ended are swept away by the next one that begins', async () => {
    const [one] = createStores()
    await one.save('d', row, 0, now)
    await one.save('e', { ...row, endsAt: now + 99 }, 0, now + 10)
    // At the time of before it would still be found.
    expect(await one.load('d', now)).toBeUndefined()
  })
})

test('a table of an earlier version goes on', async () => {
  const before = new DatabaseSync(':memory:')
  const columns = 'key TEXT PRIMARY KEY, sealed TEXT NOT NULL, ends_at INTEGER NOT NULL, version INTEGER NOT NULL'
  before.exec(`CREATE TABLE countersign_web_session (${columns}) STRICT, WITHOUT ROWID`)
  before.exec("INSERT INTO countersign_web_session VALUES ('a', 'old', 20, 3)")
  const store = createSqliteSessions(before)
  expect(await store.load('a', 1)).toEqual({ sealed: 'old', endsAt: 20, version: 3, session: null })
  expect(await store.save('b', { sealed: 'new', endsAt: 20, session: 's' }, 0, 1)).toBe(true)
})

describe('a back end that starts while somebody holds the table in PostgreSQL, as a backup does', () => {
  const now = 1_000_000
  const row = { sealed: 'sealed', endsAt: now + 10, session: null }

  async function whileHeld(act: () => Promise<void>): Promise<void> {
    const backup = await pools[0].connect()
    try {
      await backup.query('BEGIN; LOCK TABLE countersign_web_session IN ACCESS SHARE MODE')
      await act()
      // A connection that is only cut off may hold its locks for longer than the next one waits.
      await backup.query('ROLLBACK')
    } finally {
      backup.release(true)
    }
  }

  test('reads at once, and so do those that run', async () => {
    const running = createPostgresSessions(pools[0])
    await running.save('held', row, 0, now)
    await whileHeld(async () => {
      const starting = createPostgresSessions(pools[1]).load('held', now)
      expect((await starting)?.sealed).toBe('sealed')
      expect((await running.load('held', now))?.sealed).toBe('sealed')
    })
  })

  /** Starts anew on a table of before, and tells how often the table was asked for. */
  async function givenTableOfBefore(): Promise<{
    starting: SessionStore
    tries: () => number
    wait: (milliseconds: number) => void
  }> {
    await createPostgresSessions(pools[0]).save('before', row, 0, now)
    await pools[0].query('ALTER TABLE countersign_web_session DROP COLUMN session')
    const asked: string[] = []
    const query: PostgresPool['query'] = (text, values) => {
      asked.push(text)
      return pools[1].query(text, values)
    }
    let waited = 0
    const starting = createPostgresSessions({ query }, { monotonicMilliseconds: () => waited })
    return {
      starting,
      tries: () => asked.filter(text => text.includes('ALTER TABLE')).length,
      wait(milliseconds) {
        waited += milliseconds
      },
    }
  }

  const heldUp = { code: '55P03' }

  test('gives up if the table is one of before, tries no more for half a minute, and brings it up to date afterwards', async () => {
    const { starting, tries, wait } = await givenTableOfBefore()
    await whileHeld(async () => {
      await expect(starting.load('before', now)).rejects.toMatchObject(heldUp)
      const { rows } = await pools[0].query('SELECT count(*)::integer AS kept FROM countersign_web_session')
      expect(rows[0].kept).toBeGreaterThan(0)
      wait(29_999)
      await expect(starting.load('before', now)).rejects.toMatchObject(heldUp)
      await expect(starting.remove('before')).rejects.toMatchObject(heldUp)
      expect(tries()).toBe(1)
    })
    wait(1)
    expect((await starting.load('before', now))?.sealed).toBe('sealed')
    expect(tries()).toBe(2)
    await starting.removeOf('s-1')
  })

  test('goes on as soon as another has brought it up to date', async () => {
    const { starting, tries } = await givenTableOfBefore()
    await whileHeld(async () => {
      await expect(starting.load('before', now)).rejects.toMatchObject(heldUp)
    })
    await createPostgresSessions(pools[0]).load('before', now)
    expect((await starting.load('before', now))?.sealed).toBe('sealed')
    expect(tries()).toBe(1)
  })

  test('brings it up to date also while somebody holds the lock by which those who do so wait for each other', async () => {
    const { starting } = await givenTableOfBefore()
    const anybody = await pools[0].connect()
    try {
      await anybody.query('SELECT pg_advisory_lock(20261129)')
      expect((await starting.load('before', now))?.sealed).toBe('sealed')
    } finally {
      anybody.release(true)
    }
  })
})
