import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { type RingRegister, StoreUnavailable } from '@countersign/store'
import { ringRegisterContract, toldBy } from '@countersign/store/ring-register-contract'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openZookeeperRegister, type ZookeeperRegisterOptions } from './open-zookeeper-register.ts'
import { startZookeeper, type ZookeeperProcess } from './testing/zookeeper-server.ts'

let zookeeper: ZookeeperProcess
beforeAll(async () => {
  zookeeper = await startZookeeper()
})
afterAll(() => zookeeper.discard())

let places = 0
/** A place of its own, and registers on it as different nodes have them; closed afterwards. */
async function withRegisters(
  body: (open: (more?: Partial<ZookeeperRegisterOptions>) => RingRegister) => Promise<void>,
): Promise<void> {
  const path = `/test-${++places}/of/keys`
  const opened: RingRegister[] = []
  try {
    await body(more => {
      const servers = [{ host: '127.0.0.1', port: zookeeper.port }]
      const register = openZookeeperRegister({ servers, path, credentials: undefined, ...patient, ...more })
      opened.push(register)
      return register
    })
  } finally {
    await Promise.all(opened.map(register => register.close()))
  }
}

/** The server's tick is half a second, and twenty of them the longest session. */
const patient = {
  sessionMilliseconds: 10_000,
  openMilliseconds: 20_000,
  answerMilliseconds: 20_000,
  patienceMilliseconds: 20,
}

const quick = {
  sessionMilliseconds: 3_000,
  openMilliseconds: 1_000,
  answerMilliseconds: 1_000,
  patienceMilliseconds: 20,
}

describe('ZooKeeper', () => {
  ringRegisterContract(
    { describe, test, expect },
    {
      server: () => zookeeper,
      open(waits) {
        const servers = [{ host: '127.0.0.1', port: zookeeper.port }]
        const own = waits === 'shortly' ? quick : patient
        const place = { servers, path: `/contract-${++places}/of/keys`, credentials: undefined, ...own }
        return [openZookeeperRegister(place), openZookeeperRegister(place)]
      },
    },
  )
})

describe('a text on ZooKeeper', () => {
  test('whose maker has credentials is read and written with these alone', async () => {
    await withRegisters(async open => {
      const [owner, again] = [open({ credentials: 'us:secret word' }), open({ credentials: 'us:secret word' })]
      expect(await owner.replace('sealed', undefined)).toBe('committed')
      expect((await again.read())?.text).toBe('sealed')
      for (const credentials of [undefined, 'us:another word']) {
        const stranger = open({ credentials })
        const refused = await Promise.allSettled([stranger.read(), stranger.replace('x', '0')])
        for (const outcome of refused) {
          const { reason } = outcome as PromiseRejectedResult
          expect(reason).toBeInstanceOf(StoreUnavailable)
          expect(`${reason.message} ${reason.cause}`).not.toMatch(/word/)
        }
      }
    })
  })

  test('is found at any server that answers, whichever of them do not', async () => {
    await withRegisters(async open => {
      const here = { host: '127.0.0.1', port: zookeeper.port }
      const nowhere = { host: '127.0.0.1', port: 1 }
      for (const chance of [0, 0.4, 0.8]) {
        expect(await open({ servers: [nowhere, here, nowhere], chance }).read()).toBeUndefined()
      }
      await expect(open({ servers: [nowhere, nowhere] }).read()).rejects.toThrow(StoreUnavailable)
    })
  })
})

test('a wire on which nothing comes back any more is noticed by who only listens, though the server hears and is well', async () => {
  await withRegisters(async open => {
    const wire = await startWire(zookeeper.port)
    const behind = { servers: [{ host: '127.0.0.1', port: wire.port }], ...quick, sessionMilliseconds: 1_000 }
    const [writes, listens] = [open(), open(behind)]
    await writes.replace('first', undefined)
    await listens.read()
    const heard = toldBy(listens)
    wire.swallow()
    // The message about it is lost, and nobody will send it again.
    await writes.replace('second', (await writes.read())?.stamp)
    await heard
    const found = (): Promise<unknown> =>
      listens.read().then(
        one => one?.text,
        () => undefined,
      )
    await expect.poll(found).toBe('second')
    await wire.close()
  })
})

/** A wire whose connections can be made to swallow what the server says; new ones do not. */
async function startWire(port: number): Promise<{ port: number; swallow(): void; close(): Promise<void> }> {
  const pairs = new Map<Socket, Socket>()
  const swallowing = new Set<Socket>()
  const server = createServer(near => {
    const far = connect(port, '127.0.0.1')
    pairs.set(near, far)
    for (const socket of [near, far])
      socket.on('error', () => {}).on('close', () => [near, far].map(one => one.destroy()))
    near.on('data', bytes => far.write(bytes))
    far.on('data', bytes => {
      if (!swallowing.has(near)) near.write(bytes)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as { port: number }).port,
    swallow() {
      for (const near of pairs.keys()) swallowing.add(near)
    },
    async close() {
      for (const near of pairs.keys()) near.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

test('who answers nonsense in the place of a server is away, and nothing worse', async () => {
  let nonsense = Buffer.alloc(0)
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.end(nonsense)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const session = Buffer.from('000000250000000000000fa0000000000000000100000010'.padEnd(82, '0'), 'hex')
  const bytes = fc.uint8Array({ maxLength: 60 }).map(one => Buffer.from(one))
  await fc.assert(
    fc.asyncProperty(bytes, fc.boolean(), async (noise, begins) => {
      nonsense = begins ? Buffer.concat([session, noise]) : noise
      const servers = [{ host: '127.0.0.1', port }]
      const register = openZookeeperRegister({ ...quick, servers, path: '/keys', credentials: undefined })
      await expect(register.read()).rejects.toThrow(StoreUnavailable)
      await register.close()
    }),
    { numRuns: 100, seed: 1 },
  )
  for (const socket of sockets) socket.destroy()
  server.close()
})
