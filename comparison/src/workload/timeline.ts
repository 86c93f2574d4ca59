/** What is to happen at which time. Time stands still while things happen, and then jumps to the next of them. */
export interface Timeline {
  /** Milliseconds since the beginning. */
  readonly now: () => number
  /** `after` milliseconds from now. */
  in(after: number, action: () => Promise<void>): void
  /** Until nothing is left to do. */
  run(): Promise<void>
}

/** So many actions of one moment are under way at once. */
const atOnce = 16

export function createTimeline(advance: (milliseconds: number) => Promise<void>): Timeline {
  const moments = new Map<number, (() => Promise<void>)[]>()
  let now = 0
  return {
    now: () => now,
    in(after, action) {
      const actions = moments.get(now + after) ?? []
      moments.set(now + after, actions)
      actions.push(action)
    },
    async run() {
      while (moments.size > 0) {
        const next = Math.min(...moments.keys())
        if (next > now) await advance(next - now)
        now = next
        const actions = moments.get(next) ?? []
        moments.delete(next)
        const work = async (): Promise<void> => {
          for (let action = actions.shift(); action !== undefined; action = actions.shift()) await action()
        }
        await Promise.all(Array.from({ length: atOnce }, work))
      }
    },
  }
}
