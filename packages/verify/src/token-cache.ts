/** What a cache needs to know of the things in it. */
export interface Cached {
  /** The whole token. */
  readonly token: string
  /** Rough size in memory. */
  readonly bytes: number
}

/** Tokens that were checked before, bounded by bytes. */
export interface TokenCache<Item extends Cached> {
  /** The item of exactly this token, or nothing. */
  get(token: string): Item | undefined
  set(item: Item): void
  delete(token: string): void
  readonly size: number
  readonly bytes: number
}

/**
 * Two generations: what is used moves to the young one, and when that is full, the old one is dropped as a whole. No
 * bookkeeping on a hit.
 *
 * The key is only the end of the token, since hashing a whole string fresh off the wire costs six times as much. Then
 * the *whole* token is compared: an end that two tokens share is a miss, never a mix-up (CVE-2026-35039).
 */
export function tokenCache<Item extends Cached>(bytesAtMost: number): TokenCache<Item> {
  const half = bytesAtMost / 2
  let young = new Map<number, Item>()
  let old = new Map<number, Item>()
  let youngBytes = 0
  let oldBytes = 0

  function keep(end: number, item: Item): void {
    if (item.bytes > half) return
    if (youngBytes + item.bytes > half) {
      old = young
      oldBytes = youngBytes
      young = new Map()
      youngBytes = 0
    }
    const before = young.get(end)
    if (before !== undefined) youngBytes -= before.bytes
    young.set(end, item)
    youngBytes += item.bytes
  }

  return {
    get(token) {
      const end = endOf(token)
      const item = young.get(end)
      if (item !== undefined) return item.token === token ? item : undefined
      const older = old.get(end)
      if (older === undefined || older.token !== token) return undefined
      old.delete(end)
      oldBytes -= older.bytes
      keep(end, older)
      return older
    },
    set: item => keep(endOf(item.token), item),
    delete(token) {
      const end = endOf(token)
      const item = young.get(end)
      if (item?.token === token && young.delete(end)) youngBytes -= item.bytes
      const older = old.get(end)
      if (older?.token === token && old.delete(end)) oldBytes -= older.bytes
    },
    get size() {
      return young.size + old.size
    },
    get bytes() {
      return youngBytes + oldBytes
    },
  }
}

/** A number made of the last ten letters. It lies in the map itself, where a text would be one more wait for main memory. */
function endOf(token: string): number {
  let end = 0
  for (let i = Math.max(0, token.length - 10); i < token.length; i++)
    end = (Math.imul(end, 31) + token.charCodeAt(i)) | 0
  return end
}
