import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** A wire between a node and its database that can be cut. */
export interface CuttingProxy {
  readonly url: string
  /** From now on nothing comes back: what is sent still arrives. */
  readonly swallowAnswers: () => void
  /** From now on nothing gets through, either way, and nobody is told; new connections are made, and say nothing. */
  readonly partition: () => void
  /** What was held back goes on its way, as a network would send it again. */
  readonly heal: () => void
  /** The next COMMIT arrives, and the connection is cut before its answer; `cut` is called then. */
  readonly cutAtCommit: (cut?: () => void) => void
  /** The same, whatever it is that is asked next. */
  readonly cutAtAnswer: (cut?: () => void) => void
  /** So many statements of the node arrive from now on; before the next it dies: nothing of it reaches the database any more. */
  readonly dieAfter: (statements: number) => void
  readonly isDead: () => boolean
  readonly close: () => Promise<void>
}

/** As both sides say it, and not as a part of `READ COMMITTED`. */
const commit = 'COMMIT\0'

export async function startCuttingProxy(port: number): Promise<CuttingProxy> {
  const sockets = new Set<Socket>()
  let swallows = false
  let parted: (() => void)[] | undefined
  let cutNext: { at: 'commit' | 'answer'; cut: () => void } | undefined
  let statementsLeft = Number.POSITIVE_INFINITY
  /** Now, or when the wire is whole again. */
  const carry = (action: () => void): void => void (parted === undefined ? action() : parted.push(action))

  const server = createServer(near => {
    const far = connect(port, '127.0.0.1')
    let cutting: typeof cutNext
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        carry(() => {
          if (cutting === undefined || socket === near) far.destroySoon()
          near.destroySoon()
        })
      })
    }
    let greeted = false
    near.on('data', (bytes: Buffer) => {
      const ends = statementEnds(bytes)
      if (statementsLeft < ends.length) {
        // What it sent before arrives; what was on its way back is nobody's any more.
        far.end(bytes.subarray(0, ends[statementsLeft - 1] ?? 0))
        for (const socket of sockets) if (socket !== far) socket.destroy()
        statementsLeft = -1
        return
      }
      statementsLeft -= ends.length
      carry(() => far.write(bytes))
      const isCutHere = cutNext?.at === 'commit' ? bytes.includes(commit) : greeted
      greeted = true
      if (cutNext === undefined || cutting !== undefined || !isCutHere) return
      cutting = cutNext
      cutNext = undefined
    })
    far.on('data', (bytes: Buffer) => {
      if (cutting === undefined) {
        if (!swallows) carry(() => near.write(bytes))
        return
      }
      // The database has done what was asked, and says so to nobody.
      if (cutting.at === 'commit' && !bytes.includes(commit)) return
      cutting.cut()
      near.destroy()
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
    partition() {
      parted ??= []
    },
    heal() {
      const held = parted ?? []
      parted = undefined
      for (const action of held) action()
    },
    cutAtCommit(cut = () => {}) {
      cutNext = { at: 'commit', cut }
    },
    cutAtAnswer(cut = () => {}) {
      cutNext = { at: 'answer', cut }
    },
    dieAfter(statements) {
      statementsLeft = statements
    },
    isDead: () => statementsLeft < 0,
    async close() {
      for (const socket of sockets) socket.destroy()
      if (!server.listening) return
      server.close()
      await once(server, 'close')
    },
  }
}

/** Behind each Query and each Sync (PostgreSQL's protocol, "Message Formats"): a node may send many statements at once. */
function statementEnds(bytes: Buffer): number[] {
  const ends: number[] = []
  for (let start = 0; start + 5 <= bytes.length; ) {
    const end = start + 1 + bytes.readInt32BE(start + 1)
    if (bytes[start] === 0x51 || bytes[start] === 0x53) ends.push(end)
    start = end
  }
  return ends
}
