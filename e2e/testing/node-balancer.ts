import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse, request as sendRequest } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One address in front of several nodes, which takes turns, and says by a header (`served-by`) whose turn it was. */
export interface NodeBalancer {
  readonly url: string
  close(): Promise<void>
}

/** `nodes`: name and `host:port` of each, in the order of turns. One that is not there is passed over; a request that it may have seen is lost. */
export async function startNodeBalancer(
  nodes: readonly { name: string; address: string }[],
  port: number,
): Promise<NodeBalancer> {
  let turns = 0

  function forward(incoming: IncomingMessage, outgoing: ServerResponse, body: Buffer, turn: number, tries = 1): void {
    const node = nodes[turn % nodes.length]
    if (node === undefined) return void incoming.socket.destroy()
    const { method, url = '/', headers } = incoming
    const sent = sendRequest(`http://${node.address}${url}`, { method, headers, agent: false }, answer => {
      outgoing.writeHead(answer.statusCode ?? 502, { ...answer.headers, 'served-by': node.name })
      answer.on('error', () => outgoing.destroy())
      answer.pipe(outgoing)
    })
    outgoing.on('close', () => sent.destroy())
    sent.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' && tries < nodes.length) forward(incoming, outgoing, body, turn + 1, tries + 1)
      else incoming.socket.destroy()
    })
    sent.end(body)
  }

  const server = createServer(async (incoming, outgoing) => {
    forward(incoming, outgoing, Buffer.concat(await incoming.toArray()), turns++)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
