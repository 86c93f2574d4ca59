/** Dice that fall the same way in every run with the same seed. */
export interface Dice {
  /** Uniform in [0, 1). */
  next(): number
  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number
  between(least: number, most: number): number
  chance(probability: number): boolean
  pick<T>(list: readonly T[]): T
  bytes(length: number): Buffer
  /** Dice of their own: how often they are thrown changes nothing elsewhere. */
  fork(label: string): Dice
}

/** Mulberry32, seeded by a hash of the seed and a label. */
export function createDice(seed: string): Dice {
  let state = hashOf(seed)
  const word = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  const next = (): number => word() / 4_294_967_296
  return {
    next,
    below: limit => Math.floor(next() * limit),
    between: (least, most) => least + next() * (most - least),
    chance: probability => next() < probability,
    pick: list => list[Math.floor(next() * list.length)] as (typeof list)[number],
    bytes(length) {
      const bytes = Buffer.alloc(length)
      for (let index = 0; index < length; index++) bytes[index] = word() & 0xff
      return bytes
    },
    fork: label => createDice(`${seed} ${label}`),
  }
}

/** FNV-1a, and a last stir. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  return hash ^ (hash >>> 13)
}
