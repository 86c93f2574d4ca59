import type { Engine } from '@countersign/store/contract-suite'
import { becomesSo } from '@countersign/store/given'
import { type Lane, openLane } from '../lane.ts'
import { tellCommits } from '../tell-commits.ts'
import type { ValkeyServer } from './valkey-server.ts'

/** An engine for the contract suite, beside a server that gets into trouble while tests run. */
export interface TroubledEngine extends Engine {
  /** Before all tests. */
  readonly begin: (server: ValkeyServer) => Promise<void>
  /** After all of them; the server is there again. Answers with how often it was found gone, and back. */
  readonly end: () => Promise<{ gone: number; back: number }>
}

/** In the middle of each test something happens to the server: it is emptied, paused, resumed, cut off, killed, started, and so on from the
 * beginning. */
export function besideTrouble(engine: Engine): TroubledEngine {
  const found = { gone: 0, back: 0 }
  let lane: Lane
  let deeds: readonly (() => void | Promise<void>)[] = []
  let done = 0
  const next = async (): Promise<void> => deeds[done++ % deeds.length]?.()

  const isBack = (): Promise<void> => becomesSo(() => lane.isThere())

  return {
    reopens: engine.reopens,
    hints: true,
    async begin(server) {
      lane = openLane({ url: server.url, restMs: 20, onChange: isThere => found[isThere ? 'back' : 'gone']++ })
      const { flush, pause, resume, cut, kill, start } = server
      deeds = [flush, pause, resume, cut, flush, pause, resume, kill, () => start().then(isBack)]
      await isBack()
    },
    async end() {
      while (done % deeds.length !== 0) await next()
      await lane.close()
      return found
    },
    async open(options) {
      const opened = await engine.open(options)
      const deed = next()
      return {
        store: tellCommits(opened.store, lane),
        reopen: async () => tellCommits(await opened.reopen(), lane),
        async discard() {
          await deed
          await opened.discard()
        },
      }
    },
  }
}
