import { isDeepStrictEqual } from 'node:util'
import { editionOf, type KeyRing, type MacKey, type RandomBytes, seal, unseal } from '@countersign/core'
import { type Store, StoreUnavailable } from '../store.ts'
import type { KeyRingPlace, KeyRingSnapshot } from './key-ring-place.ts'
import { commitRow } from './ring-in-store.ts'
import type { RegisteredText, RingRegister } from './ring-register.ts'

export interface RegisterOptions {
  readonly register: RingRegister
  readonly store: Store
  /** Derived from the master key: who can write to the register can neither read the ring nor make one. */
  readonly sealingKey: MacKey
  readonly random: RandomBytes
}

/** What stands in the register was not sealed under this master key. */
export class ForeignKeyRing extends StoreUnavailable {}

const label = 'key ring'
const triesAtMost = 10

/**
 * The ring is decided on outside, by compare-and-set, and the store's row is a copy of it. A ring is used only once both are the same. So whoever
 * finds the copy behind finishes what another node began (and tells it: in the same commit, so exactly once); a register that has lost its text, or
 * went back to an old one, gets it from the copy; a store that went back to an old backup gets it from the register. Nodes that use the
 * store's row alone can run at the same time: that is how one moves in and out.
 */
export function ringInRegister({ register, store, sealingKey, random }: RegisterOptions): KeyRingPlace {
  const sealed = (ring: KeyRing): string =>
    seal(sealingKey, label, JSON.stringify({ ...ring, edition: editionOf(ring) }), random)

  function opened({ text }: RegisteredText): KeyRing {
    const ring = unseal(sealingKey, label, text)
    if (ring === undefined) {
      throw new ForeignKeyRing('What stands in the place of the key ring was not sealed under this master key.')
    }
    return JSON.parse(ring.toString()) as KeyRing
  }

  async function load(): Promise<KeyRingSnapshot> {
    for (let tries = 0; tries < triesAtMost; tries++) {
      const there = await register.read()
      const copied = await store.loadIssuer()
      if (there === undefined) {
        await register.replace(sealed(copied.keyRing), undefined)
        continue
      }
      const ring = opened(there)
      if (isSame(ring, copied.keyRing)) return { ...copied, stamp: there.stamp }
      // Of two that are equally late neither was used, if the register's was not copied: the row is what others may use.
      if (editionOf(ring) > editionOf(copied.keyRing)) await commitRow(store, copied, ring)
      else await register.replace(sealed(copied.keyRing), there.stamp)
    }
    throw new StoreUnavailable('The key ring is being changed by others all the time.')
  }

  return {
    load,
    async commit(loaded, ring) {
      const later = { ...ring, edition: editionOf(loaded.keyRing) + 1 }
      if ((await register.replace(sealed(later), loaded.stamp)) === 'conflict') return 'conflict'
      if ((await commitRow(store, loaded, later)) === 'committed') return 'committed'
      // Another node has copied it already, or has written a row of its own, which then stands.
      return isSame(later, (await load()).keyRing) ? 'committed' : 'conflict'
    },
    watch: register.watch,
  }
}

function isSame(one: KeyRing, other: KeyRing): boolean {
  const keys = ({ signing, refresh, secrets = [] }: KeyRing): object => ({ signing, refresh, secrets })
  return editionOf(one) === editionOf(other) && isDeepStrictEqual(keys(one), keys(other))
}
