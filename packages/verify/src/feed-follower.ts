import type { FeedPage } from '@countersign/protocol'
import type { ServerSentEvent } from './event-stream.ts'
import { readFeedPage } from './feed-page.ts'
import { isBefore, isSameIncarnation } from './feed-position.ts'
import { faultOf, isEventStream, readEvents, retryAfterMilliseconds } from './feed-response.ts'
import { opening } from './opening.ts'
import { causeOf, OutboundFault } from './outbound.ts'
import { type OnProblem, problemTeller } from './problem.ts'
import type { Revocations } from './revocations.ts'
import { backoffMilliseconds, type Runtime } from './runtime.ts'

/** Follows the revocation feed for as long as it is open. */
export interface FeedFollower {
  /** False after ten seconds without word from the feed, before its first snapshot, and when too much was revoked. */
  isCurrent(): boolean
  /** True once the first snapshot is there; false if closed before. */
  ready(): Promise<boolean>
  status(): FeedStatus
  close(): void
}

export interface FeedStatus {
  readonly state: 'starting' | 'current' | 'stale' | 'closed'
  /** Where in the feed this verifier is. */
  readonly position: string | undefined
  /** Entries held. */
  readonly entries: number
  /** Entries of kinds that this version does not know, and so does not enforce. */
  readonly unknownEntries: number
  /** Seconds since the last word from the feed. */
  readonly ageSeconds: number | undefined
  /** Why the last connection ended; undefined while one is open. */
  readonly fault: string | undefined
}

export interface FeedOptions {
  readonly url: string
  readonly authorization: string
  /** Whose authorization it is, for messages. */
  readonly clientId: string
  /** What becomes of revoked tokens while the feed cannot be followed: a sentence. */
  readonly meanwhile: string
  readonly onProblem: OnProblem
  /** A key was retired: another one has taken over, perhaps one that was not published when the keys were last read. */
  readonly onKeyRetired: () => void
}

/** Contract: without a heartbeat for so long, nobody knows. */
const staleAfterMilliseconds = 10_000
const retryBaseMilliseconds = 250
const retryCeilingMilliseconds = 15_000
const pruneEverySeconds = 15
/** Nodes' clocks differ by less. */
const clockStepSeconds = 10

/** One connection to the feed. */
interface Line {
  /** It was opened from a position. */
  readonly resumed: boolean
  /** The feed's clock in the newest message of it. */
  asOf: number | undefined
  /** Something new was said: the next silence begins here. */
  watch(): void
}

