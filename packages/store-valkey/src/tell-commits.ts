import type { Store } from '@countersign/store'
import type { Lane } from './lane.ts'

/**
 * The store, so that every node looks at its feed as soon as one has committed entries. A message says nothing but "look": what is true is read from the
 * store, which each node also does by itself. So a message may be lost, repeated, late or forged.
 */
export function tellCommits(store: Store, lane: Lane): Store {
  const { feed } = store
  // Of this history alone: several systems may share one server.
  const channel = `countersign ${feed.incarnation} feed`
  return {
    ...store,
    async commit(change) {
      const outcome = await store.commit(change)
      if (outcome === 'committed' && change.entries.length > 0) lane.tell(channel)
      return outcome
    },
    feed: {
      ...feed,
      subscribe(listener) {
        const stops = [feed.subscribe(listener), lane.hear(channel, listener)]
        return () => {
          for (const stop of stops) stop()
        }
      },
    },
  }
}
