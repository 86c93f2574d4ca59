import type { Store } from '@countersign/store'
import * as given from '@countersign/store/given'
import { openPostgresStore, type PostgresStoreOptions } from '../open-postgres-store.ts'
import { freshSchema } from './schemas.ts'

/** Nodes on one database, with one clock, and how to end them all. */
export interface Nodes {
  readonly clock: given.TestClock
  readonly schema: string
  readonly open: (more?: Partial<PostgresStoreOptions>) => Promise<Store>
}

/** Runs `body` with nodes on a schema of their own, closed afterwards. */
export async function withNodes(url: string, body: (nodes: Nodes) => Promise<void>): Promise<void> {
  const clock = given.clock()
  const schema = freshSchema()
  const opened: Store[] = []
  const open: Nodes['open'] = async more => {
    const store = await openPostgresStore({ ...given.storeOptions(clock), url, schema, ...more })
    opened.push(store)
    return store
  }
  try {
    await body({ clock, schema, open })
  } finally {
    await Promise.all(opened.map(store => store.close()))
  }
}
