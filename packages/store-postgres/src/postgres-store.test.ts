import { storeContract } from '@countersign/store/contract-suite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openPostgresStore } from './open-postgres-store.ts'
import { type Cluster, startCluster } from './testing/cluster.ts'
import { emptySchema } from './testing/schemas.ts'

let cluster: Cluster

beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster.discard())

describe('the store on PostgreSQL', () => {
  storeContract(
    { describe, test, expect },
    {
      reopens: true,
      async open(options) {
        const open = () => openPostgresStore({ ...options, url: cluster.url })
        await emptySchema(cluster.url, 'countersign')
        let store = await open()
        return {
          store,
          async reopen() {
            await store.close()
            store = await open()
            return store
          },
          discard: () => store.close(),
        }
      },
    },
  )
})
