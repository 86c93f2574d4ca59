import type { Services } from '@countersign/server'
import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client'
import type { StoreClock } from '../store-clock.ts'

/** What is looked at when somebody asks: followers, keys, the queue of passwords, the process. */
export function watchNode(
  registry: Registry,
  services: Services,
  besides: {
    feedLookedAt: () => number | undefined
    valkeyIsThere: (() => boolean) | undefined
    storeClock: Pick<StoreClock, 'aheadMs'>
  },
): void {
  const { feedLookedAt, valkeyIsThere, storeClock } = besides
  const registers = [registry]
  const number = (name: string, help: string, read: () => number): unknown =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read())
      },
    })
  number('countersign_draining', '1 once this node is about to stop.', () => (services.drain.hasBegun() ? 1 : 0))
  number('countersign_valkey_up', '1 while Valkey answers this node; 0: it does not, or there is none.', () =>
    valkeyIsThere?.() ? 1 : 0,
  )
  number(
    'countersign_store_clock_ahead_seconds',
    'How far the clock of the database is ahead of this node’s; beyond 120 s, both ways, nothing is answered.',
    () => storeClock.aheadMs() / 1000,
  )
  number('countersign_feed_followers', 'Open event streams of the feed.', () => services.feed.followers())
  number('countersign_feed_lag_seconds', 'How old the last look at the feed is; 0 while nobody follows.', () => {
    const lookedAt = feedLookedAt()
    if (services.feed.followers() === 0 || lookedAt === undefined) return 0
    return (performance.now() - lookedAt) / 1000
  })
  number(
    'countersign_key_ring_age_seconds',
    'Since the keys were read; after 60 s a node stops signing.',
    () => services.keys.ringAge() / 1000,
  )
  watchKeys(registry, services)
  new Gauge({
    name: 'countersign_passwords',
    help: 'Passwords that are being judged, or wait for their turn.',
    labelNames: ['state'] as const,
    registers,
    collect() {
      const { running, waiting } = services.passwords.load()
      this.set({ state: 'running' }, running)
      this.set({ state: 'waiting' }, waiting)
    },
  })
  collectDefaultMetrics({ register: registry })
}

function watchKeys(registry: Registry, { keys, clock }: Services): void {
  const registers = [registry]
  new Gauge({
    name: 'countersign_keys',
    help: 'Keys of the ring by their state.',
    labelNames: ['use', 'algorithm', 'state'] as const,
    registers,
    collect() {
      this.reset()
      const { signing, refresh, secrets = [] } = readRing(keys)
      for (const { state } of secrets) this.inc({ use: 'shared', algorithm: 'HS256', state })
      for (const { alg, state } of signing) this.inc({ use: 'signing', algorithm: alg, state })
      for (const { state } of refresh) this.inc({ use: 'refresh', algorithm: 'HMAC', state })
    },
  })
  new Gauge({
    name: 'countersign_active_key_age_seconds',
    help: 'Since the key that is used came into use.',
    labelNames: ['use', 'algorithm'] as const,
    registers,
    collect() {
      this.reset()
      const { signing, refresh } = readRing(keys)
      const since = (activatedAt: number | null): number => (clock() - (activatedAt ?? clock())) / 1000
      for (const { alg, state, activatedAt } of signing) {
        if (state === 'active') this.set({ use: 'signing', algorithm: alg }, since(activatedAt))
      }
      for (const { state, activatedAt } of refresh) {
        if (state === 'active') this.set({ use: 'refresh', algorithm: 'HMAC' }, since(activatedAt))
      }
    },
  })
}

/** A node that is cut off from its ring shows no keys; how old the ring is says why. */
function readRing(
  keys: Services['keys'],
): Pick<ReturnType<Services['keys']['ring']>, 'signing' | 'refresh' | 'secrets'> {
  try {
    return keys.ring()
  } catch {
    return { signing: [], refresh: [] }
  }
}
