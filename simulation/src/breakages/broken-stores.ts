import type { Change, Write } from '@countersign/core'
import { type Store, StoreUnavailable } from '@countersign/store'
import { epoch } from '../world/disk.ts'
import type { World } from '../world/world.ts'
import type { Breakage } from './breakage.ts'

/** The store's port with one thing changed. */
function commits(
  name: string,
  focus: Breakage['focus'],
  commit: (change: Change, store: Store, world: World) => Promise<'committed' | 'conflict'>,
): Breakage {
  return {
    name,
    focus,
    wrapStore: world => store => ({ ...store, feed: store.feed, commit: change => commit(change, store, world()) }),
  }
}

async function atCurrentVersion(world: World, write: Write): Promise<Write> {
  if (write.table !== 'family' || write.row.version === 0) return write
  const found = await world.disk.engine().loadFamily(write.row.id)
  return found ? { table: 'family', row: { ...write.row, version: found.family.version } } : write
}

export const brokenStores: readonly Breakage[] = [
  commits(
    'the version of a family is not checked',
    { troubles: ['rush', 'race', 'slowStore'], nodes: 2 },
    async (change, store, world) => {
      for (let tries = 0; tries < 10; tries++) {
        const writes = await Promise.all(change.writes.map(write => atCurrentVersion(world, write)))
        if ((await store.commit({ ...change, writes })) === 'committed') return 'committed'
      }
      return 'conflict'
    },
  ),
  commits('the audit row is written after the transaction', { troubles: ['user'] }, async (change, store) => {
    const outcome = await store.commit({ ...change, audit: [] })
    if (outcome === 'committed' && change.audit.length > 0) await store.commit({ ...change, writes: [], entries: [] })
    return outcome
  }),
  commits('an end does not wait for the disk', { troubles: ['user', 'operator', 'storeCrash'] }, (change, store) =>
    store.commit({ ...change, durable: false }),
  ),
  commits('an end tells the feed nothing', { troubles: ['user', 'operator'], apis: 1 }, (change, store) =>
    store.commit({ ...change, entries: change.entries.filter(({ kind }) => kind === 'key') }),
  ),
  commits('an epoch kills what is minted later', { troubles: ['user', 'operator'], apis: 1 }, (change, store) =>
    store.commit({
      ...change,
      entries: change.entries.map(entry => ('below' in entry ? { ...entry, below: entry.below + 1 } : entry)),
    }),
  ),
  commits('a change of the password rotates', { troubles: ['password'] }, (change, store) => {
    if (!change.audit.some(({ event }) => event === 'user.password_changed')) return store.commit(change)
    const writes = change.writes.map((write): Write => {
      if (write.table !== 'family') return write
      return { table: 'family', row: { ...write.row, generation: write.row.generation + 1, rotatedAt: change.time } }
    })
    return store.commit({ ...change, writes })
  }),
  {
    name: 'the clock is the node’s, not the store’s',
    focus: { troubles: ['nodeClock', 'weather'] },
    wrapStore: (world, node) => store => ({
      ...store,
      feed: store.feed,
      async loadFamily(id) {
        const found = await store.loadFamily(id)
        const { time, nodes } = world()
        return found && { ...found, now: epoch + Math.floor(time.now()) + (nodes[node]?.clockError ?? 0) }
      },
    }),
  },
  {
    name: 'a heartbeat is sent without a look at the store',
    focus: { troubles: ['storeCut', 'operator', 'user'], apis: 1, nodes: 2 },
    wrapStore: world => store => ({
      ...store,
      feed: {
        ...store.feed,
        incarnation: store.feed.incarnation,
        async after(number) {
          try {
            return await store.feed.after(number)
          } catch (error) {
            if (!(error instanceof StoreUnavailable)) throw error
            return { number, asOf: epoch + Math.floor(world().time.now()), entries: [] }
          }
        },
      },
    }),
  },
]
