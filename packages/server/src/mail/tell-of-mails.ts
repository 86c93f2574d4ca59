import type { Store } from '@countersign/store'

/** The same store; whoever sends mails is told of each that this node has committed, so that it goes out at once. */
export function tellOfMails(store: Store, tell: () => void): Store {
  return {
    ...store,
    async commit(change) {
      const outcome = await store.commit(change)
      if (outcome === 'committed' && change.writes.some(({ table, row }) => table === 'mail' && row.version === 0))
        tell()
      return outcome
    },
  }
}
