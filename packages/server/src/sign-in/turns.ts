/** Who would be in each other's way goes one after the other: on this node. Between nodes the rows' versions decide, and the loser tries again. */
export interface Turns {
  /**
   * Runs `work` when all that came before it under `key` is over, however it ended. `hasWaited`: something has happened meanwhile, so that what was loaded before
   * is old.
   */
  take<Result>(key: string, work: (hasWaited: boolean) => Promise<Result>): Promise<Result>
  /** Whether anybody's work under `key` is not over. */
  isTaken(key: string): boolean
}

export function createTurns(): Turns {
  /** The last one under each key; gone when it is over. */
  const last = new Map<string, Promise<unknown>>()
  return {
    take(key, work) {
      const before = last.get(key)
      const turn = before === undefined ? work(false) : before.then(() => work(true))
      const over = turn.catch(() => undefined)
      last.set(key, over)
      void over.then(() => last.get(key) === over && last.delete(key))
      return turn
    },
    isTaken: key => last.has(key),
  }
}
