import type { Store } from '@countersign/store'
import type { Engine } from '@countersign/store/contract-suite'
import { becomesSo } from '@countersign/store/given'
import { type Lane, openLane } from '../lane.ts'
import { tellCommits } from '../tell-commits.ts'
import { type Trouble, troubleOf } from './trouble.ts'
import type { ValkeyServer } from './valkey-server.ts'

/** An engine for the contract suite, beside a server that gets into trouble while tests run. */
export interface TroubledEngine extends Engine {
  /** Before all tests. */
  readonly begin: (server: ValkeyServer) => Promise<void>
  /** After all of them. Answers with how often everything has happened to the server, and how often it was found gone, and back. */
  readonly end: () => Promise<{ rounds: number; gone: number; back: number }>
}

/** The next thing happens to the server in each test, while the first commit is under way. */
export function besideTrouble(engine: Engine): TroubledEngine {
  const found = { gone: 0, back: 0 }
  let lane: Lane
  let trouble: Trouble
  return {
    reopens: engine.reopens,
    hints: true,
    async begin(server) {
      const onChange = (isThere: boolean): void => void found[isThere ? 'back' : 'gone']++
      lane = openLane({ url: server.url, patienceMs: 50, restMs: 20, onChange })
      trouble = troubleOf(server, lane)
      await becomesSo(lane.isThere)
    },
    async end() {
      const rounds = await trouble.end()
      await lane.close()
      return { rounds, ...found }
    },
    async open(options) {
      const opened = await engine.open(options)
      let deed: Promise<void> | undefined
      const troubled = (store: Store): Store =>
        tellCommits(
          {
            ...store,
            commit(change) {
              const outcome = store.commit(change)
              deed ??= trouble.next()
              return outcome
            },
          },
          lane,
        )
      return {
        store: troubled(opened.store),
        reopen: async () => troubled(await opened.reopen()),
        async discard() {
          await (deed ?? trouble.next())
          await opened.discard()
        },
      }
    },
  }
}
