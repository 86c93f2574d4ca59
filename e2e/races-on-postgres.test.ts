import { openPostgresStore } from '@countersign/store-postgres'
import { type Cluster, startCluster } from '@countersign/store-postgres/testing/cluster'
import { afterAll, afterEach, beforeAll, describe } from 'vitest'
import { closeGiven } from '../packages/server/src/testing/given.ts'
import { racesOfCodes } from '../packages/server/src/testing/races-of-codes.ts'

let cluster: Cluster
let schemas = 0

beforeAll(async () => {
  cluster = await startCluster({ settings: ['fsync=off'] })
})
afterEach(closeGiven)
afterAll(() => cluster.discard())

/** What is decided in memory is decided by rows here, between nodes by them alone. */
describe('on PostgreSQL', () =>
  racesOfCodes(options => openPostgresStore({ ...options, url: cluster.url, schema: `races_${++schemas}` })))
