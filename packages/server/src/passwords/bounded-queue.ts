/**
 * Runs a few at a time, lets a few wait, refuses the rest: a flood of logins must not make every login slow. Whose turn it
 * is goes round by `from` (an address): who sends a hundred waits behind himself, and nobody else behind him.
 */
export interface BoundedQueue {
  /**
   * Throws what `full` makes when the queue is closed, or too many wait, or too long. When it is full, one who has none or few in it takes
   * the place of the newest of him who has most, and that one is refused. `milliseconds`: what the work takes, about.
   */
  run<T>(work: () => Promise<T>, from?: string, milliseconds?: number): Promise<T>
  load(): QueueLoad
  /** Takes nothing new, and refuses what waits; resolves when what runs is done. */
  close(): Promise<void>
}

export interface QueueLoad {
  readonly running: number
  readonly waiting: number
}

export interface QueueLimits {
  readonly concurrent: number
  readonly waiting: number
  /** How long the last one may have to wait, about. Default: as long as it takes. */
  readonly waitingMilliseconds?: number
  /** @param milliseconds how long all that is there takes, about. */
  readonly full: (milliseconds: number) => Error
}

interface Waiting {
  readonly milliseconds: number
  readonly start: () => void
  readonly refuse: () => void
}

export function createBoundedQueue(limits: QueueLimits): BoundedQueue {
  const { waitingMilliseconds = Number.POSITIVE_INFINITY } = limits
  /** By `from`, in the order of their turns. No list is empty. */
  const lines = new Map<string, Waiting[]>()
  const drained: (() => void)[] = []
  let waiting = 0
  let running = 0
  /** The work of all that wait, and of all that run. */
  let workWaiting = 0
  let workRunning = 0
  let closed = false

  function leave(): void {
    const next = takeNext()
    // The place is handed over, so nobody who comes in between can take it.
    if (next !== undefined) next.start()
    else running--
    if (closed && running === 0) for (const resolve of drained) resolve()
  }

  function takeNext(): Waiting | undefined {
    for (const [from, line] of lines) {
      const next = line.shift()
      lines.delete(from)
      if (line.length > 0) lines.set(from, line)
      leaveLine(next)
      return next
    }
    return undefined
  }

  function leaveLine(one: Waiting | undefined): void {
    waiting--
    workWaiting -= one?.milliseconds ?? 0
  }

  function full(): Error {
    return limits.full((workRunning + workWaiting) / limits.concurrent)
  }

  /** One may always wait, however long it takes. */
  function hasPlaceFor(milliseconds: number): boolean {
    if (waiting >= limits.waiting) return false
    return waiting === 0 || (workWaiting + milliseconds) / limits.concurrent <= waitingMilliseconds
  }

  function makePlace(from: string, milliseconds: number): boolean {
    while (!hasPlaceFor(milliseconds)) if (!displace(from)) return false
    return true
  }

  /** Makes a place for `from`, if somebody has at least two more than he. */
  function displace(from: string): boolean {
    let longest: Waiting[] = []
    for (const line of lines.values()) if (line.length > longest.length) longest = line
    if (longest.length < (lines.get(from)?.length ?? 0) + 2) return false
    const last = longest.pop()
    leaveLine(last)
    last?.refuse()
    return true
  }

  function wait(from: string, milliseconds: number): Promise<void> {
    return new Promise((start, reject) => {
      const line = lines.get(from) ?? []
      line.push({ milliseconds, start, refuse: () => reject(full()) })
      lines.set(from, line)
      waiting++
      workWaiting += milliseconds
    })
  }

  return {
    async run(work, from = '', milliseconds = 0) {
      if (closed) throw full()
      if (running < limits.concurrent) running++
      else if (makePlace(from, milliseconds)) await wait(from, milliseconds)
      else throw full()
      workRunning += milliseconds
      try {
        return await work()
      } finally {
        workRunning -= milliseconds
        leave()
      }
    },
    load: () => ({ running, waiting }),
    async close() {
      closed = true
      for (let next = takeNext(); next !== undefined; next = takeNext()) next.refuse()
      if (running > 0) await new Promise<void>(resolve => drained.push(resolve))
    },
  }
}
