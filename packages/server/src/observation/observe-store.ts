import { type Store, StoreUnavailable } from '@countersign/store'
import type { Observer } from './observer.ts'

type Call = (...args: readonly unknown[]) => Promise<unknown>

/** The same store, whose commits and failures are told to an observer. */
export function observeStore(store: Store, observer: Observer): Store {
  const { feed } = store
  const commit: Store['commit'] = async change => {
    const began = performance.now()
    const outcome = await store.commit(change)
    observer.committed({ durable: change.durable, outcome, seconds: (performance.now() - began) / 1000 })
    return outcome
  }
  return {
    ...tellFailures({ ...store, commit }, observer),
    feed: { ...tellFailures(feed, observer), incarnation: feed.incarnation, subscribe: feed.subscribe },
  }
}

function tellFailures<Port extends object>(port: Port, observer: Observer): Port {
  const told = Object.entries(port).map(([operation, member]) => {
    if (typeof member !== 'function') return [operation, member]
    const tell = (error: unknown): never => {
      if (error instanceof StoreUnavailable) observer.storeFailed(operation)
      throw error
    }
    return [operation, (...args: readonly unknown[]) => (member as Call)(...args).catch(tell)]
  })
  return Object.fromEntries(told) as Port
}
