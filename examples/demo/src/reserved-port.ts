import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer as createProbe } from 'node:net'

/** A server that has its port before it knows what to answer: what comes early waits. */
export interface ReservedPort {
  readonly url: string
  readonly port: number
  answerWith(listener: RequestListener): void
  /** Answers what was begun, then lets go of the port. */
  close(): Promise<void>
}

const host = '127.0.0.1'
const portsTried = 50

/** Takes the first free port from `first` on. */
export async function reservePort(first: number): Promise<ReservedPort> {
  const ready = Promise.withResolvers<RequestListener>()
  let closing = false
  const server = createServer((request, response) => {
    if (closing) response.setHeader('Connection', 'close')
    response.once('close', () => closing && server.closeIdleConnections())
    void ready.promise.then(listener => listener(request, response))
  })
  const listen = (port: number): Promise<void> =>
    new Promise((resolve, reject) => server.once('error', reject).listen(port, host, resolve))

  for (let port = first; ; port++) {
    try {
      await listen(port)
      break
    } catch (error) {
      if (!isTaken(error) || port - first >= portsTried) throw error
      server.removeAllListeners('error')
    }
  }
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `http://${host}:${port}`,
    answerWith: ready.resolve,
    close: () => {
      closing = true
      return new Promise(resolve => void server.close(() => resolve()))
    },
  }
}

/** The port itself, or a free one for 0; `undefined` if it is taken. */
export async function freePort(wanted: number): Promise<number | undefined> {
  const probe = createProbe()
  try {
    return await new Promise((resolve, reject) => {
      probe.once('error', reject).listen(wanted, host, () => resolve((probe.address() as AddressInfo).port))
    })
  } catch (error) {
    if (isTaken(error)) return undefined
    throw error
  } finally {
    probe.close()
  }
}

/** In use, or not ours to use: then the next one may be. */
function isTaken(error: unknown): boolean {
  const { code } = error as { code?: unknown }
  return code === 'EADDRINUSE' || code === 'EACCES'
}
