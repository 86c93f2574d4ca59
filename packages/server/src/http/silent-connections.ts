import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/** Long enough for a request that was on its way when the server was told to stop. */
const graceMs = 500

/**
 * Browsers and HTTP clients open connections ahead of need. Node counts one that has not said a word as busy, and a stop
 * would wait for it in vain, for as long as it waits for anybody. Returns how to let go of those that stay silent.
 */
export function watchSilentConnections(server: Server): () => void {
  const silent = new Set<Socket>()
  server.on('connection', socket => {
    silent.add(socket)
    socket.once('close', () => silent.delete(socket))
  })
  server.on('request', ({ socket }) => silent.delete(socket))
  return () => {
    const letGo = setTimeout(() => {
      for (const socket of silent) if (socket.bytesRead === 0) socket.destroy()
    }, graceMs)
    letGo.unref()
  }
}
