import { type Client, hidesUser, type MacKey, sessionNameFor } from '@countersign/core'
import type { FeedEntry } from '@countersign/protocol'
import type { Store } from '@countersign/store'

/**
 * The store, so that the end of a session reaches every token of it: pairwise clients know it by names of their own (`sessionNameFor`), and each of these is entered
 * beside its id. In the same commit, whoever ends it: nobody who ends a session has to think of it, and none is forgotten. A client that joins at the same time
 * makes it a conflict (`openFamily`), and the end is decided again.
 */
export function nameHiddenLogins(store: Store, pairwiseKey: MacKey): Store {
  return {
    ...store,
    async commit(change) {
      const ends = change.entries.filter(({ kind }) => kind === 'session')
      if (ends.length === 0) return store.commit(change)
      const hidden = (await Promise.all(ends.map(end => namesOf(store, end, pairwiseKey)))).flat()
      return store.commit({ ...change, entries: [...change.entries, ...hidden] })
    },
  }
}

/** One entry for each client that lives in the session under another name. */
async function namesOf(store: Store, end: FeedEntry, pairwiseKey: MacKey): Promise<readonly FeedEntry[]> {
  const found = await store.loadSession(end.id)
  const living = found?.families.filter(({ endedAt }) => endedAt === null) ?? []
  const clients = await Promise.all(
    [...new Set(living.map(({ clientId }) => clientId))].map(async id => (await store.loadClient(id))?.client),
  )
  const hiding = clients.filter((client): client is Client => client !== undefined && hidesUser(client))
  return hiding.map(client => ({ ...end, id: sessionNameFor(client, end.id, pairwiseKey) }))
}
