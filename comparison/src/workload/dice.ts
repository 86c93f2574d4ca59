/** Chance, the same for every server: a name is a row of throws. */
export interface Dice {
  /** From 0 to below 1. */
  next(): number
  chance(probability: number): boolean
  below(limit: number): number
  pick<T>(values: readonly [T, ...T[]]): T
}

export function createDice(name: string): Dice {
  let state = 2166136261
  for (const character of name) state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 16777619)
  const next = (): number => {
    // mulberry32
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
  const below = (limit: number): number => Math.floor(next() * limit)
  return {
    next,
    below,
    chance: probability => next() < probability,
    pick: values => values[below(values.length)] ?? values[0],
  }
}
