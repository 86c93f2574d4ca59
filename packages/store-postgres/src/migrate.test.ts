import { createHash } from 'node:crypto'
import * as given from '@countersign/store/given'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDatabase } from './database.ts'
import { migrate, planMigration } from './migrate.ts'
import { type Migration, migrations } from './migrations.ts'
import { migratePostgres, openPostgresStore } from './open-postgres-store.ts'
import { lockNumber } from './statements.ts'
import { type Cluster, startCluster } from './testing/cluster.ts'
import { freshSchema, runSql } from './testing/schemas.ts'
import { withNodes } from './testing/stores.ts'

let cluster: Cluster

beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster.discard())

const options = given.storeOptions(given.clock())

function poolOf(patienceMs = 5_000) {
  return openDatabase({ url: cluster.url, connections: 1, namedStatements: true, patienceMs })
}

const tablesOf = async (schema: string): Promise<number> =>
  (
    await runSql(cluster.url, `SELECT count(*)::integer FROM pg_tables WHERE schemaname = '${schema}'`)
  )[0]?.[0] as number

test('eight nodes that start at once on an empty database migrate it once, and have one history', async () => {
  const schema = freshSchema()
  const stores = await Promise.all(
    Array.from({ length: 8 }, (_, index) =>
      openPostgresStore({ ...options, seed: { incarnation: `${index}` }, url: cluster.url, schema, connections: 2 }),
    ),
  )
  expect(new Set(stores.map(({ feed }) => feed.incarnation)).size).toBe(1)
  const applied = await runSql(cluster.url, `SELECT number FROM "${schema}".migration ORDER BY number`)
  expect(applied.map(([number]) => number)).toEqual(migrations.map((_, index) => index + 1))
  await Promise.all(stores.map(store => store.close()))
})

test('what was released is what it was: a database that has a step never runs it again', () => {
  const fingerprints = migrations.map(({ text }) => createHash('sha256').update(text).digest('base64url').slice(0, 12))
  expect(fingerprints).toEqual([
    '8D2BvXK6qLGk',
    '46qGbS9iyQat',
    'v_cXfaBVPFWu',
    'df844R3cY2C5',
    '5dMJ2hlduDi8',
    'huC2sWY1rR_U',
  ])
})

test('a dry run changes nothing, and its script does what a migration does', async () => {
  const [dry, real] = [freshSchema(), freshSchema()]
  const plan = await migratePostgres({ url: cluster.url, schema: dry }, true)
  expect(plan.pending.map(({ name }) => name)).toEqual(migrations.map(({ name }) => name))
  expect(await tablesOf(dry)).toBe(0)
  await runSql(cluster.url, plan.pending.map(({ text }) => text).join('\n'))
  await migratePostgres({ url: cluster.url, schema: real })
  expect(await tablesOf(dry)).toBe(await tablesOf(real))
  for (const schema of [dry, real]) {
    expect((await migratePostgres({ url: cluster.url, schema }, true)).pending).toEqual([])
  }
  const store = await openPostgresStore({ ...options, url: cluster.url, schema: dry })
  await given.login(store)
  await store.close()
})

const added: Migration = { name: 'adds', needs: 1, text: 'CREATE TABLE countersign.added (one integer);' }
const wider: Migration = { name: 'wider', needs: 1, text: 'ALTER TABLE countersign.family ADD COLUMN more text;' }
const breaking: Migration = { name: 'breaks', needs: migrations.length + 2, text: 'DROP TABLE countersign.added;' }

test('a step that only adds runs ahead of a deploy: nodes that do not know it go on, and start', async () => {
  const [schema, database] = [freshSchema(), poolOf()]
  await migrate(database, schema, [...migrations, added])
  expect(await migrate(database, schema)).toMatchObject({ found: migrations.length + 1, pending: [] })
  const store = await openPostgresStore({ ...options, url: cluster.url, schema })
  await given.login(store)
  await store.close()
  await database.close()
})

test('a step that older nodes cannot live with keeps them from starting', async () => {
  const [schema, database] = [freshSchema(), poolOf()]
  await migrate(database, schema, [...migrations, added, breaking])
  const refused = {
    name: 'StoreUnavailable',
    message: expect.stringContaining(`needs ${migrations.length + 2}; known ${migrations.length}`),
  }
  await expect(migrate(database, schema)).rejects.toMatchObject(refused)
  await expect(planMigration(database, schema)).rejects.toMatchObject(refused)
  await expect(openPostgresStore({ ...options, url: cluster.url, schema })).rejects.toMatchObject(refused)
  await database.close()
})

