import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A port of loopback behind which there is one server, and after `moveTo` another for who connects from then on: a name that moves with the primary. */
export interface MovingAddress {
  readonly port: number
  readonly moveTo: (port: number) => void
  /** The next answer ends its connection, and is not passed on: what was asked has been done. */
  readonly loseNextAnswer: () => void
  readonly close: () => void
}

export async function movingAddress(first: number): Promise<MovingAddress> {
  let target = first
  let losesNext = false
  const open = new Set<Socket>()
  const listening = createServer(near => {
    const far = connect(target, '127.0.0.1')
    far.prependListener('data', () => {
      if (losesNext) near.destroy()
      losesNext = false
    })
    for (const [socket, peer] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(socket)
      socket.on('error', () => {}).on('close', () => void (open.delete(socket) && peer.destroy()))
      socket.pipe(peer)
    }
  })
  await once(listening.listen(0, '127.0.0.1'), 'listening')
  return {
    port: (listening.address() as AddressInfo).port,
    moveTo(port) {
      target = port
    },
    loseNextAnswer() {
      losesNext = true
    },
    close() {
      listening.close()
      for (const socket of open) socket.destroy()
    },
  }
}
