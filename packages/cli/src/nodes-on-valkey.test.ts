import { once } from 'node:events'
import { declareClient, defaultKeyPolicy, hashClientSecret } from '@countersign/core'
import { isRefusal } from '@countersign/protocol'
import { createServer } from '@countersign/server'
import { createMemoryStore, type RingRegister, type Store } from '@countersign/store'
import { storeContract } from '@countersign/store/contract-suite'
import * as given from '@countersign/store/given'
import { openPostgresStore } from '@countersign/store-postgres'
import { type Cluster, startCluster } from '@countersign/store-postgres/testing/cluster'
import { contractEngine } from '@countersign/store-postgres/testing/contract-engine'
import { startCuttingProxy } from '@countersign/store-postgres/testing/cutting-proxy'
import { besideTrouble } from '@countersign/store-valkey/testing/beside-trouble'
import { startValkey, type ValkeyServer } from '@countersign/store-valkey/testing/valkey-server'
import { createVerifier } from '@countersign/verify'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { openKeyRing } from './open-key-ring.ts'
import { type FastLane, openValkey } from './open-valkey.ts'

let cluster: Cluster
let valkey: ValkeyServer
const closings: (() => Promise<void>)[] = []

beforeAll(async () => {
  ;[cluster, valkey] = await Promise.all([startCluster(), startValkey({ password: 'hidden-word' })])
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

test('a user who may not subscribe is said in the log, for the lane and for the key ring, and neither its address nor its word', async () => {
  const rights = '--user mute on >hidden-word ~* +@all -subscribe'
  const own = await startValkey({ settings: rights.split(' ') })
  try {
    const url = `redis://mute:hidden-word@127.0.0.1:${own.port}`
    const lane = (await openValkey({ valkey: url }, { log, namespace: 'mute' })) as FastLane
    const register = (await openKeyRing({ key_ring: `${url}/keys` }, log)) as RingRegister
    closings.push(lane.close, register.close)
    lane.tellCommits(createMemoryStore(given.storeOptions(clock))).feed.subscribe(() => {})
    register.watch(() => {})
    const deaf = (): string[] => lines.filter(line => line.includes('does not let this user subscribe'))
    await expect.poll(deaf).toHaveLength(2)
    expect(deaf().join()).not.toMatch(/hidden-word|127\.0\.0\.1/)
  } finally {
    await own.discard()
  }
})

test('the key ring can be agreed on there', async () => {
  const register = (await openKeyRing({ key_ring: `${valkey.url}/keys` })) as RingRegister
  closings.push(register.close)
  expect(await register.replace('sealed', undefined)).toBe('committed')
  expect((await register.read())?.text).toBe('sealed')
})

describe('what is revoked at one node is refused by an API that follows another', () => {
  const issuer = 'https://login.example'
  const secret = 'the secret of a job that gets its own tokens'
  const job = declareClient({
    id: 'job',
    secretHashes: [hashClientSecret(secret)],
    grantTypes: ['client_credentials'],
    scopes: ['notes', 'revocations'],
    audiences: ['urn:notes'],
  })
  const soon = { timeout: 20_000, interval: 5 }

  interface Ways {
    readonly listenUrl: string | null
    readonly viaValkey: boolean
  }

  /** A whole node, on which nothing happens by the clock: `looks` does what is due then. */
  async function startNode({ listenUrl, viaValkey }: Ways) {
    const due = new Set<() => void>()
    const every = (_milliseconds: number, action: () => void) => {
      due.add(action)
      return () => void due.delete(action)
    }
    const options = { ...given.storeOptions(clock), clock: Date.now, url: cluster.url, listenUrl, every }
    const store = await openPostgresStore(options)
    const lane = viaValkey ? await openValkey({ valkey: valkey.url }, { log, namespace: 'nodes' }) : undefined
    const server = await createServer({
      config: {
        issuer,
        applicationName: 'Nodes',
        signUp: 'closed',
        trustedProxies: [],
        keyPolicy: { ...defaultKeyPolicy, rotationSeconds: 30 * 86_400 },
        apiLifetimes: new Map(),
        keepEndedSeconds: 86_400,
      },
      store: lane?.tellCommits(store) ?? store,
      master: Buffer.alloc(32, 9),
      clients: [job],
      log,
      every,
    })
    closings.push(store.close, async () => lane?.close(), server.close)
    // What is said to a lane that is not there yet is said to nobody.
    if (viaValkey) await expect.poll(() => lane?.isThere(), soon).toBe(true)
    const address = await server.listen({ host: '127.0.0.1', port: 0 })
    const looks = (): void => {
      for (const action of due) action()
    }
    return { address, hasLane: () => lane?.isThere(), looks }
  }

  async function post(url: string, form: object): Promise<string> {
    const body = new URLSearchParams({ ...form, client_id: job.id, client_secret: secret })
    const answer = await fetch(url, { method: 'POST', body })
    expect(answer.status).toBe(200)
    return answer.text()
  }

  /** A token from one node, which an API at the other accepts, and how to revoke it at the first. */
  async function begin(ways: Ways) {
    const [here, there] = [await startNode(ways), await startNode(ways)]
    let connections = 0
    const verifier = createVerifier({
      issuer,
      audience: 'urn:notes',
      revocations: { clientId: job.id, clientSecret: secret },
      fetch(input, init) {
        const url = String(input).replace(issuer, there.address)
        if (url.endsWith('/revocations')) connections++
        return fetch(url, init)
      },
    })
    closings.push(async () => verifier.close())
    await verifier.ready()
    const { access_token: token } = JSON.parse(
      await post(`${here.address}/token`, { grant_type: 'client_credentials' }),
    )
    const reason = async (): Promise<string | undefined> => {
      const verdict = await verifier.verify(token)
      return isRefusal(verdict) ? verdict.reason : undefined
    }
    expect(await reason()).toBeUndefined()
    async function isRefused(): Promise<void> {
      await expect.poll(reason, soon).toBe('token_revoked')
      // Whoever has come anew is told everything anyway.
      expect(connections).toBe(1)
    }
    return { there, isRefused, revoke: () => post(`${here.address}/revoke`, { token }) }
  }

  test.each(['LISTEN', 'Valkey'])('by %s alone, while no node looks by itself', async way => {
    const viaValkey = way === 'Valkey'
    const { isRefused, revoke } = await begin({ listenUrl: viaValkey ? null : cluster.url, viaValkey })
    await revoke()
    await isRefused()
  })

  test('by looking, after both were cut', async () => {
    const wire = await startCuttingProxy(cluster.port)
    const { there, isRefused, revoke } = await begin({ listenUrl: wire.url, viaValkey: true })
    await Promise.all([wire.close(), valkey.kill()])
    try {
      await expect.poll(there.hasLane, soon).toBe(false)
      await revoke()
      there.looks()
      await isRefused()
    } finally {
      await valkey.start()
    }
  })
})

describe('the store on PostgreSQL beside a server that is killed, paused and emptied', () => {
  const engine = besideTrouble(contractEngine(() => cluster))
  beforeAll(() => engine.begin(valkey))
  afterAll(async () => {
    const { rounds, gone, back } = await engine.end()
    expect(rounds).toBeGreaterThan(10)
    expect(Math.min(gone, back)).toBeGreaterThanOrEqual(2 * rounds)
  })

  storeContract({ describe, test, expect }, engine)
})
