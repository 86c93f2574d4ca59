import { becomesSo } from '@countersign/store/given'
import type { Lane } from '../lane.ts'
import type { ValkeyServer } from './valkey-server.ts'

/** What can happen to a server, step by step: it is emptied, paused, resumed, cut off, killed, started, and so on from the beginning. */
export interface Trouble {
  /** The next thing; at once, but for what is asked of the server. */
  readonly next: () => Promise<void>
  /**
   * The rest of them; the server is there again. Answers with how often all of it has happened. By then the lane has found the server gone, and back, twice
   * each time at least: one pause lasts until it is given up, and then it is killed.
   */
  readonly end: () => Promise<number>
}

/** `lane`: to the server, and there. By it is found whether the server is. */
export function troubleOf(server: ValkeyServer, lane: Lane): Trouble {
  const { flush, pause, resume, cut, kill, start } = server
  const isFound = (there: boolean): Promise<void> =>
    becomesSo(() => {
      lane.tell('nobody')
      return lane.isThere() === there
    })
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
  const deeds = [flush, pause, resume, cut, flush, pauseUntilGivenUp, resumeUntilBack, kill, startUntilBack]
  let done = 0
  const next = async (): Promise<void> => deeds[done++ % deeds.length]?.()
  return {
    next,
    async end() {
      while (done % deeds.length !== 0) await next()
      return done / deeds.length
    },
  }
}
