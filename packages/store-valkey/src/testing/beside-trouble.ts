import type { Store } from '@countersign/store'
import type { Engine } from '@countersign/store/contract-suite'
import { becomesSo } from '@countersign/store/given'
import { type Lane, openLane } from '../lane.ts'
import { tellCommits } from '../tell-commits.ts'
import type { ValkeyServer } from './valkey-server.ts'

/** An engine for the contract suite, beside a server that gets into trouble while tests run. */
export interface TroubledEngine extends Engine {
  /** Before all tests. */
  readonly begin: (server: ValkeyServer) => Promise<void>
  /**
   * After all of them; the server is there again. Answers with how often everything was done to it, and how often it was found gone, and back: twice each time
   * at least, since one pause lasts until it is given up, and then it is killed.
   */
  readonly end: () => Promise<{ rounds: number; gone: number; back: number }>
}

/**
 * Something happens to the server in each test, while the first commit is under way: it is emptied, paused, resumed, cut off, killed, started, and so on from
 * the beginning.
 */
export function besideTrouble(engine: Engine): TroubledEngine {
  const found = { gone: 0, back: 0 }
  let lane: Lane
  let deeds: readonly (() => void | Promise<void>)[] = []
  let done = 0
  const next = async (): Promise<void> => deeds[done++ % deeds.length]?.()

  const isFound = (there: boolean): Promise<void> =>
    becomesSo(() => {
      lane.tell('nobody')
      return lane.isThere() === there
    })

  return {
    reopens: engine.reopens,
    hints: true,
    async begin(server) {
      const onChange = (isThere: boolean): void => void found[isThere ? 'back' : 'gone']++
      lane = openLane({ url: server.url, patienceMs: 50, restMs: 20, onChange })
      const { flush, pause, resume, cut, kill, start } = server
      async function pauseUntilGivenUp(): Promise<void> {
        pause()
        await isFound(false)
      }
      async function resumeUntilBack(): Promise<void> {
        resume()
        await isFound(true)
      }
      async function startUntilBack(): Promise<void> {
        await start()
        await isFound(true)
      }
      deeds = [flush, pause, resume, cut, flush, pauseUntilGivenUp, resumeUntilBack, kill, startUntilBack]
      await isFound(true)
    },
    async end() {
      while (done % deeds.length !== 0) await next()
      await lane.close()
      return { rounds: done / deeds.length, ...found }
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
              deed ??= next()
              return outcome
            },
          },
          lane,
        )
      return {
        store: troubled(opened.store),
        reopen: async () => troubled(await opened.reopen()),
        async discard() {
          await (deed ?? next())
          await opened.discard()
        },
      }
    },
  }
}
