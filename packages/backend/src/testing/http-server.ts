import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** A request as it arrived. */
export interface Arrived {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

export interface TestServer extends AsyncDisposable {
  readonly address: string
  readonly arrived: readonly Arrived[]
}

/** A real server on a free port of loopback that answers as `respond` says, and remembers what arrived. */
export async function startServer(respond: (request: Arrived) => Answer | Promise<Answer>): Promise<TestServer> {
  const arrived: Arrived[] = []
  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const { method = '', url = '', headers } = incoming
      const request = { method, path: url, headers, body: await text(incoming) }
      arrived.push(request)
      const { status, headers: more, body } = await respond(request)
      outgoing.writeHead(status, { 'Content-Type': 'application/json', ...more })
      outgoing.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body))
    })()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    arrived,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
