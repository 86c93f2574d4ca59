import type { Store, StoreOptions } from '@countersign/store'
import { openPostgresStore } from '@countersign/store-postgres'
import { type Cluster, startCluster } from '@countersign/store-postgres/testing/cluster'
import { afterAll, afterEach, beforeAll, describe } from 'vitest'
import { closeGiven } from '../packages/server/src/testing/given.ts'
import { racesOfCodes } from '../packages/server/src/testing/races-of-codes.ts'
import { racesOfSingleUse } from '../packages/server/src/testing/races-of-single-use.ts'

let cluster: Cluster
let schemas = 0

beforeAll(async () => {
  cluster = await startCluster({ settings: ['fsync=off'] })
})
afterEach(closeGiven)
afterAll(() => cluster.discard())

/** What is decided in memory is decided by rows here, between nodes by them alone. */
describe('on PostgreSQL', () => {
  const open = (options: StoreOptions): Promise<Store> =>
    openPostgresStore({ ...options, url: cluster.url, schema: `races_${++schemas}` })
  racesOfSingleUse(open)
  racesOfCodes(open)
})
