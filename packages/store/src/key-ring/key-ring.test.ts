import { describe, expect, test } from 'vitest'
import { keyRingContract, turned } from '../contract/key-ring-contract.ts'
import * as given from '../given.ts'
import { createMemoryStore } from '../memory-store.ts'
import type { Store } from '../store.ts'
import type { KeyRingPlace, KeyRingSnapshot } from './key-ring-place.ts'
import { createMemoryRegister } from './memory-register.ts'
import { ForeignKeyRing, ringInRegister } from './ring-in-register.ts'
import { ringInStore } from './ring-in-store.ts'
import type { RingRegister } from './ring-register.ts'

const sealingKey = Buffer.alloc(32, 3)
const inRegister = (register: RingRegister, store: Store, key = sealingKey): KeyRingPlace =>
  ringInRegister({ register, store, sealingKey: key, random: given.random })

describe('the key ring in a register', () => {
  keyRingContract(
    { describe, test, expect },
    {
      tells: true,
      async open() {
        const clock = given.clock()
        const store = createMemoryStore(given.storeOptions(clock))
        const register = createMemoryRegister()
        const nodes = [inRegister(register, store), inRegister(register, store)] as const
        return { nodes, store, clock, discard: () => store.close() }
      },
    },
  )
})

describe('in and out of a register', () => {
  async function begun(): Promise<{ store: Store; row: KeyRingPlace; register: RingRegister; outside: KeyRingPlace }> {
    const store = createMemoryStore(given.storeOptions(given.clock()))
    const register = createMemoryRegister()
    const row = ringInStore(store)
    const first = await row.load()
    await row.commit(first, turned(first))
    return { store, row, register, outside: inRegister(register, store) }
  }
  /** Another ring than before, told apart by its refresh keys. */
  async function change(place: KeyRingPlace, id: number, known?: KeyRingSnapshot): Promise<string> {
    const loaded = known ?? (await place.load())
    const life = { state: 'next', createdAt: 1, activatedAt: null, retiringAt: null, retiredAt: null } as const
    return place.commit(loaded, { ...loaded.keyRing, refresh: [{ id, ...life }] })
  }
  const idOf = async (place: KeyRingPlace): Promise<number | undefined> => (await place.load()).keyRing.refresh[0]?.id

  test('an empty register takes the ring of the store, which nobody has to move', async () => {
    const { row, outside } = await begun()
    expect((await outside.load()).keyRing.signing).toEqual((await row.load()).keyRing.signing)
  })

  test('nodes inside and outside turn one ring, by turns and at once', async () => {
    const { row, outside } = await begun()
    for (const id of [11, 12, 13, 14, 15]) {
      expect(await change(id % 2 === 0 ? row : outside, id)).toBe('committed')
      expect(await idOf(row)).toBe(id)
      expect(await idOf(outside)).toBe(id)
    }
    for (const id of [20, 30, 40]) {
      const [inRow, there] = [await row.load(), await outside.load()]
      const outcomes = await Promise.all([change(row, id, inRow), change(outside, id + 1, there)])
      expect(outcomes.filter(outcome => outcome === 'committed')).toHaveLength(1)
      const stands = outcomes[0] === 'committed' ? id : id + 1
      expect([await idOf(row), await idOf(outside)]).toEqual([stands, stands])
    }
  })

  test('what a node had put there when it died another one tells: once, and before anybody uses it', async () => {
    const { store, register, outside } = await begun()
    await outside.load()
    const dying = inRegister(register, {
      ...store,
      commit: () => Promise.reject(new Error('killed')),
    })
    await expect(change(dying, 7)).rejects.toThrow('killed')
    const before = (await store.readAudit(0, 100)).length
    expect(await Promise.all([idOf(outside), idOf(outside)])).toEqual([7, 7])
    expect((await store.loadIssuer()).keyRing.refresh[0]?.id).toBe(7)
    expect(await store.readAudit(before, 100)).toHaveLength(1)
  })

  test('a register that went back to an old text, or lost it, gets the ring from the store', async () => {
    const { store, register, outside } = await begun()
    await change(outside, 7)
    const old = (await register.read())?.text ?? ''
    await change(outside, 8)
    await register.replace(old, (await register.read())?.stamp)
    expect(await idOf(outside)).toBe(8)
    expect(await idOf(inRegister(createMemoryRegister(), store))).toBe(8)
  })

  test('a store that went back to an old backup gets it from the register', async () => {
    const { store, outside } = await begun()
    const { keyRing: old } = await store.loadIssuer()
    await change(outside, 7)
    await change(outside, 8)
    const { version } = (await store.loadIssuer()).keyRing
    await store.commit(given.change([{ table: 'keyRing', row: { ...old, version } }]))
    expect(await idOf(outside)).toBe(8)
    expect((await store.loadIssuer()).keyRing.refresh[0]?.id).toBe(8)
  })

  test('F5: nobody can read or forge it there: a text of another master key is refused, and left as it is', async () => {
    const { store, register, outside } = await begun()
    await outside.load()
    const text = (await register.read())?.text ?? ''
    expect(Buffer.from(text, 'base64url').toString('latin1')).not.toContain('signing')
    await expect(inRegister(register, store, Buffer.alloc(32, 4)).load()).rejects.toThrow(ForeignKeyRing)
    expect((await register.read())?.text).toBe(text)
    await register.replace(JSON.stringify((await outside.load()).keyRing), (await register.read())?.stamp)
    await expect(outside.load()).rejects.toThrow(ForeignKeyRing)
  })
})
