import type { describe, ExpectStatic, test } from 'vitest'
import { clock, storeOptions, type TestClock } from '../given.ts'
import type { Store, StoreOptions } from '../store.ts'

/** The test runner's functions; handed in, so that the port itself depends on no runner. */
export interface TestApi {
  readonly describe: typeof describe
  readonly test: typeof test
  readonly expect: ExpectStatic
}

/** How an engine is opened for one test. */
export interface Engine {
  /** True if what was written outlives `close`. */
  readonly reopens: boolean
  /** True if listeners of the feed may also be called when there is nothing new: after messages that are hints. */
  readonly hints?: boolean
  /** Opens a store to which nothing was written yet. */
  readonly open: (options: StoreOptions) => Promise<OpenedEngine>
}

export interface OpenedEngine {
  readonly store: Store
  /** Closes the store and opens it again with what it holds. */
  readonly reopen: () => Promise<Store>
  /** Closes and deletes. */
  readonly discard: () => Promise<void>
}

/** What a test of the contract is given. */
export interface Opened extends OpenedEngine {
  readonly clock: TestClock
  /** The next call of `sealPersonal` throws: it runs in the middle of a transaction. */
  readonly interruptNextSeal: () => void
}

export interface Contract {
  readonly it: (sentence: string, body: (opened: Opened) => Promise<void>) => void
  readonly expect: ExpectStatic
  readonly hints: boolean
}

export const interruption = 'interrupted in the middle'

export function createContract(api: TestApi, engine: Engine): Contract {
  return {
    expect: api.expect,
    hints: engine.hints ?? false,
    it(sentence, body) {
      api.test(sentence, async () => {
        const testClock = clock()
        const options = storeOptions(testClock)
        let interrupt = false
        const sealPersonal: StoreOptions['sealPersonal'] = (personal, salt) => {
          if (interrupt) {
            interrupt = false
            throw new Error(interruption)
          }
          return options.sealPersonal(personal, salt)
        }
        const opened = await engine.open({ ...options, sealPersonal })
        const interruptNextSeal = (): void => {
          interrupt = true
        }
        try {
          await body({ ...opened, clock: testClock, interruptNextSeal })
        } finally {
          await opened.discard()
        }
      })
    },
  }
}

/** Runs `act` so many times at once. */
export function atOnce<T>(times: number, act: (index: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: times }, (_, index) => act(index)))
}
