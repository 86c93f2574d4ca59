import { connect as connectPlainly } from 'node:net'
import { type ConnectionOptions, connect as connectSecurely } from 'node:tls'
import { AbstractConnector, Redis, type RedisOptions, ReplyError } from 'ioredis'

type Socket = Awaited<ReturnType<AbstractConnector['connect']>>

/** Where the server is: an address, or its parts. */
export type Address = string | Pick<RedisOptions, 'host' | 'port' | 'username' | 'password' | 'tls'>

/**
 * ioredis listens for one error of a socket. A handshake that is given up can have a second one (the server's alert), which would end the process: so
 * somebody listens for as long as there is a socket.
 */
class Connector extends AbstractConnector {
  readonly #options: RedisOptions

  constructor(options: unknown) {
    const given = options as RedisOptions
    super(given.disconnectTimeout ?? 0)
    this.#options = given
  }

  async connect(): Promise<Socket> {
    const { host = '127.0.0.1', port = 6379, tls } = this.#options
    const socket = tls ? connectSecurely({ host, port, ...(tls as ConnectionOptions) }) : connectPlainly({ host, port })
    socket.on('error', error => {
      this.firstError ??= error
    })
    this.connecting = true
    this.stream = socket
    return socket
  }
}

/** Redis 6 has the word of a script's command in the middle: `ERR Error running script …: -READONLY …`. */
export const isOfReplica = ({ message }: Error): boolean => message.includes('READONLY')

/** Who is not let in, or may not do this: Redis up to 7.0 says the latter of a script in words of its own, Valkey 8 in others. */
export const isOfRights = ({ message }: Error): boolean =>
  /^(NOAUTH|WRONGPASS|NOPERM|ERR AUTH|ERR ACL failure)|The user executing the script can't/.test(message)

/**
 * A connection that comes back by itself after `retryMilliseconds` at most. Nothing is sent twice, and nothing later than it was asked. A server that turns
 * out to be a replica is left: the address may have moved on to the primary, and a demoted server does not end its connections.
 */
export function connect(
  address: Address,
  { retryMilliseconds, ...more }: { retryMilliseconds: number; connectTimeout: number; commandTimeout?: number },
): Redis {
  let isReplica = false
  function retryStrategy(times: number): number {
    // A replica takes each connection, so that ioredis would count every attempt as the first, and hardly rest.
    const wait = isReplica ? retryMilliseconds : 50 * 2 ** Math.min(times - 1, 10)
    isReplica = false
    return Math.min(wait, retryMilliseconds)
  }
  const settings = {
    ...more,
    Connector,
    keepAlive: 5_000,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    maxRetriesPerRequest: 0,
    retryStrategy,
    reconnectOnError(error) {
      isReplica ||= isOfReplica(error)
      return isReplica
    },
  } satisfies RedisOptions
  const made = typeof address === 'string' ? new Redis(address, settings) : new Redis({ ...address, ...settings })
  // Without a listener an error would end the process. What it says may name the address.
  made.on('error', () => {})
  return made
}

/** A connection that listens, and may do so at a server that was demoted: that one keeps it. One that is being made already leads where the address leads now. */
export function leadOn(listening: Redis): void {
  if (listening.status === 'ready') listening.disconnect(true)
}

/**
 * What becomes of subscriptions: one that failed is made anew with its connection, but for one that was refused, which would be so again. That is told, once until one
 * succeeds.
 */
export function watchSubscriptions(onDeaf: (() => void) | undefined): {
  readonly succeeded: () => void
  readonly failed: (listening: Redis, error: unknown) => void
} {
  let isDeaf = false
  return {
    succeeded() {
      isDeaf = false
    },
    failed(listening, error) {
      if (!(error instanceof ReplyError)) return listening.disconnect(true)
      if (!isDeaf) onDeaf?.()
      isDeaf = true
    },
  }
}
