import type { Store } from '@countersign/store'
import * as given from '@countersign/store/given'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Cluster, startCluster } from './testing/cluster.ts'
import { startPooler } from './testing/pooler.ts'
import { runSql } from './testing/schemas.ts'
import { withNodes } from './testing/stores.ts'

let cluster: Cluster

beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster.discard())

/** What is waited for a lock is less by a fifth: enough for a busy machine to tell the two. */
const patienceMs = 3_000

const lockNotGiven = { name: 'StoreUnavailable', message: expect.stringMatching(/did not give a lock in time/) }

/** Holds what `text` locks until `release`. */
async function holding(text: string): Promise<{ release: () => Promise<void> }> {
  const client = new pg.Client({ connectionString: cluster.url })
  await client.connect()
  await client.query(`BEGIN; ${text}`)
  return { release: () => client.end() }
}

async function connectionsOfNodes(): Promise<number> {
  const [row] = await runSql(
    cluster.url,
    "SELECT count(*)::integer FROM pg_stat_activity WHERE application_name = 'countersign'",
  )
  return row?.[0] as number
}

function rotateTo(store: Store, row: given.Login['family']): Promise<unknown> {
  return store.commit(given.change([{ table: 'family', row }], { durable: false }))
}

test('what waits for a lock is told so, keeps to the connections of its node, and is not done once the lock is free', async () => {
  await withNodes(cluster.url, async ({ open, schema }) => {
    const store = await open({ connections: 3, patienceMs, listenUrl: null, every: () => () => {} })
    const logins = await Promise.all(Array.from({ length: 6 }, () => given.login(store)))
    // As CREATE INDEX does, or LOCK, or an ALTER TABLE that itself waits behind a long report.
    const operator = await holding(`LOCK TABLE "${schema}".family IN SHARE MODE`)
    try {
      const [{ family }] = logins as [given.Login]
      const outcomes = await Promise.allSettled([
        ...logins.map(one => rotateTo(store, { ...one.family, generation: 7 })),
        store.commit(given.change([{ table: 'family', row: { ...family, scope: 'another' } }])),
      ])
      expect(outcomes).toMatchObject(outcomes.map(() => ({ reason: lockNotGiven })))
      expect(await connectionsOfNodes()).toBeLessThanOrEqual(3)
    } finally {
      await operator.release()
    }
    for (const { family } of logins) {
      expect((await store.loadFamily(family.id))?.family).toEqual(family)
      expect(await rotateTo(store, { ...family, generation: 7 })).toBe('committed')
    }
  })
})

test('behind a pooler that forgets what a connection has set, a transaction brings its limits along', async () => {
  const pooler = await startPooler(cluster, ['server_reset_query_always = 1'])
  try {
    await withNodes(cluster.url, async ({ open, schema }) => {
      const behind = { url: pooler.url, namedStatements: false, listenUrl: null, every: () => () => {} }
      const store = await open({ ...behind, patienceMs })
      const user = await given.user(store)
      const operator = await holding(`SELECT FROM "${schema}".user FOR UPDATE`)
      try {
        await expect(store.commit(given.change([{ table: 'user', row: user }]))).rejects.toMatchObject(lockNotGiven)
      } finally {
        await operator.release()
      }
      expect(await store.commit(given.change([{ table: 'user', row: user }]))).toBe('committed')
    })
  } finally {
    await pooler.close()
  }
})

test('while no synchronous standby is there, the limit of the nodes’ role leaves connections for others; what was answered 503 is done later', async () => {
  const sql = (text: string) => runSql(cluster.url, text)
  async function until(text: string): Promise<void> {
    while ((await sql(text))[0]?.[0] !== true);
  }
  await sql('CREATE ROLE nodes LOGIN CONNECTION LIMIT 3; GRANT CREATE ON DATABASE postgres TO nodes')
  const url = cluster.url.replace('postgres@', 'nodes@')
  await withNodes(url, async ({ open }) => {
    const quiet = { listenUrl: null, every: () => () => {}, connections: 1 }
    const patient = await open(quiet)
    const users = await Promise.all(Array.from({ length: 3 }, () => given.user(patient)))
    await patient.close()
    const store = await open({ ...quiet, patienceMs: 1_000 })
    await sql("ALTER SYSTEM SET synchronous_standby_names = 'away'")
    try {
      await sql('SELECT pg_reload_conf()')
      await until("SELECT current_setting('synchronous_standby_names') = 'away'")
      // The checkpointer is who tells all others of it.
      await sql('CHECKPOINT')
      const waiting = "FROM pg_stat_activity WHERE usename = 'nodes' AND wait_event = 'SyncRep'"
      for (const [index, user] of users.entries()) {
        const changed = given.change([{ table: 'user', row: { ...user, name: 'changed' } }])
        await expect(store.commit(changed)).rejects.toMatchObject({ message: 'the database did not answer in time' })
        await until(`SELECT count(*) = ${index + 1} ${waiting}`)
      }
      await expect(store.loadUser(users[0]?.id ?? '')).rejects.toMatchObject({
        message: expect.stringMatching(/53300/),
      })
    } finally {
      await sql('ALTER SYSTEM RESET synchronous_standby_names')
      await sql('SELECT pg_reload_conf()')
    }
    await until("SELECT count(*) = 0 FROM pg_stat_activity WHERE usename = 'nodes'")
    for (const { id } of users) expect((await store.loadUser(id))?.user).toMatchObject({ name: 'changed' })
  })
})
