import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The redirect URI of an application on somebody's machine: loopback, any port (RFC 8252 §7.3). */
export interface Listening {
  readonly redirectUrl: string
  /** The parameters that the browser brings back. */
  readonly next: Promise<URLSearchParams>
  close(): void
}

export async function listenForAnswer(): Promise<Listening> {
  const { promise, resolve } = Promise.withResolvers<URLSearchParams>()
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1')
    if (pathname !== '/callback') return void response.writeHead(404).end()
    response.end('Done. You can close this page.')
    resolve(searchParams)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    redirectUrl: `http://127.0.0.1:${port}/callback`,
    next: promise,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
