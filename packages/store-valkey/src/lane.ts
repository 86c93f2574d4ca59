import { type Redis, ReplyError } from 'ioredis'
import { connect, leadOn, watchSubscriptions } from './connect.ts'

/** How nodes reach each other through Valkey. Whatever happens to it, nothing here throws, and nothing waits longer than `patienceMs`. */
export interface Lane {
  /**
   * Runs a command, or a script, on the server. `undefined`: it is away, or was too slow; then for a moment nobody asks it. The command may have
   * been carried out all the same.
   */
  ask(run: (valkey: Redis) => Promise<unknown>): Promise<{ readonly answer: unknown } | undefined>
  /** Tells all nodes, this one too. Not waited for: a message that is lost is one that was not sent. */
  tell(channel: string): void
  /** Calls back for every message, and whenever some may have been missed. Returns how to stop. */
  hear(channel: string, heard: () => void): () => void
  /** Whether the server answered when it was last asked. */
  isThere(): boolean
  close(): Promise<void>
}

export interface LaneOptions {
  /** `redis://user:password@host:port/number`; `rediss://…` over TLS. */
  readonly url: string
  /** How long one command is waited for. Default: 100. */
  readonly patienceMs?: number
  /** How long nobody asks after a failure. Default: 1,000. */
  readonly restMs?: number
  /** How often the server is looked at where nobody asks: a demoted one tells nobody. Default: 10,000. */
  readonly lookEveryMs?: number
  /** Milliseconds by a clock that nobody sets. */
  readonly monotonic?: () => number
  /** Told when the server is away, at the start too, and when it is there (again). Never with its address: that may hold a password. */
  readonly onChange?: (isThere: boolean) => void
  /** Told when the server does not let us listen, once until it does. */
  readonly onDeaf?: () => void
}

/** Connects in the background: a node starts whether the server is there or not. */
export function openLane(options: LaneOptions): Lane {
  const { url, patienceMs = 100, restMs = 1_000, lookEveryMs = 10_000, onChange } = options
  const { monotonic = () => performance.now() } = options
  const own = { connectTimeout: 2_000, retryMilliseconds: restMs }
  // A connection that listens can do nothing else.
  const asking = connect(url, { ...own, commandTimeout: patienceMs })
  const listening = connect(url, own)
  const listeners = new Map<string, Set<() => void>>()
  const subscriptions = watchSubscriptions(options.onDeaf)
  let restingUntil = Number.NEGATIVE_INFINITY
  /** `undefined`: it has not been found out yet. */
  let there: boolean | undefined
  let closed = false

  function found(isThere: boolean): void {
    if (!isThere) restingUntil = monotonic() + restMs
    if (isThere === there || closed) return
    // Who asks may have been led on to another server.
    if (there === false) leadOn(listening)
    there = isThere
    onChange?.(isThere)
  }

  const call = (channel: string): void => {
    for (const heard of listeners.get(channel) ?? []) heard()
  }
  const subscribe = (channels: readonly string[]): void => {
    if (channels.length === 0 || listening.status !== 'ready') return
    // From now on messages come; those of before were missed.
    listening.subscribe(...channels).then(
      () => {
        subscriptions.succeeded()
        channels.forEach(call)
      },
      error => subscriptions.failed(listening, error),
    )
  }

  // Where nobody asks nobody else would look again.
  asking.on('ready', () => void look(() => asking.disconnect(true)))
  asking.on('close', () => found(false))
  listening.on('ready', () => subscribe([...listeners.keys()]))
  listening.on('message', call)

  /** By a command that writes, of a key that is never there: a replica answers all others. Who may not use that key may use ours. */
  async function look(unanswered?: () => void): Promise<void> {
    try {
      await asking.del('countersign {}')
      found(true)
    } catch (error) {
      found(isNoRight(error))
      if (!(error instanceof ReplyError)) unanswered?.()
    }
  }

  /** Nobody's request waits to find out whether a server that was too slow has come back. */
  function probe(): undefined {
    if (monotonic() < restingUntil) return
    restingUntil = monotonic() + restMs
    void look()
  }

  const looking = setInterval(() => {
    if (asking.status === 'ready') probe()
  }, lookEveryMs)
  looking.unref()

  const ask: Lane['ask'] = async run => {
    if (closed || asking.status !== 'ready') return undefined
    if (there !== true) return probe()
    try {
      const answer = await run(asking)
      found(true)
      return { answer }
    } catch {
      found(false)
      return undefined
    }
  }

  return {
    ask,
    tell: channel => void ask(valkey => publish(valkey, channel)),
    hear(channel, heard) {
      const own = (): void => heard()
      const known = listeners.get(channel)
      if (known === undefined) {
        listeners.set(channel, new Set([own]))
        subscribe([channel])
      } else known.add(own)
      return () => void listeners.get(channel)?.delete(own)
    },
    isThere: () => there === true,
    async close() {
      closed = true
      listeners.clear()
      clearInterval(looking)
      asking.disconnect()
      listening.disconnect()
    },
  }
}

/** Who may not is deaf, too, and that is told; the server is there none the less. */
async function publish(valkey: Redis, channel: string): Promise<void> {
  try {
    await valkey.publish(channel, '')
  } catch (error) {
    if (!isNoRight(error)) throw error
  }
}

function isNoRight(error: unknown): boolean {
  return error instanceof ReplyError && (error as Error).message.startsWith('NOPERM')
}
