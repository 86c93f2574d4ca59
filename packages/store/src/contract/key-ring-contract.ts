import {
  defaultKeyPolicy,
  editionOf,
  type KeyRing,
  type NewSigningKey,
  retireSigningKey,
  turnKeys,
} from '@countersign/core'
import type * as given from '../given.ts'
import type { KeyRingPlace, KeyRingSnapshot } from '../key-ring/key-ring-place.ts'
import type { Store } from '../store.ts'
import type { TestApi } from './contract.ts'

/** Two nodes that agree on one key ring. */
export interface OpenedKeyRing {
  readonly nodes: readonly [KeyRingPlace, KeyRingPlace]
  /** The store of the first node. */
  readonly store: Store
  readonly clock: given.TestClock
  readonly discard: () => Promise<void>
}

export interface KeyRingEngine {
  readonly open: () => Promise<OpenedKeyRing>
  /** Whether other nodes are told of a change, and need not look. */
  readonly tells: boolean
}

let made = 0
const make = (alg: NewSigningKey['alg']): NewSigningKey => ({
  kid: `key-${++made}`,
  alg,
  publicJwk: { kty: 'EC' },
  sealedPrivate: 'sealed',
})

/** What the schedule makes of a ring. */
export function turned({ keyRing, now }: KeyRingSnapshot): KeyRing {
  return turnKeys(keyRing, now, defaultKeyPolicy, make)
}

/** What every place of the key ring must do. Call it in a test file with vitest's functions and a way to open the place. */
export function keyRingContract({ test, expect }: TestApi, engine: KeyRingEngine): void {
  const it = (name: string, body: (opened: OpenedKeyRing) => Promise<void>): void =>
    test(name, async () => {
      const opened = await engine.open()
      try {
        await body(opened)
      } finally {
        await opened.discard()
      }
    })
  const rest = ({ signing, refresh }: KeyRing): object => ({ signing, refresh })
  const audited = async (store: Store): Promise<unknown[]> =>
    (await store.readAudit(0, 100)).map(({ record }) => [record.event, record.facts])

  it('begins empty, with the time of the store', async ({ nodes: [one, other], clock }) => {
    for (const node of [one, other]) {
      const { keyRing, now } = await node.load()
      expect(rest(keyRing)).toEqual({ signing: [], refresh: [] })
      expect(Math.abs(now - clock.now())).toBeLessThan(60_000)
    }
  })

  it('what one node has put there the other one finds, a later edition', async ({ nodes: [one, other] }) => {
    const before = await one.load()
    const ring = turned(before)
    expect(await one.commit(before, ring)).toBe('committed')
    const found = (await other.load()).keyRing
    expect(rest(found)).toEqual(rest(ring))
    expect(editionOf(found)).toBe(editionOf(before.keyRing) + 1)
    expect((await one.load()).keyRing).toEqual(found)
  })

  it('of twenty that turn the same ring on two nodes one does, and it is told once', async ({ nodes, store }) => {
    const loaded = await Promise.all(Array.from({ length: 20 }, (_, n) => nodes[n % 2 === 0 ? 0 : 1].load()))
    const outcomes = await Promise.all(
      loaded.map((before, n) => nodes[n % 2 === 0 ? 0 : 1].commit(before, turned(before))),
    )
    expect(outcomes.filter(outcome => outcome === 'committed')).toHaveLength(1)
    const [first, second] = [(await nodes[0].load()).keyRing, (await nodes[1].load()).keyRing]
    expect(first).toEqual(second)
    expect(first.signing).toHaveLength(2)
    expect(await audited(store)).toEqual([['keys.turned', { active: first.signing[0]?.kid }]])
  })

  it('who has loaded the ring before another one changed it changes nothing', async ({
    nodes: [one, other],
    store,
  }) => {
    const old = await other.load()
    const first = await one.load()
    await one.commit(first, turned(first))
    const standing = await one.load()
    expect(await other.commit(old, { ...turned(old), refresh: [] })).toBe('conflict')
    expect(await one.load()).toMatchObject({ keyRing: standing.keyRing })
    expect(await audited(store)).toHaveLength(1)
  })

  it('a key that is killed is told in the audit log and in the feed, once', async ({ nodes: [one, other], store }) => {
    const first = await one.load()
    await one.commit(first, turned(first))
    const loaded = await other.load()
    const kid = loaded.keyRing.signing[0]?.kid ?? ''
    const ring = retireSigningKey(loaded.keyRing, kid, loaded.now, defaultKeyPolicy, make)
    expect(await other.commit(loaded, ring as KeyRing)).toBe('committed')
    const found = await Promise.all([one.load(), other.load()])
    for (const { keyRing } of found) expect(keyRing.signing[0]).toMatchObject({ kid, state: 'retired' })
    expect((await audited(store)).slice(1)).toEqual([['key.retired', { key: kid }]])
    expect((await store.feed.snapshot()).entries).toMatchObject([{ kind: 'key', id: kid }])
  })

  if (!engine.tells) return

  it('the other node is told, again and again', async ({ nodes: [one, other] }) => {
    for (const round of [1, 2, 3]) {
      const heard = new Promise<void>((resolve, reject) => {
        const look = async (): Promise<void> => {
          if ((await other.load()).keyRing.refresh[0]?.id !== round) return
          stop()
          resolve()
        }
        const stop = other.watch(() => void look().catch(reject))
      })
      await other.load()
      const loaded = await one.load()
      await one.commit(loaded, { ...loaded.keyRing, refresh: [born(round)] })
      await heard
    }
  })
}

function born(id: number): KeyRing['refresh'][number] {
  return { id, state: 'next', createdAt: 1, activatedAt: null, retiringAt: null, retiredAt: null }
}
