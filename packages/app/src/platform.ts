/** Two clocks, because each of them lies at times: one is set by people, the other may stop while the device sleeps. */
export interface Clock {
  /** Milliseconds since 1970, as the device believes. */
  now(): number
  /** Milliseconds since some moment; never goes back. */
  monotonic(): number
}

export interface Timers {
  /** Calls `action` once, after at least `delay` milliseconds. */
  set(action: () => void, delay: number): unknown
  clear(timer: unknown): void
}

/** The part of the Web Locks API that is used. */
export interface Locks {
  request<T>(name: string, options: { signal: AbortSignal }, section: () => Promise<T>): Promise<T>
}

/** Everything from outside, so that the same code runs in a browser, in a test and in a simulation. */
export interface Platform {
  readonly fetch: typeof fetch
  readonly clock: Clock
  readonly timers: Timers
  readonly randomBytes: (length: number) => Uint8Array
  readonly subtle: SubtleCrypto
  /** Absent: the critical section runs unlocked, which costs work and nothing else. */
  readonly locks?: Locks | undefined
  /** Calls `wake` when the page is back: visible, shown from the cache, online (unless hidden). Returns the end of it. */
  readonly wakeUps: (wake: () => void) => () => void
}

/** The browser's own. What it lacks (locks, WebCrypto on an insecure page) stays undefined. */
export function browserPlatform(): Platform {
  return {
    fetch: (input, init) => globalThis.fetch(input, init),
    clock: { now: () => Date.now(), monotonic: () => performance.now() },
    timers: {
      set: (action, delay) => setTimeout(action, delay),
      clear: timer => clearTimeout(timer as number),
    },
    randomBytes: length => crypto.getRandomValues(new Uint8Array(length)),
    subtle: crypto.subtle,
    locks: globalThis.navigator?.locks as Locks | undefined,
    wakeUps: wake => {
      const end = new AbortController()
      const { signal } = end
      for (const name of ['online', 'pageshow', 'visibilitychange']) {
        globalThis.window?.addEventListener(name, () => document.hidden || wake(), { signal })
      }
      return () => end.abort()
    },
  }
}

/** Settles like `work`, or rejects after `limit` milliseconds: nothing that is awaited here may hang for ever. */
export function within<T>({ timers }: Platform, limit: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = timers.set(() => reject(Error('timed out')), limit)
    work.then(resolve, reject).finally(() => timers.clear(timer))
  })
}

/**
 * Runs `section` under the named lock. A holder that never lets go (frozen, in the back-forward cache) costs
 * `patience` milliseconds, then the section runs without: the server decides what is right, the lock only saves work.
 */
export async function underLock<T>(
  { locks, timers }: Platform,
  name: string,
  patience: number,
  section: () => Promise<T>,
): Promise<T> {
  let running: Promise<T> | undefined
  const run = () => {
    running ??= section()
    return running
  }
  if (!locks) return run()
  const queue = new AbortController()
  const waiting = new Promise<void>(resolve => {
    const timer = timers.set(() => {
      queue.abort()
      resolve()
    }, patience)
    locks
      .request(name, { signal: queue.signal }, () => {
        timers.clear(timer)
        const result = queue.signal.aborted ? Promise.resolve() : run()
        resolve()
        return result as Promise<unknown>
      })
      .catch(() => {
        timers.clear(timer)
        resolve()
      })
  })
  await waiting
  return run()
}
