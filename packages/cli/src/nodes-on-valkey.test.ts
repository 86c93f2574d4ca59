import { once } from 'node:events'
import type { Store } from '@countersign/store'
import { storeContract } from '@countersign/store/contract-suite'
import * as given from '@countersign/store/given'
import { openPostgresStore } from '@countersign/store-postgres'
import { type Cluster, startCluster } from '@countersign/store-postgres/testing/cluster'
import { emptySchema } from '@countersign/store-postgres/testing/schemas'
import { besideTrouble } from '@countersign/store-valkey/testing/beside-trouble'
import { startValkey, type ValkeyServer } from '@countersign/store-valkey/testing/valkey-server'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type FastLane, openValkey } from './open-valkey.ts'

let cluster: Cluster
let valkey: ValkeyServer
const closings: (() => Promise<void>)[] = []

beforeAll(async () => {
  ;[cluster, valkey] = await Promise.all([
    startCluster({ settings: ['fsync=off'] }),
    startValkey({ password: 'hidden-word' }),
  ])
})
afterAll(() => Promise.all([cluster.discard(), valkey.discard()]))
afterEach(async () => {
  for (const close of closings.splice(0).reverse()) await close()
})

const clock = given.clock()
const lines: string[] = []
const write = (facts: object, text: string): void => void lines.push(JSON.stringify({ facts, text }))
const log = { info: write, warn: write, error: write }

/** A node that hears nothing from the database; `looks`: but does look by itself. */
async function node(looks: boolean): Promise<Store & { lane: FastLane }> {
  const every = looks ? {} : { every: () => () => {} }
  const store = await openPostgresStore({ ...given.storeOptions(clock), url: cluster.url, listenUrl: null, ...every })
  const lane = (await openValkey({ valkey: valkey.url }, { log, namespace: store.feed.incarnation })) as FastLane
  closings.push(store.close, lane.close)
  await expect.poll(() => lane.isThere()).toBe(true)
  return { ...lane.tellCommits(store), lane }
}

/** Listens at a node; each call of the answer resolves with the next message. */
function listen(there: Store): () => Promise<unknown> {
  const called = new EventTarget()
  there.feed.subscribe(() => void called.dispatchEvent(new Event('called')))
  return () => once(called, 'called')
}

async function revoke(here: Store, id: string): Promise<void> {
  const until = Math.floor(clock.now() / 1000) + 900
  await here.commit(given.change([], { entries: [{ kind: 'token', id, until }] }))
}

const idsAt = async (there: Store): Promise<string[]> => (await there.feed.snapshot()).entries.map(({ id }) => id)

test('a node that neither listens at the database nor looks by itself hears of a revocation through Valkey', async () => {
  const [here, there] = [await node(false), await node(false)]
  const next = listen(there)
  // It has subscribed.
  await next()
  const called = next()
  await revoke(here, 'first')
  await called
  expect(await idsAt(there)).toContain('first')
})

test('one to which Valkey and LISTEN were cut finds it by looking', async () => {
  const [here, there] = [await node(true), await node(true)]
  await valkey.kill()
  await expect.poll(() => there.lane.isThere()).toBe(false)
  const called = listen(there)()
  await revoke(here, 'second')
  await called
  expect(await idsAt(there)).toContain('second')
  await valkey.start()
  expect(lines.join()).toContain('Valkey is away')
  expect(lines.join()).not.toContain('hidden-word')
})

// The lane is laid around commits and the feed alone, and the whole suite runs on it in memory (`store-valkey`).
describe('the store on PostgreSQL beside a server that is killed, paused and emptied', () => {
  const engine = besideTrouble({
    reopens: false,
    async open(options) {
      await emptySchema(cluster.url, 'countersign')
      const store = await openPostgresStore({ ...options, url: cluster.url })
      return { store, reopen: async () => store, discard: store.close }
    },
  })
  beforeAll(() => engine.begin(valkey))
  afterAll(async () => {
    const { gone, back } = await engine.end()
    expect(Math.min(gone, back)).toBeGreaterThan(2)
  })

  storeContract({ describe, test, expect }, engine, ['a commit', 'the feed'])
})