export function followFeed(runtime: Runtime, known: Revocations, options: FeedOptions): FeedFollower {
  const { clock, timers, random } = runtime
  let position: string | undefined
  let heardAt: { wall: number; monotonic: number } | undefined
  let overflown = false
  let unknownEntries = 0
  let prunedAt = 0
  /** Of what the entries that are held are made of. */
  let latestAsOf = 0
  let fault: string | undefined
  let failures = 0
  let connection: AbortController | undefined
  let closed = false
  const first = opening<boolean>()
  const problem = problemTeller('revocations', options.onProblem)
  let wake: (() => void) | undefined

  /** Monotonic, so that setting the clock back hides nothing; the wall as well, since the former stops in sleep. */
  function silenceMilliseconds(): number {
    if (heardAt === undefined) return Number.POSITIVE_INFINITY
    return Math.max(clock.monotonicMilliseconds() - heardAt.monotonic, clock.wallMilliseconds() - heardAt.wall)
  }

  function isCurrent(): boolean {
    return !closed && !overflown && silenceMilliseconds() < staleAfterMilliseconds
  }

  /**
   * Messages are taken as they come, also if they come twice or out of order: what an entry says is true whenever it comes, but only the next message moves
   * the position on, so that what was missed is asked for again.
   */
  function take(event: ServerSentEvent, line: Line): void {
    if (event.event !== 'snapshot' && event.event !== 'entries' && event.event !== 'heartbeat') return
    const read = readFeedPage(event.data)
    if (read === undefined) throw forgetPosition('the feed sent something else')
    const { page, unknown } = read
    const isSnapshot = event.event === 'snapshot'
    if (!isSnapshot && (position === undefined || !isSameIncarnation(position, page.position))) {
      throw forgetPosition('the feed went on without a snapshot')
    }
    const isFirst = line.asOf === undefined
    // What opens a line is the server's answer to where we are; later on a message may be an old one.
    const isOld =
      !isFirst &&
      position !== undefined &&
      isSameIncarnation(position, page.position) &&
      isBefore(page.position, position)
    if (isSnapshot && isOld) return
    // The feed's clock was ahead when it said what still matters.
    if (!isSnapshot && !isOld && page.as_of < latestAsOf - clockStepSeconds) {
      latestAsOf = page.as_of
      throw forgetPosition('the clock of the feed has gone back')
    }
    if (!isOld) latestAsOf = isSnapshot ? page.as_of : Math.max(latestAsOf, page.as_of)
    overflown = !(isSnapshot ? known.replace(page.entries) : known.add(page.entries))
    if (!isSnapshot && page.entries.some(entry => entry.kind === 'key')) options.onKeyRetired()
    // What matters most is in force; of the rest nobody knows, so only a snapshot that fits makes it current again.
    if (overflown) throw forgetPosition('more is revoked than this verifier may hold')
    if (isOld) return
    if (page.after !== undefined && position !== undefined && isBefore(position, page.after)) {
      throw new OutboundFault('a message of the feed is missing')
    }
    unknownEntries = unknown + (isSnapshot ? 0 : unknownEntries)
    // The same message again is no word of now.
    const isNews = isFirst || page.position !== position || page.as_of > (line.asOf ?? 0)
    position = page.position
    if (!isNews) return
    line.asOf = page.as_of
    line.watch()
    heard(page)
    // Not at a snapshot: a server that breaks right after it would be asked for one without a pause.
    if (event.event !== 'snapshot') failures = 0
    if (line.resumed || event.event === 'snapshot') first.resolve(true)
  }

  function heard(page: FeedPage): void {
    heardAt = { wall: clock.wallMilliseconds(), monotonic: clock.monotonicMilliseconds() }
    fault = undefined
    problem.end('the feed is followed.')
    // By both clocks: whichever is wrong must not forget too early.
    const past = Math.min(page.as_of, Math.floor(heardAt.wall / 1000))
    if (past - prunedAt >= pruneEverySeconds || past < prunedAt) {
      prunedAt = past
      known.prune(past)
    }
  }

  function forgetPosition(message: string): OutboundFault {
    position = undefined
    return new OutboundFault(message)
  }

  async function connect(): Promise<number> {
    const controller = new AbortController()
    connection = controller
    let watch: unknown
    const watchAgain = () => {
      timers.clear(watch)
      watch = timers.set(() => controller.abort(), staleAfterMilliseconds)
    }
    watchAgain()
    const resumed = position !== undefined
    try {
      const response = await runtime.fetch(options.url, {
        headers: {
          accept: 'text/event-stream',
          authorization: options.authorization,
          ...(position === undefined ? {} : { 'last-event-id': position }),
        },
        cache: 'no-store',
        redirect: 'error',
        signal: controller.signal,
      })
      if (!isEventStream(response)) {
        fault = faultOf(response, options.clientId)
        return retryAfterMilliseconds(response)
      }
      const line: Line = { resumed, asOf: undefined, watch: watchAgain }
      await readEvents(response, event => take(event, line))
      fault ??= 'the feed closed the connection'
    } catch (thrown) {
      fault = thrown instanceof OutboundFault ? thrown.message : describe(controller, thrown)
    } finally {
      timers.clear(watch)
      controller.abort()
    }
    return 0
  }

  async function follow(): Promise<void> {
    while (!closed) {
      const least = await connect()
      if (closed) return
      // A connection that ends and is there again within seconds is nobody's business.
      if (!isCurrent()) problem.tell(`${fault}. ${options.meanwhile}`)
      const pause = backoffMilliseconds(failures++, random, retryBaseMilliseconds, retryCeilingMilliseconds)
      await sleep(Math.max(least, pause))
    }
  }

  function sleep(milliseconds: number): Promise<void> {
    return new Promise(resolve => {
      const timer = timers.set(resolve, milliseconds)
      wake = () => {
        timers.clear(timer)
        resolve()
      }
    })
  }

  void follow()

  return {
    isCurrent,
    ready: () => first.promise,
    status: () => ({
      state: closed ? 'closed' : heardAt === undefined ? 'starting' : isCurrent() ? 'current' : 'stale',
      position,
      entries: known.size,
      unknownEntries,
      ageSeconds: heardAt === undefined ? undefined : silenceMilliseconds() / 1000,
      fault,
    }),
    close() {
      closed = true
      connection?.abort()
      wake?.()
      first.resolve(false)
    },
  }
}

function describe(controller: AbortController, thrown: unknown): string {
  return controller.signal.aborted ? 'the feed fell silent' : `the feed could not be reached${causeOf(thrown)}`
}
