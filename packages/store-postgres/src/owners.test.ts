import { randomUUID } from 'node:crypto'
import * as given from '@countersign/store/given'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openDatabase } from './database.ts'
import { migrate } from './migrate.ts'
import { migrations } from './migrations.ts'
import { migratePostgres, openPostgresStore } from './open-postgres-store.ts'
import { type Cluster, startCluster } from './testing/cluster.ts'
import { freshSchema, runSql } from './testing/schemas.ts'

let cluster: Cluster
let schema: string

const roles = ['nodes', 'neighbour', 'owner', 'landlord']
const urlAs = (role: string): string => `postgres://${role}@127.0.0.1:${cluster.port}/shared`
const sqlAs = (role: string, text: string) => runSql(urlAs(role), text)

beforeAll(async () => {
  cluster = await startCluster()
  for (const role of roles) await runSql(cluster.url, `CREATE ROLE ${role} LOGIN`)
  await runSql(cluster.url, 'CREATE DATABASE shared OWNER landlord')
  // Each application makes its own schema.
  await runSql(cluster.url, 'GRANT CREATE ON DATABASE shared TO nodes, neighbour, owner')
})
beforeEach(() => {
  schema = freshSchema()
})
afterAll(() => cluster.discard())

async function open(): Promise<void> {
  const store = await openPostgresStore({ ...given.storeOptions(given.clock()), url: urlAs('nodes'), schema })
  await given.user(store)
  await store.close()
}

const revocation = { kind: 'family', id: randomUUID(), until: 4_000_000_000 } as const

const belongsTo = (what: string, role: string) => ({
  name: 'StoreUnavailable',
  message: expect.stringContaining(`${what} belongs to the role ${role}`),
})

/** As somebody with more rights has run `countersign migrate` and lets the nodes work on it. */
async function migratedBy(role: string): Promise<void> {
  await migratePostgres({ url: urlAs(role), schema })
  await letNodesWork(role)
}

async function letNodesWork(role: string): Promise<void> {
  await sqlAs(
    role,
    `GRANT USAGE ON SCHEMA "${schema}" TO nodes; GRANT ALL ON ALL TABLES IN SCHEMA "${schema}" TO nodes`,
  )
}

/** Runs the first `count` steps, as an earlier version did. */
async function migratedUpTo(count: number, role: string): Promise<void> {
  const database = openDatabase({ url: urlAs(role), connections: 1, namedStatements: true, patienceMs: 5_000 })
  await migrate(database, schema, migrations.slice(0, count))
  await database.close()
}

test('a schema that another role has made ahead is not used, and nothing is written to it', async () => {
  await sqlAs('neighbour', `CREATE SCHEMA "${schema}"; GRANT ALL ON SCHEMA "${schema}" TO PUBLIC`)
  await expect(open()).rejects.toMatchObject(belongsTo(`the schema ${schema}`, 'neighbour'))
  await expect(migratePostgres({ url: urlAs('nodes'), schema }, true)).rejects.toMatchObject({
    name: 'StoreUnavailable',
  })
  expect(await sqlAs('neighbour', `SELECT tablename FROM pg_tables WHERE schemaname = '${schema}'`)).toEqual([])
})

test.each([
  ['table', 'family', 'TABLE'],
  ['function', 'number_committed', 'FUNCTION'],
])('a %s that another role owns is not used', async (_kind, name, kind) => {
  await open()
  await runSql(urlAs('postgres'), `ALTER ${kind} "${schema}".${name} OWNER TO neighbour`)
  await expect(open()).rejects.toMatchObject(belongsTo(`${name} in the schema ${schema}`, 'neighbour'))
})

test.each(['postgres', 'landlord'])(
  'what %s has migrated is used: a superuser, or the owner of the database',
  async role => {
    await migratedBy(role)
    await open()
  },
)

test('the role of which a superuser or the owner of the database has made the nodes members may own it', async () => {
  await migratedBy('owner')
  await expect(open()).rejects.toMatchObject(belongsTo(`the schema ${schema}`, 'owner'))
  await runSql(cluster.url, 'GRANT owner TO nodes')
  await open()
})

test('a role of which somebody else has made the nodes members may not', async () => {
  await runSql(cluster.url, 'CREATE ROLE team; GRANT team TO neighbour WITH ADMIN OPTION')
  await sqlAs('neighbour', `GRANT team TO nodes; CREATE SCHEMA "${schema}" AUTHORIZATION team`)
  await expect(open()).rejects.toMatchObject(belongsTo(`the schema ${schema}`, 'team'))
})

test.each(['postgres', 'landlord'])(
  'a table that %s adds in a later step is for those who were let work on the others before it: they go on revoking',
  async role => {
    await migratedUpTo(5, role)
    await letNodesWork(role)
    await migratePostgres({ url: urlAs(role), schema })
    const store = await openPostgresStore({ ...given.storeOptions(given.clock()), url: urlAs('nodes'), schema })
    expect(await store.commit(given.change([], { entries: [revocation] }))).toBe('committed')
    expect(await store.feed.snapshot()).toMatchObject({ number: 1 })
    await store.close()
  },
)

test('a step that somebody else has run with more rights, without taking the role of the nodes, takes nothing from them', async () => {
  await migratedUpTo(5, 'nodes')
  const { pending } = await migratePostgres({ url: urlAs('nodes'), schema }, true)
  await sqlAs('postgres', pending.map(({ text }) => text).join('\n'))
  await open()
})

test('a node that may not number what is committed does not start, and says so', async () => {
  await migratedBy('landlord')
  await sqlAs('landlord', `REVOKE ALL ON "${schema}".numbering FROM nodes`)
  await expect(open()).rejects.toMatchObject({
    name: 'StoreUnavailable',
    message: expect.stringMatching(/may not do what is needed \(SQLSTATE 42501\)/),
  })
})

test('a node that may not number any more says so at each look, and that it may again', async () => {
  await migratedBy('landlord')
  let look = (): void => expect.fail('it never looks')
  const looks: (string | undefined)[] = []
  let looked = Promise.withResolvers<void>()
  const store = await openPostgresStore({
    ...given.storeOptions(given.clock()),
    url: urlAs('nodes'),
    schema,
    listenUrl: null,
    every(_milliseconds, action) {
      look = action
      return () => {}
    },
    onLook(failure) {
      looks.push(failure?.message)
      looked.resolve()
    },
  })
  async function lookAgain(): Promise<void> {
    looked = Promise.withResolvers()
    look()
    await looked.promise
  }
  await sqlAs('landlord', `REVOKE ALL ON "${schema}".numbering FROM nodes`)
  expect(await store.commit(given.change([], { entries: [revocation] }))).toBe('committed')
  await lookAgain()
  await sqlAs('landlord', `GRANT ALL ON "${schema}".numbering TO nodes`)
  await lookAgain()
  expect(looks).toEqual([expect.stringMatching(/42501/), undefined])
  expect(await store.feed.snapshot()).toMatchObject({ number: 1 })
  await store.close()
})
