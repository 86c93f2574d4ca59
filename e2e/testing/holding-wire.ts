import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** What has gone over one connection since a place was named, both ways, as Latin-1; the piece that is judged is the last of its way. */
export interface Seen {
  readonly there: string
  readonly back: string
}

/** True for the piece that is to go no further. */
export type Place = (seen: Seen) => boolean

/** A wire between a node and a server on which a message can be held where it is. */
export interface HoldingWire {
  readonly port: number
  /** Resolves when a piece has come to the place: it is held, and all that follows it on its connection, either way. */
  hold(place: Place): Promise<void>
  /** What is held goes on its way, and nothing is held any more. What a node sent that has died meanwhile is lost with it. */
  release(): void
  /** From now on nothing gets through, either way, on connections old and new. */
  cut(): void
  close(): Promise<void>
}

interface Connection {
  seen: Seen
  /** What waits to go on; absent: nothing is held. */
  held: (() => void)[] | undefined
}

export async function startHoldingWire(target: number): Promise<HoldingWire> {
  const sockets = new Set<Socket>()
  const connections = new Set<Connection>()
  let isCut = false
  let wanted: { readonly place: Place; readonly reached: () => void } | undefined

  function carry(connection: Connection, way: 'there' | 'back', piece: Buffer, onward: Socket): void {
    if (connection.held === undefined && wanted !== undefined) {
      connection.seen = { ...connection.seen, [way]: connection.seen[way] + piece.toString('latin1') }
      if (wanted.place(connection.seen)) {
        connection.held = []
        wanted.reached()
        wanted = undefined
      }
    }
    if (connection.held === undefined) onward.write(piece)
    else connection.held.push(() => void onward.write(piece))
  }

  const server = createServer({ noDelay: true }, near => {
    const far = connect({ port: target, host: '127.0.0.1', noDelay: true })
    const connection: Connection = { seen: { there: '', back: '' }, held: isCut ? [] : undefined }
    connections.add(connection)
    near.on('data', piece => carry(connection, 'there', piece, far))
    far.on('data', piece => carry(connection, 'back', piece, near))
    for (const [own, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(own)
      own.on('error', () => {})
      own.on('close', () => {
        sockets.delete(own)
        connections.delete(connection)
        // What arrived before arrives still; what is held does not.
        other.destroySoon()
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  return {
    port: (server.address() as AddressInfo).port,
    hold(place) {
      for (const connection of connections) connection.seen = { there: '', back: '' }
      return new Promise(reached => {
        wanted = { place, reached }
      })
    },
    release() {
      isCut = false
      wanted = undefined
      for (const connection of connections) {
        const held = connection.held ?? []
        connection.held = undefined
        for (const go of held) go()
      }
    },
    cut() {
      isCut = true
      for (const connection of connections) connection.held ??= []
    },
    async close() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}
