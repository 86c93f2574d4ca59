import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { KeyRing } from '@countersign/core'
import {
  createMemoryStore,
  type KeyRingStore,
  type RingRegister,
  ringInRegister,
  type Store,
  StoreUnavailable,
} from '@countersign/store'
import * as given from '@countersign/store/given'
import { keyRingContract } from '@countersign/store/key-ring-contract'
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
      const register = openZookeeperRegister({ servers, path, credentials: undefined, ...quick, ...more })
      opened.push(register)
      return register
    })
  } finally {
    await Promise.all(opened.map(register => register.close()))
  }
}

/** The server's tick is half a second. */
const quick = {
  sessionMilliseconds: 1_000,
  openMilliseconds: 1_000,
  answerMilliseconds: 1_000,
  patienceMilliseconds: 20,
}

const sealingKey = Buffer.alloc(32, 3)
const ringOn = (register: RingRegister, store: Store): KeyRingStore =>
  ringInRegister({ register, store, sealingKey, random: given.random })

/** Resolves once the register says that there may be another text. */
const told = (register: RingRegister): Promise<void> =>
  new Promise(resolve => {
    const stop = register.watch(() => {
      stop()
      resolve()
    })
  })

describe('the key ring on ZooKeeper', () => {
  keyRingContract(
    { describe, test, expect },
    {
      tells: true,
      async open() {
        const clock = given.clock()
        const store = createMemoryStore(given.storeOptions(clock))
        const place = { servers: [{ host: '127.0.0.1', port: zookeeper.port }], path: `/contract-${++places}` }
        const registers = [1, 2].map(() => openZookeeperRegister({ ...place, credentials: undefined }))
        const [one, other] = registers.map(register => ringOn(register, store)) as [KeyRingStore, KeyRingStore]
        const discard = async (): Promise<void> => {
          await Promise.all([...registers.map(register => register.close()), store.close()])
        }
        return { nodes: [one, other], store, clock, discard }
      },
    },
  )
})

describe('a text on ZooKeeper', () => {
  test('is written by who has read the one before it; of fifty at once by one', async () => {
    await withRegisters(async open => {
      const nodes = [open(), open()] as const
      expect(await nodes[0].read()).toBeUndefined()
      const outcomes = async (stamp: string | undefined): Promise<string[]> =>
        (await Promise.all(Array.from({ length: 50 }, (_, n) => nodes[n % 2 === 0 ? 0 : 1].replace(`${n}`, stamp))))
          .sort()
          .filter(outcome => outcome === 'committed')
      expect(await outcomes(undefined)).toHaveLength(1)
      const first = await nodes[0].read()
      expect(await nodes[1].read()).toEqual(first)
      expect(await outcomes(first?.stamp)).toHaveLength(1)
      expect(await nodes[0].replace('late', first?.stamp)).toBe('conflict')
    })
  })

  test('that is not there yet is watched for, and one that is deleted is heard of', async () => {
    await withRegisters(async open => {
      const [one, other] = [open(), open()]
      expect(await other.read()).toBeUndefined()
      const heard = told(other)
      expect(await one.replace('first', undefined)).toBe('committed')
      await heard
      expect((await other.read())?.text).toBe('first')
    })
  })

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

describe('a server that goes away', () => {
  const life = { state: 'next', createdAt: 1, activatedAt: null, retiringAt: null, retiredAt: null } as const
  const turn = async (place: KeyRingStore): Promise<string> => {
    const loaded = await place.load()
    const refresh: KeyRing['refresh'] = [{ id: 1 + (loaded.keyRing.refresh[0]?.id ?? 0), ...life }]
    return place.commit(loaded, { ...loaded.keyRing, refresh })
  }

  test('killed while two nodes turn the ring, and started again: each turn is there or is not, for both, and told once', async () => {
    await withRegisters(async open => {
      const store = createMemoryStore(given.storeOptions(given.clock()))
      const registers = [open(), open()]
      const places = registers.map(register => ringOn(register, store))
      await places[0]?.load()
      let committed = 0
      let unknown = 0
      let goesOn = true
      const turning = places.map(async place => {
        while (goesOn) {
          const outcome = await turn(place).catch(error => {
            expect(error).toBeInstanceOf(StoreUnavailable)
            return 'unknown'
          })
          if (outcome === 'committed') committed++
          if (outcome !== 'unknown') continue
          unknown++
          const register = registers[places.indexOf(place)] as RingRegister
          // Away: heard of again as soon as there is a connection.
          await register.read().catch(() => told(register))
        }
      })
      for (const round of [1, 2]) {
        while (committed < round * 20) await new Promise(setImmediate)
        await zookeeper.kill()
        await zookeeper.start()
      }
      while (committed < 60) await new Promise(setImmediate)
      goesOn = false
      await Promise.all(turning)
      const [one, other] = await Promise.all(places.map(async place => (await place.load()).keyRing))
      expect(one).toEqual(other)
      const turns = one?.refresh[0]?.id ?? 0
      expect(turns).toBeGreaterThanOrEqual(committed)
      expect(turns).toBeLessThanOrEqual(committed + unknown)
      expect(await store.readAudit(0, 10_000)).toHaveLength(turns)
      await store.close()
    })
  })

  test('that stands still is given up, by who asks and by who only listens, and heard of again', async () => {
    await withRegisters(async open => {
      const [asks, listens] = [open(), open()]
      await asks.replace('first', undefined)
      expect((await listens.read())?.text).toBe('first')
      const { stamp } = (await asks.read()) ?? {}
      let heard: Promise<void>
      zookeeper.pause()
      try {
        // By the time that one has asked in vain twice the other has missed the answer to a ping.
        heard = told(listens)
        await expect(asks.read()).rejects.toThrow(StoreUnavailable)
        await expect(asks.replace('second', stamp)).rejects.toThrow(StoreUnavailable)
      } finally {
        zookeeper.resume()
      }
      await heard
      await listens.read()
      const again = told(listens)
      while (true) {
        const standing = await asks.read()
        if ((await asks.replace('third', standing?.stamp)) === 'committed') break
      }
      await again
      expect((await listens.read())?.text).toBe('third')
    })
  })
})

test('a wire on which nothing comes back any more is noticed by who only listens, though the server hears and is well', async () => {
  await withRegisters(async open => {
    const wire = await startWire(zookeeper.port)
    const [writes, listens] = [open(), open({ servers: [{ host: '127.0.0.1', port: wire.port }] })]
    await writes.replace('first', undefined)
    const heard = told(listens)
    await listens.read()
    wire.swallow()
    // The message about it is lost, and nobody will send it again.
    await writes.replace('second', (await writes.read())?.stamp)
    await heard
    expect((await listens.read())?.text).toBe('second')
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
