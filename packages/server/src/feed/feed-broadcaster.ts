import type { FeedEntry, FeedEvent, FeedPage } from '@countersign/protocol'
import type { FeedBatch, Store } from '@countersign/store'
import type { Log } from '../services.ts'

/** One reader of the event stream. */
export interface Follower {
  send(event: FeedEvent, id: string, page: FeedPage): void
}

/** Looks at the store once for all followers: when something was committed, and at least every second. */
export interface FeedBroadcaster {
  /** Sends the follower what it lacks, then everything that comes. Returns how to stop. */
  follow(follower: Follower, position: string | undefined): Promise<() => void>
  /** What came after a position, or a snapshot. */
  page(position: string | undefined): Promise<FeedPage>
  followers(): number
  close(): void
}

const heartbeatMs = 1_000

export function createFeedBroadcaster(store: Store, log: Log): FeedBroadcaster {
  const { feed } = store
  const followers = new Map<Follower, number>()
  let looking = false
  let lookAgain = false

  const idOf = (number: number): string => `${feed.incarnation}.${number}`
  const pageOf = (batch: FeedBatch, entries: readonly FeedEntry[], snapshot: boolean): FeedPage => ({
    position: idOf(batch.number),
    as_of: batch.asOf / 1000,
    entries,
    ...(snapshot && { snapshot: true }),
  })

  /** One fresh look at the store; a heartbeat says that it was made, so none is sent when it failed. */
  async function look(): Promise<void> {
    if (followers.size === 0) return
    if (looking) {
      lookAgain = true
      return
    }
    looking = true
    try {
      do {
        lookAgain = false
        await bringUpToDate()
      } while (lookAgain)
    } catch (error) {
      log.warn({ failure: error instanceof Error ? error.name : 'unknown' }, 'the feed could not be read')
    } finally {
      looking = false
    }
  }

  async function bringUpToDate(): Promise<void> {
    const batches = new Map<number, FeedBatch | undefined>()
    for (const from of new Set(followers.values())) batches.set(from, await feed.after(from))
    for (const [follower, from] of followers) {
      if (!batches.has(from)) continue
      const batch = batches.get(from)
      if (batch === undefined) await sendSnapshot(follower)
      else sendBatch(follower, batch)
    }
  }

  function sendBatch(follower: Follower, batch: FeedBatch): void {
    followers.set(follower, batch.number)
    follower.send(
      batch.entries.length > 0 ? 'entries' : 'heartbeat',
      idOf(batch.number),
      pageOf(batch, batch.entries, false),
    )
  }

  async function sendSnapshot(follower: Follower): Promise<void> {
    const batch = await feed.snapshot()
    followers.set(follower, batch.number)
    follower.send('snapshot', idOf(batch.number), pageOf(batch, batch.entries, true))
  }

  async function since(position: string | undefined): Promise<FeedBatch | undefined> {
    const [incarnation, number] = position?.split('.') ?? []
    if (incarnation !== feed.incarnation || number === undefined || !/^\d{1,15}$/.test(number)) return undefined
    return feed.after(Number(number))
  }

  const unsubscribe = feed.subscribe(() => void look())
  const timer = setInterval(() => void look(), heartbeatMs)
  timer.unref()

  return {
    async follow(follower, position) {
      const batch = await since(position)
      if (batch === undefined) await sendSnapshot(follower)
      else sendBatch(follower, batch)
      // What was committed between the look and now is found by the next look, from this follower's own number.
      void look()
      return () => void followers.delete(follower)
    },
    async page(position) {
      const batch = await since(position)
      if (batch !== undefined) return pageOf(batch, batch.entries, false)
      const whole = await feed.snapshot()
      return pageOf(whole, whole.entries, true)
    },
    followers: () => followers.size,
    close() {
      clearInterval(timer)
      unsubscribe()
      followers.clear()
    },
  }
}
