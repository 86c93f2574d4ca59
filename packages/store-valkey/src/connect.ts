import { connect as connectPlainly } from 'node:net'
import { type ConnectionOptions, connect as connectSecurely } from 'node:tls'
import { AbstractConnector, Redis, type RedisOptions } from 'ioredis'

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

/** A connection that comes back by itself after `retryMilliseconds` at most. Nothing is sent twice, and nothing later than it was asked. */
export function connect(
  address: Address,
  { retryMilliseconds, ...more }: { retryMilliseconds: number; connectTimeout: number; commandTimeout?: number },
): Redis {
  const settings = {
    ...more,
    Connector,
    keepAlive: 5_000,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (times: number): number => Math.min(50 * 2 ** Math.min(times - 1, 10), retryMilliseconds),
  } satisfies RedisOptions
  const made = typeof address === 'string' ? new Redis(address, settings) : new Redis({ ...address, ...settings })
  // Without a listener an error would end the process. What it says may name the address.
  made.on('error', () => {})
  return made
}
