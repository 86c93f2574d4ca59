import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createStrictIssuer } from '@countersign/app/testing/strict-issuer'
import type { TokenServer } from './token-server.ts'

/** The SDK's strict test issuer on a port. */
export async function startStrictTokenServer({ issuer }: { issuer: string }): Promise<TokenServer> {
  const strict = createStrictIssuer({ issuer, now: Date.now })
  const server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk)
    const { method = 'GET', url = '/' } = incoming
    const headers = new Headers(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]))
    const body = method === 'GET' || method === 'OPTIONS' ? {} : { body: Buffer.concat(chunks) }
    const answer = await strict.respond(new Request(issuer + url, { method, headers, ...body }))
    outgoing.writeHead(answer.status, Object.fromEntries(answer.headers))
    outgoing.end(Buffer.from(await answer.arrayBuffer()))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    upstream: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    clientId: 'demo',
    credentials: { email: 'ada@example.com', password: 'correct horse' },
    apiPath: '/api/echo',
    expireAll: async () => strict.expireAll(),
    counts: async () => strict.counts,
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
