import { storeContract } from '@countersign/store/contract-suite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Cluster, startCluster } from './testing/cluster.ts'
import { contractEngine } from './testing/contract-engine.ts'

let cluster: Cluster

beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster.discard())

describe('the store on PostgreSQL', () => {
  storeContract(
    { describe, test, expect },
    contractEngine(() => cluster),
  )
})
