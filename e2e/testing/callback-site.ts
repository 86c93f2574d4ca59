import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The address of an application that users come back to; it notes what it is told, and leads who comes by a link on to another origin of the application's. */
export interface CallbackSite {
  readonly origin: string
  /** What came: the method, and the parameters of query or form. */
  readonly told: readonly { readonly method: string; readonly parameters: URLSearchParams }[]
  close(): Promise<void>
}

export async function startCallbackSite(): Promise<CallbackSite> {
  const told: CallbackSite['told'][number][] = []
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1')
    let body = ''
    for await (const piece of request) body += piece
    const { method = '' } = request
    if (pathname === '/callback')
      told.push({ method, parameters: method === 'POST' ? new URLSearchParams(body) : searchParams })
    if (pathname === '/callback' && method === 'GET') {
      // Another origin: the port is the same, the host is not. After a form that would take TLS.
      response.writeHead(303, { location: `http://localhost:${(server.address() as AddressInfo).port}/home` })
      return void response.end()
    }
    response.setHeader('content-type', 'text/html')
    response.end('<!doctype html><title>Back</title><h1>Welcome back</h1>')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    told,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
