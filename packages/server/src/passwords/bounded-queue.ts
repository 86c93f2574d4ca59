/**
 * Runs a few at a time, lets a few wait, refuses the rest: a flood of logins must not make every login slow. Whose turn it
 * is goes round by `from` (an address): who sends a hundred waits behind himself, and nobody else behind him.
 */
export interface BoundedQueue {
  /**
   * Throws what `full` makes when the queue is closed, or too many wait. When it is full, one who has none or few in it takes
   * the place of the newest of him who has most, and that one is refused.
   */
  run<T>(work: () => Promise<T>, from?: string): Promise<T>
  load(): QueueLoad
  /** Takes nothing new; resolves when what was taken is done. */
  close(): Promise<void>
}

export interface QueueLoad {
  readonly running: number
  readonly waiting: number
}

interface Waiting {
  readonly start: () => void
  readonly refuse: () => void
}

export function createBoundedQueue(limits: { concurrent: number; waiting: number; full: () => Error }): BoundedQueue {
  /** By `from`, in the order of their turns. No list is empty. */
  const lines = new Map<string, Waiting[]>()
  const drained: (() => void)[] = []
  let waiting = 0
  let running = 0
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
      waiting--
      return next
    }
    return undefined
  }

  /** Makes a place for `from`, if somebody has at least two more than he. */
  function displace(from: string): boolean {
    let longest: Waiting[] = []
    for (const line of lines.values()) if (line.length > longest.length) longest = line
    if (longest.length < (lines.get(from)?.length ?? 0) + 2) return false
    longest.pop()?.refuse()
    waiting--
    return true
  }

  function wait(from: string): Promise<void> {
    return new Promise((start, reject) => {
      const line = lines.get(from) ?? []
      line.push({ start, refuse: () => reject(limits.full()) })
      lines.set(from, line)
      waiting++
    })
  }

  return {
    async run(work, from = '') {
      if (closed) throw limits.full()
      if (running < limits.concurrent) running++
      else if (waiting < limits.waiting || displace(from)) await wait(from)
      else throw limits.full()
      try {
        return await work()
      } finally {
        leave()
      }
    },
    load: () => ({ running, waiting }),
    async close() {
      closed = true
      if (running > 0) await new Promise<void>(resolve => drained.push(resolve))
    },
  }
}
