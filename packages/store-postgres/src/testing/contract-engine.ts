import type { Engine } from '@countersign/store/contract-suite'
import pg from 'pg'
import { openPostgresStore } from '../open-postgres-store.ts'
import type { Cluster } from './cluster.ts'

/** For the contract suite: the schema of a server that is there by the first test, emptied before each. */
export function contractEngine(cluster: () => Cluster): Engine {
  let emptying: Promise<pg.Client> | undefined
  return {
    reopens: true,
    // A node hears its own messages, too, and now and then before it knows itself what they say.
    hints: true,
    async open(options) {
      const { url } = cluster()
      const open = () => openPostgresStore({ ...options, url })
      // Kept until the server ends: to connect takes longer than to empty.
      emptying ??= connect(url)
      await (await emptying).query(emptyText)
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
  }
}

/** All rows, if there are tables yet: quicker than to make them anew. */
const emptyText = `DO $$ DECLARE name text; BEGIN
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'countersign' AND tablename <> 'migration' LOOP
    EXECUTE format('DELETE FROM countersign.%I', name);
  END LOOP;
END $$`

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  return client
}
