import type { KeyRing } from '@countersign/core'
import * as given from '../given.ts'
import type { KeyRingPlace } from '../key-ring/key-ring-place.ts'
import { ringInRegister } from '../key-ring/ring-in-register.ts'
import type { RingRegister } from '../key-ring/ring-register.ts'
import { createMemoryStore } from '../memory-store.ts'
import { type Store, StoreUnavailable } from '../store.ts'
import type { TestApi } from './contract.ts'
import { keyRingContract } from './key-ring-contract.ts'

/** A real server that the test may do anything to. */
export interface RegisterServer {
  readonly start: () => Promise<void>
  /** As a power cut does. */
  readonly kill: () => Promise<void>
  /** Stops it where it stands, and lets it go on. */
  readonly pause: () => void
  readonly resume: () => void
}

export interface RegisterEngine {
  /**
   * Two nodes' registers on one place to which nothing was written yet. `waits`: for answers, either longer than any machine takes that is busy, or so shortly
   * that a server which says nothing is soon given up.
   */
  readonly open: (waits: 'long' | 'shortly') => readonly [RingRegister, RingRegister]
  readonly server: () => RegisterServer
}

const sealingKey = Buffer.alloc(32, 3)
const ringOn = (register: RingRegister, store: Store): KeyRingPlace =>
  ringInRegister({ register, store, sealingKey, random: given.random })

/** Resolves once the register says that there may be another text. */
export function toldBy(register: RingRegister): Promise<void> {
  return new Promise(resolve => {
    const stop = register.watch(() => {
      stop()
      resolve()
    })
  })
}

/** Resolves once the text stands there, for who looks when it is told to and at no other time. */
function hears(register: RingRegister, text: string): Promise<void> {
  return new Promise(resolve => {
    const look = async (): Promise<void> => {
      const found = await register.read().catch(() => undefined)
      if (found?.text !== text) return
      stop()
      resolve()
    }
    const stop = register.watch(() => void look())
  })
}

const life = { state: 'next', createdAt: 1, activatedAt: null, retiringAt: null, retiredAt: null } as const

async function turn(place: KeyRingPlace): Promise<string> {
  const loaded = await place.load()
  const refresh: KeyRing['refresh'] = [{ id: 1 + (loaded.keyRing.refresh[0]?.id ?? 0), ...life }]
  return place.commit(loaded, { ...loaded.keyRing, refresh })
}

/** What every place outside the store must do, on its real server. Call it in a test file with vitest's functions. */
export function ringRegisterContract(api: TestApi, engine: RegisterEngine): void {
  const { describe, test, expect } = api
  type Body = (registers: readonly [RingRegister, RingRegister]) => Promise<void>
  const it = (name: string, body: Body, waits: 'long' | 'shortly' = 'long'): void =>
    test(name, async () => {
      const registers = engine.open(waits)
      try {
        await body(registers)
      } finally {
        await Promise.all(registers.map(register => register.close()))
      }
    })

  describe('a key ring in it', () => {
    keyRingContract(api, {
      tells: true,
      async open() {
        const clock = given.clock()
        const store = createMemoryStore(given.storeOptions(clock))
        const registers = engine.open('long')
        const [one, other] = [ringOn(registers[0], store), ringOn(registers[1], store)]
        const discard = async (): Promise<void> => {
          await Promise.all([...registers.map(register => register.close()), store.close()])
        }
        return { nodes: [one, other], store, clock, discard }
      },
    })
  })

  it('a text is written by who has read the one before it; of fifty at once by one', async nodes => {
    expect(await nodes[0].read()).toBeUndefined()
    const committed = async (stamp: string | undefined): Promise<number> => {
      const writes = Array.from({ length: 50 }, (_, n) => nodes[n % 2 === 0 ? 0 : 1].replace(`${n}`, stamp))
      return (await Promise.all(writes)).filter(outcome => outcome === 'committed').length
    }
    expect(await committed(undefined)).toBe(1)
    const first = await nodes[0].read()
    expect(await nodes[1].read()).toEqual(first)
    expect(await committed(first?.stamp)).toBe(1)
    expect(await nodes[0].replace('late', first?.stamp)).toBe('conflict')
  })

  it('a text that is not there yet is watched for', async ([one, other]) => {
    const heard = hears(other, 'first')
    expect(await other.read()).toBeUndefined()
    expect(await one.replace('first', undefined)).toBe('committed')
    await heard
  })

  it(
    'who has looked in vain where there was no server yet is told as soon as there is one',
    async ([early]) => {
      const server = engine.server()
      await server.kill()
      try {
        await expect(early.read()).rejects.toThrow(StoreUnavailable)
      } finally {
        const told = toldBy(early)
        await server.start()
        await told
      }
    },
    'shortly',
  )

  it(
    'a server that is killed while two nodes turn the ring, and started again: each turn is there or is not, for both, and told once',
    async registers => {
      const server = engine.server()
      const store = createMemoryStore(given.storeOptions(given.clock()))
      const places = registers.map(register => ringOn(register, store))
      await places[0]?.load()
      let [committed, unknown, goesOn] = [0, 0, true]
      let next = Promise.withResolvers<void>()
      const until = async (wanted: number): Promise<void> => {
        while (committed < wanted) await next.promise
      }
      const turning = registers.map(async register => {
        const place = ringOn(register, store)
        while (goesOn) {
          const outcome = await turn(place).catch(error => {
            expect(error).toBeInstanceOf(StoreUnavailable)
            return 'unknown'
          })
          if (outcome === 'committed') {
            committed++
            next.resolve()
            next = Promise.withResolvers<void>()
          }
          if (outcome !== 'unknown') continue
          unknown++
          // Away: heard of again as soon as there is a connection.
          await register.read().catch(() => toldBy(register))
        }
      })
      for (const round of [1, 2]) {
        await until(round * 20)
        await server.kill()
        await server.start()
      }
      await until(60)
      goesOn = false
      await Promise.all(turning)
      const [one, other] = await Promise.all(places.map(async place => (await place.load()).keyRing))
      expect(one).toEqual(other)
      const turns = one?.refresh[0]?.id ?? 0
      expect(turns).toBeGreaterThanOrEqual(committed)
      expect(turns).toBeLessThanOrEqual(committed + unknown)
      expect(await store.readAudit(0, 10_000)).toHaveLength(turns)
      await store.close()
    },
    'shortly',
  )

  it(
    'a server that stands still is given up by who asks, and is heard of again by who only listens',
    async ([asks, listens]) => {
      await asks.replace('first', undefined)
      expect((await listens.read())?.text).toBe('first')
      const heard = hears(listens, 'third')
      const { stamp } = (await asks.read()) ?? {}
      engine.server().pause()
      try {
        await expect(asks.read()).rejects.toThrow(StoreUnavailable)
        await expect(asks.replace('second', stamp)).rejects.toThrow(StoreUnavailable)
      } finally {
        engine.server().resume()
      }
      // What it had been asked may come first, and it may need a moment.
      const replaceNow = async (): Promise<string> => asks.replace('third', (await asks.read())?.stamp)
      await given.becomesSo(async () => (await replaceNow().catch(untilItAnswers)) === 'committed')
      await heard
    },
    'shortly',
  )
}

function untilItAnswers(error: unknown): undefined {
  if (!(error instanceof StoreUnavailable)) throw error
}
