import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** A wire between a node and its database that can be cut. */
export interface CuttingProxy {
  readonly url: string
  /** From now on nothing comes back: what is sent still arrives. */
  readonly swallowAnswers: () => void
  /** The next COMMIT arrives, and the connection is cut before its answer. */
  readonly cutAtCommit: () => void
  readonly close: () => Promise<void>
}

/** As both sides say it, and not as a part of `READ COMMITTED`. */
const commit = 'COMMIT\0'

export async function startCuttingProxy(port: number): Promise<CuttingProxy> {
  const sockets = new Set<Socket>()
  let swallows = false
  let cuts = false
  const server = createServer(near => {
    const far = connect(port, '127.0.0.1')
    let isCut = false
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        if (!isCut || socket === near) far.destroy()
        near.destroy()
      })
    }
    near.on('data', (bytes: Buffer) => {
      far.write(bytes)
      if (!cuts || !bytes.includes(commit)) return
      cuts = false
      isCut = true
    })
    far.on('data', (bytes: Buffer) => {
      if (!isCut && !swallows) near.write(bytes)
      // The database has done what was asked, and says so to nobody.
      if (isCut && bytes.includes(commit)) near.destroy()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const own = (server.address() as { port: number }).port
  return {
    url: `postgres://postgres@127.0.0.1:${own}/postgres`,
    swallowAnswers() {
      swallows = true
    },
    cutAtCommit() {
      cuts = true
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
