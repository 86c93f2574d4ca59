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
  /**
   * So many statements of the node arrive from now on, and with the last it dies: it hears no answer, and nothing more of it reaches the database. 0: with
   * whatever it sends next, before that arrives.
   */
  readonly dieAfter: (statements: number) => void
  /** The same, by steps: what is sent within a transaction is none, its BEGIN and its COMMIT are. */
  readonly dieAfterSteps: (steps: number) => void
  /** How many may still arrive. */
  readonly left: () => number
  readonly isDead: () => boolean
  /** Every connection is cut, and those that are made from now on lead to another server. */
  readonly leadTo: (port: number) => void
  /** Resolves when the database has done what of a dead node had arrived, and let go of it. */
  readonly isForgotten: () => Promise<void>
  readonly close: () => Promise<void>
}

/** As both sides say it, and not as a part of `READ COMMITTED`. */
const commit = 'COMMIT\0'

export async function startCuttingProxy(port: number): Promise<CuttingProxy> {
  const sockets = new Set<Socket>()
  const farOnes = new WeakSet<Socket>()
  const letGo = new Set<Promise<unknown>>()
  let target = port
  let swallows = false
  let parted: (() => void)[] | undefined
  let cutNext: { at: 'commit' | 'answer'; cut: () => void } | undefined
  let statementsLeft = Number.POSITIVE_INFINITY
  let countsSteps = false
  /** Now, or when the wire is whole again. */
  const carry = (action: () => void): void => void (parted === undefined ? action() : parted.push(action))

  const isDead = (): boolean => statementsLeft < 0

  const server = createServer(near => {
    const far = connect(target, '127.0.0.1')
    farOnes.add(far)
    let cutting: typeof cutNext
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        if (isDead()) return
        carry(() => {
          if (cutting === undefined || socket === near) far.destroySoon()
          near.destroySoon()
        })
      })
    }
    let greeted = false
    let isWithin = false
    near.on('data', (bytes: Buffer) => {
      const statements = statementsIn(bytes, isWithin)
      isWithin = statements.at(-1)?.opens ?? isWithin
      const ends = statements.filter(({ within }) => !countsSteps || !within).map(({ end }) => end)
      if (statementsLeft <= ends.length) {
        // What it sent before arrives; what was on its way back is nobody's any more.
        far.write(bytes.subarray(0, ends[statementsLeft - 1] ?? 0))
        statementsLeft = -1
        for (const socket of sockets) {
          if (!farOnes.has(socket)) socket.destroy()
          else {
            letGo.add(new Promise<void>(resolve => void socket.once('close', () => resolve())))
            socket.end()
          }
        }
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
      countsSteps = false
    },
    dieAfterSteps(steps) {
      statementsLeft = steps
      countsSteps = true
    },
    leadTo(other) {
      target = other
      for (const socket of sockets) socket.destroy()
    },
    left: () => statementsLeft,
    isDead,
    async isForgotten() {
      await Promise.all(letGo)
      letGo.clear()
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      if (!server.listening) return
      server.close()
      await once(server, 'close')
    },
  }
}

interface Sent {
  readonly end: number
  /** It is neither the first nor the last of its transaction. */
  readonly within: boolean
  /** After it a transaction is open. */
  readonly opens: boolean
}

/** Up to each Query and each Sync (PostgreSQL's protocol, "Message Formats"): a node may send many statements at once. It opens and ends transactions by Query. */
function statementsIn(bytes: Buffer, isOpen: boolean): Sent[] {
  const sent: Sent[] = []
  let opens = isOpen
  for (let start = 0; start + 5 <= bytes.length; ) {
    const end = start + 1 + bytes.readInt32BE(start + 1)
    const isQuery = bytes[start] === 0x51
    if (isQuery || bytes[start] === 0x53) {
      const text = isQuery ? bytes.toString('latin1', start + 5, end) : ''
      const within = opens && !/^(COMMIT|ROLLBACK)/.test(text)
      if (isQuery) opens = /^BEGIN/.test(text) && !text.includes(commit)
      sent.push({ end, within, opens })
    }
    start = end
  }
  return sent
}