test('a step that fails takes all of it back', async () => {
  const [schema, database] = [freshSchema(), poolOf()]
  const wrong: Migration = {
    name: 'wrong',
    needs: 1,
    text: 'CREATE TABLE countersign.half (one integer); SELECT nonsense;',
  }
  await expect(migrate(database, schema, [...migrations, wrong])).rejects.toMatchObject({ name: 'StoreUnavailable' })
  expect(await tablesOf(schema)).toBe(0)
  expect((await migrate(database, schema)).found).toBe(0)
  expect(await tablesOf(schema)).toBeGreaterThan(10)
  await database.close()
})

/** A session that has said `text`, until it ends. */
async function sessionThat(text: string, url = cluster.url): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: 'pg_dump' })
  await client.connect()
  await client.query(text)
  return client
}

test('a migration that has to wait for a backup lets those who read go on, says who holds the tables, and leaves nothing behind', async () => {
  await withNodes(cluster.url, async ({ open, schema }) => {
    // Whoever reads gives up after four fifths of it: three times what a step waits for, and less than a wait that would be felt.
    const serving = await open({ patienceMs: 2_000, listenUrl: null, every: () => () => {} })
    const { family } = await given.login(serving)
    const database = poolOf()
    const backup = await sessionThat(`BEGIN; LOCK TABLE "${schema}".family IN ACCESS SHARE MODE`)
    const { processID } = backup as unknown as { processID: number }
    try {
      const migrating = migrate(database, schema, [...migrations, wider])
      const ended = Promise.allSettled([migrating])
      let reads = 0
      for (let goesOn = true; goesOn; reads++) {
        expect((await serving.loadFamily(family.id))?.family).toEqual(family)
        goesOn = await Promise.race([ended.then(() => false), new Promise<boolean>(done => setImmediate(done, true))])
      }
      expect(reads).toBeGreaterThan(1)
      await expect(migrating).rejects.toMatchObject({
        name: 'StoreUnavailable',
        message: expect.stringContaining(`by pg_dump (process ${processID}, role postgres)`),
      })
    } finally {
      await backup.end()
    }
    expect((await migrate(database, schema, [...migrations, wider])).found).toBe(migrations.length)
    await database.close()
  })
})

test('another role of the database, which may do nothing but connect, keeps no node from migrating', async () => {
  const [schema, database] = [freshSchema(), poolOf(2_000)]
  await runSql(cluster.url, 'CREATE ROLE neighbour LOGIN')
  const lock = `SELECT pg_advisory_lock(${lockNumber(schema, 'migrate')})`
  const neighbour = await sessionThat(lock, cluster.url.replace('postgres@', 'neighbour@'))
  try {
    expect((await migrate(database, schema)).found).toBe(0)
    expect(await tablesOf(schema)).toBeGreaterThan(10)
  } finally {
    await neighbour.end()
    await database.close()
  }
})

test('a step may take longer than a statement of a node', async () => {
  const [schema, database] = [freshSchema(), poolOf(2_000)]
  await migrate(database, schema)
  const long: Migration = { name: 'long', needs: 1, text: 'SELECT pg_sleep(2.1);' }
  expect((await migrate(database, schema, [...migrations, long])).found).toBe(migrations.length)
  expect((await planMigration(database, schema, [...migrations, long])).pending).toEqual([])
  await database.close()
})

test.each([added, wider])(
  'whoever finds in the middle of a step ($name) that another was first goes on with what is there',
  async step => {
    const [schema, database] = [freshSchema(), poolOf()]
    await migrate(database, schema)
    const known = [...migrations, step]
    const { pending } = await planMigration(database, schema, known)
    const first = await sessionThat(`BEGIN; ${pending.map(({ text }) => text).join('')}`)
    const migrating = migrate(database, schema, known)
    try {
      const waits =
        "SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted AND a.application_name = 'countersign'"
      while ((await runSql(cluster.url, waits)).length === 0);
      await first.query('COMMIT')
      expect(await migrating).toEqual({ found: known.length, pending: [] })
    } finally {
      await first.end()
      await Promise.allSettled([migrating])
      await database.close()
    }
  },
)

test('what a step would make and nobody has noted as made is not taken for its work', async () => {
  const [schema, database] = [freshSchema(), poolOf()]
  await migrate(database, schema)
  await runSql(cluster.url, `CREATE TABLE "${schema}".added ()`)
  await expect(migrate(database, schema, [...migrations, added])).rejects.toMatchObject({
    name: 'StoreUnavailable',
    message: expect.stringMatching(/42P07/),
  })
  await database.close()
})

test.each([true, false])('a database that no node can work on is not migrated (as a dry run: %s)', async dryRun => {
  const name = `latin_${dryRun}`
  await runSql(cluster.url, `CREATE DATABASE ${name} TEMPLATE template0 ENCODING LATIN1 LOCALE 'C'`)
  const url = cluster.url.replace(/postgres$/, name)
  await expect(migratePostgres({ url, schema: freshSchema() }, dryRun)).rejects.toMatchObject({
    name: 'StoreUnavailable',
    message: 'the database must be in UTF8, not LATIN1',
  })
})
