import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse, request as sendRequest } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What happens to a request on its way: it, or its answer, is lost; it arrives twice; or it waits until the promise is kept. */
export type Mishap = 'lose-request' | 'lose-answer' | 'repeat' | Promise<void> | undefined

export interface LoopbackProxy {
  readonly url: string
  /** Where requests go. */
  upstream: string
  mishap: (request: { readonly method: string; readonly path: string }) => Mishap
  close(): Promise<void>
}

/** A network between browser and server that can be made as bad as a real one. */
export async function startLoopbackProxy(): Promise<LoopbackProxy> {
  const server = createServer((incoming, outgoing) => void forward(proxy, incoming, outgoing))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy: LoopbackProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    upstream: '',
    mishap: () => undefined,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return proxy
}

async function forward(proxy: LoopbackProxy, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const { method = 'GET', url: path = '/', headers } = incoming
  const mishap = method === 'OPTIONS' ? undefined : proxy.mishap({ method, path })
  if (mishap === 'lose-request') return void incoming.socket.destroy()
  if (mishap instanceof Promise) await mishap
  if (mishap === 'repeat') return repeat(proxy, incoming, outgoing)
  const upstream = sendRequest(proxy.upstream + path, { method, headers }, answer => {
    if (mishap === 'lose-answer') {
      answer.resume().on('end', () => incoming.socket.destroy())
      return
    }
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(outgoing)
  })
  upstream.on('error', () => incoming.socket.destroy())
  incoming.pipe(upstream)
}

/** Sends it twice at once, as a network or a proxy in between may do. The first answer is the one that gets through. */
async function repeat(proxy: LoopbackProxy, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const { method = 'GET', url: path = '/', headers } = incoming
  const body = Buffer.concat(await incoming.toArray())
  for (let copy = 0; copy < 2; copy++) {
    const upstream = sendRequest(proxy.upstream + path, { method, headers }, answer => {
      if (outgoing.headersSent) return void answer.resume()
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    upstream.on('error', () => incoming.socket.destroy())
    upstream.end(body)
  }
}
