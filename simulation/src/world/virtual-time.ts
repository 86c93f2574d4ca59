/** Turns that are queued together; see `run`. */
const turnsAtOnce = 256

export interface Timer {
  readonly due: number
  readonly serial: number
  action: (() => void) | undefined
}

/**
 * Time that passes only when nothing is left to do. Everything that waits, waits here; between two moments all promises
 * are run to their end, so the order of events depends on the timers alone.
 */
export interface VirtualTime {
  /** Milliseconds since the run began. */
  now(): number
  after(milliseconds: number, action: () => void): Timer
  cancel(timer: Timer | undefined): void
  sleep(milliseconds: number): Promise<void>
  every(milliseconds: number, action: () => void): () => void
  /** Lets time pass until `end`. */
  run(end: number): Promise<void>
  /** How many timers have fired. */
  fired(): number
}

export function createVirtualTime(): VirtualTime {
  const heap: Timer[] = []
  let now = 0
  let serial = 0
  let fired = 0
  let stands = 0

  const after = (milliseconds: number, action: () => void): Timer => {
    // Sixteenths are exact in binary: sums of them never stand still for want of digits.
    const timer = { due: now + Math.ceil(Math.max(0, milliseconds) * 16) / 16, serial: serial++, action }
    push(heap, timer)
    return timer
  }
  const cancel = (timer: Timer | undefined): void => {
    if (timer !== undefined) timer.action = undefined
  }

  /** False if there is nothing left to do until `end`. */
  function fireNext(end: number): boolean {
    for (;;) {
      const first = heap[0]
      if (first === undefined || first.due > end) {
        now = end
        return false
      }
      pop(heap)
      const { action } = first
      if (action === undefined) continue
      stands = first.due > now ? 0 : stands + 1
      if (stands > 100_000) throw new Error('time stands still: a timer without delay sets itself again')
      now = Math.max(now, first.due)
      fired++
      action()
      return true
    }
  }

  return {
    now: () => now,
    after,
    cancel,
    sleep: milliseconds => new Promise(resolve => void after(milliseconds, resolve)),
    every(milliseconds, action) {
      let timer: Timer
      const again = (): void => {
        timer = after(milliseconds, () => {
          again()
          action()
        })
      }
      again()
      return () => cancel(timer)
    },
    /**
     * One timer a turn. What it sets off is run to its end before the next: promises and ticks come between two immediates. Many
     * turns are queued together, since between rounds of immediates the event loop asks the system for news, which takes
     * longer than most turns.
     */
    run(end) {
      return new Promise((resolve, reject) => {
        let over = false
        const turn = (): void => {
          if (over) return
          try {
            over = !fireNext(end)
            if (over) resolve()
          } catch (error) {
            over = true
            reject(error as Error)
          }
        }
        const round = (): void => {
          turn()
          if (over) return
          for (let turns = 1; turns < turnsAtOnce; turns++) setImmediate(turn)
          setImmediate(round)
        }
        setImmediate(round)
      })
    },
    fired: () => fired,
  }
}

function isBefore(one: Timer, other: Timer): boolean {
  return one.due < other.due || (one.due === other.due && one.serial < other.serial)
}

function push(heap: Timer[], timer: Timer): void {
  let index = heap.length
  heap.push(timer)
  while (index > 0) {
    const parent = (index - 1) >> 1
    const above = heap[parent] as Timer
    if (!isBefore(timer, above)) break
    heap[index] = above
    index = parent
  }
  heap[index] = timer
}

function pop(heap: Timer[]): void {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  let index = 0
  for (;;) {
    let child = 2 * index + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && isBefore(heap[child + 1] as Timer, heap[child] as Timer)) child++
    if (!isBefore(heap[child] as Timer, last)) break
    heap[index] = heap[child] as Timer
    index = child
  }
  heap[index] = last
}
