import { editionOf, type KeyRing, tellRingChange } from '@countersign/core'
import type { IssuerSnapshot, Store } from '../store.ts'
import type { KeyRingPlace } from './key-ring-place.ts'

/** The ring is a row of the store. Nothing tells the other nodes: they look. */
export function ringInStore(store: Store): KeyRingPlace {
  return {
    load: () => store.loadIssuer(),
    commit: (loaded, ring) => commitRow(store, loaded, { ...ring, edition: editionOf(loaded.keyRing) + 1 }),
    watch: () => () => {},
  }
}

/** Ring, audit records and entries in one commit: told exactly once, whoever does it. */
export function commitRow(store: Store, loaded: IssuerSnapshot, ring: KeyRing): Promise<'committed' | 'conflict'> {
  return store.commit({
    writes: [{ table: 'keyRing', row: { ...ring, version: loaded.keyRing.version } }],
    ...tellRingChange(loaded.keyRing, ring, loaded),
    durable: true,
    time: loaded.now,
  })
}
