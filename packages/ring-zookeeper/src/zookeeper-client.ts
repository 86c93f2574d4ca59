import { type RegisterServer, StoreUnavailable } from '@countersign/store'
import type { Reader } from './jute.ts'
import { type ConnectionOptions, openConnection, type ZookeeperConnection } from './zookeeper-connection.ts'
import type { ZookeeperAddress } from './zookeeper-url.ts'

/** A connection to whichever server answers, made when it is needed, and kept up while somebody listens. */
export interface ZookeeperClient {
  /** Throws `ZookeeperRefusal`, or `StoreUnavailable`: then it is unknown what became of the request. */
  ask(operation: number, body: Buffer): Promise<Reader>
  /** Several at once, on one connection and in this order. The first failure is thrown. */
  askInOrder(requests: readonly (readonly [operation: number, body: Buffer])[]): Promise<readonly Reader[]>
  /** Calls back when what is watched has changed, or there is a new connection: it watches nothing, and nobody knows what was missed. Returns how to stop. */
  listen(listener: () => void): () => void
  close(): void
}

export interface ClientOptions extends Pick<ZookeeperAddress, 'servers' | 'credentials'> {
  readonly sessionMilliseconds: number
  readonly openMilliseconds: number
  readonly answerMilliseconds: number
  /** Between attempts to get a connection again. */
  readonly patienceMilliseconds: number
  /** From 0 to 1: with which server to begin, so that not all nodes are at one. */
  readonly chance: number
}

export function createZookeeperClient(options: ClientOptions): ZookeeperClient {
  const { servers, patienceMilliseconds } = options
  const listeners = new Set<() => void>()
  let next = Math.floor(options.chance * servers.length)
  let connection: ZookeeperConnection | undefined
  let connecting: Promise<ZookeeperConnection> | undefined
  let retry: NodeJS.Timeout | undefined
  let isClosed = false

  const tell = (): void => {
    for (const listener of listeners) listener()
  }

  /** Whoever listens wants a connection, and asks for nothing. */
  function keepUp(): void {
    if (isClosed || listeners.size === 0 || retry !== undefined) return
    connected().catch(() => {
      retry ??= setTimeout(() => {
        retry = undefined
        keepUp()
      }, patienceMilliseconds)
      retry.unref()
    })
  }

  /** An attempt that is under way may have begun before the server was there (one that is just starting takes connections and forgets them): then once more. */
  async function connected(): Promise<ZookeeperConnection> {
    const joined = await connecting?.catch(() => undefined)
    if (isClosed) throw new StoreUnavailable('The connection to ZooKeeper is closed.')
    if (joined?.isOpen()) return joined
    if (connection?.isOpen()) return connection
    connecting ??= connectToAny().finally(() => {
      connecting = undefined
    })
    return connecting
  }

  /** Each server once, beginning with the one after the last. */
  async function connectToAny(): Promise<ZookeeperConnection> {
    let cause: unknown
    for (let tries = 0; tries < servers.length; tries++) {
      const server = servers[next++ % servers.length] as RegisterServer
      const own: ConnectionOptions = { ...options, server, onChange: tell, onEnd: keepUp }
      const opened = await openConnection(own).catch((error: unknown) => {
        cause = error
      })
      if (opened === undefined) continue
      if (isClosed) opened.close()
      else connection = opened
      tell()
      return opened
    }
    throw new StoreUnavailable('The key ring is out of reach: ZooKeeper does not answer.', { cause })
  }

  const unavailable = (error: unknown): never => {
    // What was refused is told as it is; all else is the wire.
    if (error instanceof Error && error.name === 'ZookeeperRefusal') throw error
    if (error instanceof StoreUnavailable) throw error
    throw new StoreUnavailable('The connection to ZooKeeper broke.', { cause: error })
  }

  const askInOrder: ZookeeperClient['askInOrder'] = async requests => {
    const on = await connected()
    const answers = await Promise.allSettled(requests.map(([operation, body]) => on.ask(operation, body)))
    return answers.map(answer => (answer.status === 'fulfilled' ? answer.value : unavailable(answer.reason)))
  }

  return {
    askInOrder,
    ask: async (operation, body) => (await askInOrder([[operation, body]]))[0] as Reader,
    listen(listener) {
      listeners.add(listener)
      keepUp()
      return () => void listeners.delete(listener)
    },
    close() {
      isClosed = true
      clearTimeout(retry)
      connection?.close()
    },
  }
}
