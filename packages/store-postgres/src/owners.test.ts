import * as given from '@countersign/store/given'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
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

const belongsTo = (what: string, role: string) => ({
  name: 'StoreUnavailable',
  message: expect.stringContaining(`${what} belongs to the role ${role}`),
})

/** As somebody with more rights has run `countersign migrate` and lets the nodes work on it. */
async function migratedBy(role: string): Promise<void> {
  await migratePostgres({ url: urlAs(role), schema })
  await sqlAs(
    role,
    `GRANT USAGE ON SCHEMA "${schema}" TO nodes; GRANT ALL ON ALL TABLES IN SCHEMA "${schema}" TO nodes`,
  )
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
