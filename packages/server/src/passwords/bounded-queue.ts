/** Runs a few at a time, lets a few wait, refuses the rest: a flood of logins must not make every login slow. */
export interface BoundedQueue {
  /** Throws what `full` makes when too many wait, or the queue is closed. */
  run<T>(work: () => Promise<T>): Promise<T>
  /** Takes nothing new; resolves when what was taken is done. */
  close(): Promise<void>
}

export function createBoundedQueue(limits: { concurrent: number; waiting: number; full: () => Error }): BoundedQueue {
  const waiting: (() => void)[] = []
  const drained: (() => void)[] = []
  let running = 0
  let closed = false

  function leave(): void {
    const next = waiting.shift()
    // The place is handed over, so nobody who comes in between can take it.
    if (next !== undefined) next()
    else running--
    if (closed && running === 0) for (const resolve of drained) resolve()
  }

  return {
    async run(work) {
      if (closed) throw limits.full()
      if (running < limits.concurrent) running++
      else if (waiting.length < limits.waiting) await new Promise<void>(resolve => waiting.push(resolve))
      else throw limits.full()
      try {
        return await work()
      } finally {
        leave()
      }
    },
    async close() {
      closed = true
      if (running > 0) await new Promise<void>(resolve => drained.push(resolve))
    },
  }
}
