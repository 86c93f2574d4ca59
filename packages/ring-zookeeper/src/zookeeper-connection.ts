import { connect, type Socket } from 'node:net'
import type { RegisterServer } from '@countersign/store'
import { bool, bytes, Garbled, int, noLong, type Reader, readerOf } from './jute.ts'

/** What a request asks for (the server's `ZooDefs.OpCode`). */
export const operations = {
  create: 1,
  exists: 3,
  getData: 4,
  setData: 5,
  sync: 9,
  ping: 11,
  authenticate: 100,
  closeSession: -11,
} as const

/** Answers of the server that mean something to us (`KeeperException.Code`). */
export const errorCodes = { noNode: -101, noAuth: -102, badVersion: -103, nodeExists: -110 } as const

/** The server has said no. */
export class ZookeeperRefusal extends Error {
  override readonly name = 'ZookeeperRefusal'
  readonly code: number
  constructor(code: number) {
    super(`ZooKeeper says ${code}`)
    this.code = code
  }
}

/** Numbers of messages that are no request of ours, or have no answer of their own. */
const pingNumber = -2
const authenticationNumber = -4
const notificationNumber = -1

/** Far more than a ring needs (the server's own limit is 1 MiB). */
const messageBytesAtMost = 4 * 2 ** 20

export interface ConnectionOptions {
  readonly server: RegisterServer
  readonly credentials: string | undefined
  /** A connection that is silent for two thirds of it is given up. */
  readonly sessionMilliseconds: number
  /** A server that has not let us in after so long is given up. */
  readonly openMilliseconds: number
  /** A request without an answer for so long ends the connection: nobody knows what became of it. */
  readonly answerMilliseconds: number
  /** Something that is watched has changed. */
  readonly onChange: () => void
  /** Once, after it was open. */
  readonly onEnd: () => void
}

/** One connection, which is one session: nothing of ours hangs on a session, so none is taken up again. */
export interface ZookeeperConnection {
  /** Sent at once; answers come in the order of requests. Throws `ZookeeperRefusal`, or `Error` if the connection ended before the answer. */
  ask(operation: number, body: Buffer): Promise<Reader>
  isOpen(): boolean
  /** Lets the server forget the session. */
  close(): void
}

interface Awaited {
  readonly number: number
  readonly resolve: (answer: Reader) => void
  readonly reject: (error: Error) => void
  readonly impatience: NodeJS.Timeout
}

/** Connects and authenticates. Rejects if that does not come about in time. */
export function openConnection(options: ConnectionOptions): Promise<ZookeeperConnection> {
  const { server, credentials, sessionMilliseconds, openMilliseconds, answerMilliseconds } = options
  return new Promise((resolve, reject) => {
    const socket = connect({ ...server, noDelay: true })
    const waiting: Awaited[] = []
    let lastNumber = 0
    let isOpen = false
    let isAlive = true
    let pings: NodeJS.Timeout | undefined

    const send = (...parts: readonly Buffer[]): void => {
      const message = Buffer.concat(parts)
      socket.write(Buffer.concat([int(message.length), message]))
    }

    function end(error: Error): void {
      socket.destroy()
      clearTimeout(tooLate)
      clearInterval(pings)
      for (const one of waiting.splice(0)) {
        clearTimeout(one.impatience)
        one.reject(error)
      }
      const wasOpen = isOpen
      isOpen = false
      if (wasOpen) options.onEnd()
      // Before it was open.
      reject(error)
    }
    const tooLate = setTimeout(() => end(new Error('ZooKeeper does not let us in')), openMilliseconds)

    const connection: ZookeeperConnection = {
      isOpen: () => isOpen,
      ask: (operation, body) =>
        new Promise((answered, refused) => {
          if (!isOpen) throw new Error('the connection to ZooKeeper has ended')
          const number = ++lastNumber
          const impatience = setTimeout(() => end(new Error('ZooKeeper does not answer')), answerMilliseconds)
          waiting.push({ number, resolve: answered, reject: refused, impatience })
          send(int(number), int(operation), body)
        }),
      close() {
        if (!isOpen) return
        send(int(++lastNumber), int(operations.closeSession))
        socket.end()
        end(new Error('the connection to ZooKeeper was closed'))
      },
    }

    function opened(): void {
      isOpen = true
      clearTimeout(tooLate)
      resolve(connection)
    }

    /** Who has not been heard since the last ping is away, whatever TCP thinks. */
    function ping(): void {
      if (!isAlive) {
        end(new Error('ZooKeeper has fallen silent'))
        return
      }
      isAlive = false
      send(int(pingNumber), int(operations.ping))
    }

    function beginSession(answer: Reader): void {
      answer.int()
      const granted = answer.int()
      if (granted <= 0) throw new Error('ZooKeeper gives us no session')
      pings = setInterval(ping, Math.min(granted, sessionMilliseconds) / 3)
      if (credentials === undefined) opened()
      else send(int(authenticationNumber), int(operations.authenticate), int(0), bytes('digest'), bytes(credentials))
    }

    function take(message: Reader): void {
      isAlive = true
      if (pings === undefined) beginSession(message)
      else takeAnswer(message, message.int())
    }

    function takeAnswer(message: Reader, number: number): void {
      message.skip(8)
      const code = message.int()
      if (number === notificationNumber) options.onChange()
      else if (number === authenticationNumber) {
        if (code !== 0) throw new ZookeeperRefusal(code)
        opened()
      } else if (number !== pingNumber) {
        const first = waiting.shift()
        if (first?.number !== number) throw new Garbled('ZooKeeper answers what was not asked')
        clearTimeout(first.impatience)
        if (code === 0) first.resolve(message)
        else first.reject(new ZookeeperRefusal(code))
      }
    }

    socket.on('connect', () => {
      send(int(0), noLong, int(sessionMilliseconds), noLong, bytes(Buffer.alloc(16)), bool(false))
    })
    readMessages(socket, take, end)
    socket.on('error', end)
    socket.on('close', () => end(new Error('ZooKeeper has ended the connection')))
  })
}

/** Messages are a length and so many bytes, and come in pieces as it pleases the network. */
function readMessages(socket: Socket, take: (message: Reader) => void, fail: (error: Error) => void): void {
  let rest: Buffer = Buffer.alloc(0)
  socket.on('data', (piece: Buffer) => {
    rest = rest.length === 0 ? piece : Buffer.concat([rest, piece])
    try {
      while (rest.length >= 4) {
        const length = rest.readInt32BE()
        if (length < 0 || length > messageBytesAtMost)
          throw new Garbled('a message of ZooKeeper has no sensible length')
        if (rest.length < 4 + length) return
        const message = rest.subarray(4, 4 + length)
        rest = rest.subarray(4 + length)
        take(readerOf(message))
      }
    } catch (error) {
      fail(error instanceof Error ? error : new Error('unknown'))
    }
  })
}
