/** What was set last, by key. */
export interface RecentMap<V> {
  get(key: string): V | undefined
  set(key: string, value: V): void
  delete(key: string): void
}

/**
 * A map of at most `keysAtMost` keys, which keeps at least the half of so many that were set last. Two generations: the older is dropped as a whole when the younger is full,
 * so that making room costs the same whatever is in it. (Deleting the oldest of one `Map` walks over all that was deleted before.)
 */
export function createRecentMap<V>(keysAtMost: number): RecentMap<V> {
  const keysOfOneGeneration = Math.max(1, Math.floor(keysAtMost / 2))
  let young = new Map<string, V>()
  let old = new Map<string, V>()

  return {
    get: key => young.get(key) ?? old.get(key),
    set(key, value) {
      if (young.size >= keysOfOneGeneration && !young.has(key)) {
        old = young
        young = new Map()
      }
      young.set(key, value)
    },
    delete(key) {
      young.delete(key)
      old.delete(key)
    },
  }
}
