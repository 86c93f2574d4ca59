import type { FeedEvent, FeedPage, FeedPosition } from '@countersign/protocol'
import type { FeedBatch, Store } from '@countersign/store'
import { type Every, everyInterval } from '../every.ts'
import type { Log } from '../log.ts'

/** One reader of the event stream. */
export interface Follower {
  /** Takes an event as it goes over the wire; the same bytes for all who are at the same place. */
  send(frame: Buffer): void
  /** The server stops, or what the reader has shown is not good any more. */
  end(): void
  /** Whether it still is. Asked at every heartbeat. */
  stands(): Promise<boolean>
  /** True once the reader has hung up, or was let go. */
  isGone(): boolean
}

/** Looks at the store once for all followers: when something was committed, and at least every second. */
export interface FeedBroadcaster {
  /** Sends the follower what it lacks after its position (or a snapshot), then everything that comes, until it is gone. */
  follow(follower: Follower, position: string | undefined): Promise<void>
  leave(follower: Follower): void
  /** What came after a position, or a snapshot. */
  page(position: string | undefined): Promise<FeedPage>
  followers(): number
  /** Looks now. It happens by itself every second. */
  look(): Promise<void>
  /** Ends all streams. */
  close(): void
}

const heartbeatMs = 1_000

/** An event, made once for all who are at the same place. */
interface Frame {
  readonly number: number
  readonly bytes: Buffer
}

/** What somebody who joins is told, while it is read. */
interface Welcome {
  readonly frame: Promise<Frame>
  /** How much had been heard of when it was asked for. */
  readonly heard: number
}

export function createFeedBroadcaster(
  store: Store,
  log: Log,
  { every = everyInterval, onLook }: { every?: Every | undefined; onLook?: (() => void) | undefined } = {},
): FeedBroadcaster {
  const { feed } = store
  /** Each with the number of the newest entry that it has. */
  const followers = new Map<Follower, number>()
  /** For those who come back at once, after a restart or a cut line: one reading for all who are at the same place. */
  const welcomes = new Map<number | undefined, Welcome>()
  /** How often there was something new. */
  let heard = 0
  let looking: Promise<void> | undefined
  let lookAgain = false
  let dismissing = false
  let closed = false

  function pageOf(batch: FeedBatch, snapshot: boolean): FeedPage {
    const { asOf, entries, number } = batch
    return { position: positionOf(number), as_of: asOf / 1000, entries, ...(snapshot && { snapshot: true }) }
  }

  function positionOf(number: number): FeedPosition {
    return `${feed.incarnation}.${number}`
  }

  function frameOf(event: FeedEvent, page: FeedPage, number: number): Frame {
    const text = `id: ${page.position}\nevent: ${event}\ndata: ${JSON.stringify(page)}\n\n`
    return { number, bytes: Buffer.from(text) }
  }

  /** What a follower at `number` lacks; a snapshot if that is no place in this feed. */
  async function frameAfter(number: number | undefined): Promise<Frame> {
    const batch = number === undefined ? undefined : await feed.after(number)
    if (batch !== undefined && number !== undefined) {
      const { position, ...page } = pageOf(batch, false)
      const event = batch.entries.length > 0 ? 'entries' : 'heartbeat'
      return frameOf(event, { position, after: positionOf(number), ...page }, batch.number)
    }
    const whole = await feed.snapshot()
    return frameOf('snapshot', pageOf(whole, true), whole.number)
  }

  function welcome(number: number | undefined): Welcome {
    const running = welcomes.get(number)
    if (running !== undefined) return running
    const frame = frameAfter(number).finally(() => welcomes.delete(number))
    const begun = { frame, heard }
    welcomes.set(number, begun)
    return begun
  }

  function deliver(follower: Follower, frame: Frame): void {
    if (!follower.isGone()) follower.send(frame.bytes)
    if (follower.isGone()) followers.delete(follower)
    else followers.set(follower, frame.number)
  }

  /** One fresh look at the store; a heartbeat says that it was made, so none is sent when it failed. */
  function look(): Promise<void> {
    if (followers.size === 0) return Promise.resolve()
    lookAgain = looking !== undefined
    looking ??= lookUntilNothingIsNew()
    return looking
  }

  /** Lets those go whose credential is over. Where that cannot be found out now, the next heartbeat asks again. */
  async function dismiss(): Promise<void> {
    const asked = [...followers.keys()].map(async follower => {
      if (await follower.stands().catch(() => true)) return
      followers.delete(follower)
      follower.end()
    })
    await Promise.all(asked)
  }

  async function beat(): Promise<void> {
    if (dismissing) return
    dismissing = true
    await dismiss()
    dismissing = false
    await look()
  }

  async function lookUntilNothingIsNew(): Promise<void> {
    do {
      lookAgain = false
      try {
        await bringUpToDate()
      } catch (error) {
        log.warn({ failure: error instanceof Error ? error.name : 'unknown' }, 'the feed could not be read')
      }
    } while (lookAgain)
    // In the same step as the last question: whoever says something after it would be taken for looked at.
    looking = undefined
  }

  async function bringUpToDate(): Promise<void> {
    const frames = new Map<number, Frame>()
    for (const from of new Set(followers.values())) frames.set(from, await frameAfter(from))
    onLook?.()
    for (const [follower, from] of followers) {
      const frame = frames.get(from)
      // Who has joined meanwhile, at a place of their own, has just been told.
      if (frame !== undefined) deliver(follower, frame)
    }
  }

  /** The number of a position of this feed. */
  function numberOf(position: string | undefined): number | undefined {
    const cut = position?.lastIndexOf('.') ?? -1
    if (position === undefined || position.slice(0, cut) !== feed.incarnation) return undefined
    const number = position.slice(cut + 1)
    return /^\d{1,15}$/.test(number) ? Number(number) : undefined
  }

  const unsubscribe = feed.subscribe(() => {
    heard++
    void look()
  })
  const stopHeartbeat = every(heartbeatMs, () => void beat())

  return {
    async follow(follower, position) {
      const begun = welcome(numberOf(position))
      const frame = await begun.frame
      if (closed) return follower.end()
      deliver(follower, frame)
      // What came between the reading and now is found by the next look, from this follower's own number. If nothing has come, nobody is told so once more.
      if (heard !== begun.heard || looking !== undefined) void look()
    },
    leave: follower => void followers.delete(follower),
    async page(position) {
      const number = numberOf(position)
      const batch = number === undefined ? undefined : await feed.after(number)
      return batch === undefined ? pageOf(await feed.snapshot(), true) : pageOf(batch, false)
    },
    followers: () => followers.size,
    look,
    close() {
      closed = true
      stopHeartbeat()
      unsubscribe()
      for (const follower of followers.keys()) follower.end()
      followers.clear()
    },
  }
}
