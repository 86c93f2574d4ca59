/**
 * Runs a few at a time, lets a few wait, refuses the rest: a flood of logins must not make every login slow. Whose turn it
 * is goes round by `from` (an address): who sends a hundred waits behind himself, and nobody else behind him.
 */
export interface BoundedQueue {
  /**
   * Throws what `full` makes when the queue is closed, or too many wait, or too long. When it is full, one who has none or few in it takes
   * the place of the newest of him who has most, and that one is refused. `milliseconds`: what the work takes, about; how much longer or shorter it takes here and now is
   * learnt from what was done last. Who waits is refused, too, once it shows that they would wait twice as long as anybody may.
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
  /** How long the last one may have to wait, about; twice as long where work takes much longer than was reckoned. Default: as long as it takes. */
  readonly waitingMilliseconds?: number
  /** Milliseconds of a clock that nobody sets. */
  readonly now?: () => number
  /** @param milliseconds how long all that is there takes, about. */
  readonly full: (milliseconds: number) => Error
}

interface Waiting {
  readonly milliseconds: number
  readonly start: () => void
  readonly refuse: () => void
}

/** Of how many works, about, it is remembered what they took. */
const worksRemembered = 4

export function createBoundedQueue(limits: QueueLimits): BoundedQueue {
  const { waitingMilliseconds = Number.POSITIVE_INFINITY, now = () => performance.now() } = limits
  /** By `from`, in the order of their turns. No list is empty. */
  const lines = new Map<string, Waiting[]>()
  const drained: (() => void)[] = []
  let waiting = 0
  let running = 0
  /** The work of all that wait, and of all that run. */
  let workWaiting = 0
  let workRunning = 0
  /** How many times longer than was reckoned work takes. */
  let pace = 1
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
    return limits.full(millisecondsOf(workRunning + workWaiting))
  }

  function millisecondsOf(work: number): number {
    return (work * pace) / limits.concurrent
  }

  /** As long as it takes where it takes what was reckoned, and half as long as it takes where that is too little by far. */
  function waitFor(work: number): number {
    return (work / limits.concurrent) * Math.max(1, pace / 2)
  }

  function learn(reckoned: number, took: number): void {
    if (reckoned === 0) return
    pace += (took / reckoned - pace) / worksRemembered
    while (waiting > 1 && waitFor(workWaiting) > 2 * waitingMilliseconds) refuseNewestOf(longestLine())
  }

  /** One may always wait, however long it takes. */
  function hasPlaceFor(milliseconds: number): boolean {
    if (waiting >= limits.waiting) return false
    return waiting === 0 || waitFor(workWaiting + milliseconds) <= waitingMilliseconds
  }

  function makePlace(from: string, milliseconds: number): boolean {
    while (!hasPlaceFor(milliseconds)) if (!displace(from)) return false
    return true
  }

  /** Makes a place for `from`, if somebody has at least two more than he. */
  function displace(from: string): boolean {
    const longest = longestLine()
    if (lengthOf(longest) < lengthOf(from) + 2) return false
    refuseNewestOf(longest)
    return true
  }

  function refuseNewestOf(from: string): void {
    const line = lines.get(from)
    const last = line?.pop()
    if (line?.length === 0) lines.delete(from)
    leaveLine(last)
    last?.refuse()
  }

  /** Of several, the one whose turn comes last. */
  function longestLine(): string {
    let longest = ''
    for (const from of lines.keys()) if (lengthOf(from) >= lengthOf(longest)) longest = from
    return longest
  }

  function lengthOf(from: string): number {
    return lines.get(from)?.length ?? 0
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
      const startedAt = now()
      try {
        return await work()
      } finally {
        workRunning -= milliseconds
        learn(milliseconds, now() - startedAt)
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
