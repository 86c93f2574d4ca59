import { createPublicKey, type JsonWebKey, verify } from 'node:crypto'
import {
  type Client,
  declareClient,
  defaultKeyPolicy,
  hashClientSecret,
  type SigningKey,
  signJws,
} from '@countersign/core'
import { openZookeeperRegister } from '@countersign/ring-zookeeper'
import { startZookeeper, type ZookeeperProcess } from '@countersign/ring-zookeeper/testing/zookeeper-server'
import { type CountersignServer, createServer, jwksMaxAgeSeconds } from '@countersign/server'
import { type RingRegister, type Store, StoreUnavailable } from '@countersign/store'
import { type Cluster, startCluster } from '@countersign/store-postgres/testing/cluster'
import { type CuttingProxy, startCuttingProxy } from '@countersign/store-postgres/testing/cutting-proxy'
import { type Nodes, withNodes } from '@countersign/store-postgres/testing/stores'
import { openValkeyRegister } from '@countersign/store-valkey'
import { startValkey } from '@countersign/store-valkey/testing/valkey-server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const patience = { timeout: 120_000 }
const secret = 'the secret of a job that gets its own tokens'
const day = 86_400
/** Keys turn every two days; the longest token lives for one. */
const keyPolicy = { ...defaultKeyPolicy, rotationSeconds: 2 * day }
const job: Client = declareClient({
  id: 'job',
  secretHashes: [hashClientSecret(secret)],
  grantTypes: ['client_credentials'],
  scopes: ['notes'],
  lifetimes: { accessTokenSeconds: day, idleSeconds: 30 * day, absoluteSeconds: 180 * day },
})
/** Of an API that shares a secret with the server. */
const vault = 'urn:vault'
const vaultJob: Client = declareClient({ ...job, id: 'vault-job', audiences: [vault] })

let cluster: Cluster
let zookeeper: ZookeeperProcess
beforeAll(async () => {
  ;[cluster, zookeeper] = await Promise.all([startCluster(), startZookeeper()])
})
afterAll(() => Promise.all([cluster.discard(), zookeeper.discard()]))

/** Where the nodes agree on the ring. */
const places = ['in PostgreSQL', 'on ZooKeeper'] as const
type Place = (typeof places)[number]

/** A node that can die in the middle of a commit: before it arrives, or after it has; also of the one on ZooKeeper, if there is one. */
interface Mortal {
  readonly server: CountersignServer
  readonly close: () => Promise<void>
  diesAtCommit: 'before' | 'after' | undefined
  diesOutside: 'before' | 'after' | undefined
}

type Deaths = Pick<Mortal, 'diesAtCommit' | 'diesOutside'>

/** Ways of a node to its database and to ZooKeeper, if not the straight ones. */
interface Ways {
  readonly database?: string
  readonly zookeeperPort?: number
}

/** Each test has a schema, and a place on ZooKeeper of the same name. */
function registerOf({ schema }: Nodes, { zookeeperPort: port = zookeeper.port }: Ways, deaths: Deaths): RingRegister {
  const path = `/${schema.replaceAll(' ', '-')}/keys`
  const servers = [{ host: '127.0.0.1', port }]
  const register = openZookeeperRegister({
    servers,
    path,
    credentials: undefined,
    openMilliseconds: 1_000,
    patienceMilliseconds: 20,
  })
  return {
    ...register,
    replace: (text, stamp) => dyingAt(deaths.diesOutside, () => register.replace(text, stamp)),
  }
}

async function dyingAt<T>(when: Mortal['diesAtCommit'], work: () => Promise<T>): Promise<T> {
  if (when === 'before') throw new StoreUnavailable('dead')
  const outcome = await work()
  if (when === 'after') throw new StoreUnavailable('dead')
  return outcome
}

async function startNode(nodes: Nodes, place: Place | RingRegister, ways: Ways = {}): Promise<Mortal> {
  const store = await nodes.open(ways.database === undefined ? {} : { url: ways.database })
  const deaths: Deaths = { diesAtCommit: undefined, diesOutside: undefined }
  const commit: Store['commit'] = change => dyingAt(deaths.diesAtCommit, () => store.commit(change))
  const outside = place === 'on ZooKeeper' ? registerOf(nodes, ways, deaths) : undefined
  const ringRegister = typeof place === 'string' ? outside : place
  const server = await createServer({
    config: {
      issuer: 'https://login.example',
      applicationName: 'Nodes',
      signUp: 'closed',
      trustedProxies: [],
      keyPolicy,
      apiLifetimes: new Map(),
      sharedSecretApis: new Set([vault]),
      keepEndedSeconds: day,
    },
    store: { ...store, commit },
    ...(ringRegister && { ringRegister }),
    master: Buffer.alloc(32, 9),
    clients: [job, vaultJob],
    log: { info() {}, warn() {}, error() {} },
    clock: nodes.clock.now,
    // Jobs run when the test says so.
    every: () => () => {},
  })
  async function close(): Promise<void> {
    await server.close()
    await ringRegister?.close()
  }
  return Object.assign(deaths, { server, close })
}

const jwksOf = async ({ server }: Mortal): Promise<string> => (await server.http.inject('/jwks')).body

const secretsOf = ({ server }: Mortal): string[] => server.services.keys.sharedSecrets(vault).map(({ kid }) => kid)

/** As a verifier does that knows these keys. */
function accepts(jwks: string, token: string): boolean {
  const [header = '', claims = '', signature = ''] = token.split('.')
  const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string }
  const jwk = (JSON.parse(jwks) as { keys: (JsonWebKey & { kid: string })[] }).keys.find(key => key.kid === kid)
  if (jwk === undefined) return false
  const key = { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' } as const
  return verify('sha256', Buffer.from(`${header}.${claims}`), key, Buffer.from(signature, 'base64url'))
}

const sign = ({ server }: Mortal): string => signJws(server.services.keys.mint().signer, { sub: 'somebody' })

describe.each(places)('the key ring %s', place => {
  test(
    'keys turn on three nodes that are killed and started anew in the middle of it: each token can be checked everywhere, for its whole life; shared secrets likewise',
    patience,
    async () => {
      await withNodes(cluster.url, async nodes => {
        const { clock } = nodes
        const anew = (): Promise<Mortal> => startNode(nodes, place)
        let living = await Promise.all([1, 2, 3].map(anew))
        let tokens: { token: string; until: number }[] = []
        const signers = new Set<string>()
        const secretsUsed = new Map<string, number>()
        for (let step = 0; step < 44; step++) {
          // What verifiers have read, and go on believing for the max-age; the nodes read the ring for the last time as well.
          const believed = await Promise.all(living.map(jwksOf))
          const shared = living.map(secretsOf)
          clock.advance(jwksMaxAgeSeconds - 20)
          await Promise.all(living.map(({ server }) => server.services.keys.read()))
          clock.advance(20)

          const turner = living[step % living.length] as Mortal
          turner.diesAtCommit = ([undefined, 'before', undefined, 'after'] as const)[step % 4]
          turner.diesOutside = ([undefined, undefined, 'before', 'after'] as const)[(step >> 2) % 4]
          const turning = turner.server.services.keys.turn().then(
            () => false,
            () => true,
          )
          // ZooKeeper too, when a turn is due, and whatever has become of what it was asked.
          const isKilled = place === 'on ZooKeeper' && step % 16 === 8
          if (isKilled) await zookeeper.kill()
          const hasDied = await turning
          const minted = living.map(sign)
          for (const token of minted) {
            const [header = ''] = token.split('.')
            signers.add(header)
            tokens.push({ token, until: clock.now() + day * 1000 })
            expect(believed.map(jwks => accepts(jwks, token))).toEqual(believed.map(() => true))
          }
          // And what an API may have that shares a secret.
          for (const { server } of living) {
            const { kid } = server.services.keys.mintFor(vault).signer
            secretsUsed.set(kid, clock.now() + day * 1000)
            for (const known of shared) expect(known).toContain(kid)
          }
          if (isKilled) await zookeeper.start()
          turner.diesAtCommit = undefined
          turner.diesOutside = undefined
          if (hasDied) {
            await turner.close()
            living = [...living.filter(one => one !== turner), await anew()]
          }
          await Promise.all(living.map(({ server }) => server.services.keys.turn()))

          tokens = tokens.filter(({ until }) => until > clock.now())
          for (const jwks of await Promise.all(living.map(jwksOf))) {
            expect(tokens.filter(({ token }) => !accepts(jwks, token))).toEqual([])
          }
          for (const [kid, until] of secretsUsed) {
            if (until > clock.now()) for (const node of living) expect(secretsOf(node)).toContain(kid)
          }
          const rings = living.map(({ server }) => server.services.keys.ring())
          expect(new Set(rings.map(ring => ring.version)).size).toBe(1)
          const states = rings[0]?.signing.map(key => key.state) ?? []
          expect(states.filter(state => state === 'active')).toHaveLength(1)
          expect(states.filter(state => state === 'next')).toHaveLength(1)
          clock.advance(day / 4)
          await Promise.all(living.map(({ server }) => server.services.keys.read()))
        }
        // Eleven days: five turns.
        expect([signers.size, secretsUsed.size]).toEqual([6, 6])
        await Promise.all(living.map(one => one.close()))
      })
    },
  )

  test(
    'a key that is turned by hand is known to every verifier, also to one that has read the keys at a node whose ring was old',
    patience,
    async () => {
      await withNodes(cluster.url, async nodes => {
        const [turner, stale] = [await startNode(nodes, place), await startNode(nodes, place)]
        nodes.clock.advance(2 * day)
        await stale.server.services.keys.read()
        // Now there is a new `next`, and the other node does not know; on ZooKeeper it hears of it.
        await turner.server.services.keys.turn()
        nodes.clock.advance(59)
        const believed = await jwksOf(stale)
        nodes.clock.advance(jwksMaxAgeSeconds - 59)
        await turner.server.services.keys.read()
        expect(await turner.server.services.keys.rotate()).toBe(false)
        expect(accepts(believed, sign(turner))).toBe(true)
        nodes.clock.advance(60)
        expect(await turner.server.services.keys.rotate()).toBe(true)
        await Promise.all([turner, stale].map(one => one.close()))
      })
    },
  )

  test('a node that is cut off from it stops signing and says 503, while the other goes on', patience, async () => {
    await withNodes(cluster.url, async nodes => {
      const wire: CuttingProxy = await startCuttingProxy(place === 'on ZooKeeper' ? zookeeper.port : cluster.port)
      const port = Number(new URL(wire.url).port)
      const ways = place === 'on ZooKeeper' ? { zookeeperPort: port } : { database: wire.url }
      const [near, far] = [await startNode(nodes, place), await startNode(nodes, place, ways)]
      expect(await ask(far)).toEqual([200, 200, 200])
      await wire.close()
      nodes.clock.advance(61)
      await expect(far.server.services.keys.turn()).rejects.toThrow(StoreUnavailable)
      await near.server.services.keys.turn()
      expect(() => sign(far)).toThrow(StoreUnavailable)
      expect(await ask(far)).toEqual([503, 503, 503])
      const { causes } = (await far.server.http.inject('/health')).json()
      expect(causes).toEqual(place === 'on ZooKeeper' ? ['keys_away'] : ['store_away', 'keys_away'])
      expect(await ask(near)).toEqual([200, 200, 200])
      await Promise.all([near, far].map(one => one.close()))
    })
  })
})

/** A token, the public keys, and whether it should get requests. */
async function ask({ server }: Mortal): Promise<number[]> {
  const payload = `grant_type=client_credentials&client_id=job&client_secret=${encodeURIComponent(secret)}`
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const answers = [
    await server.http.inject({ method: 'POST', url: '/token', payload, headers }),
    await server.http.inject('/jwks'),
    await server.http.inject('/ready'),
  ]
  for (const answer of answers) if (answer.statusCode === 503) expect(answer.headers['retry-after']).toBeDefined()
  return answers.map(answer => answer.statusCode)
}

/** Resolves once the node knows it, which never looks by itself here. */
async function hears({ server }: Mortal, isKnown: (keys: readonly SigningKey[]) => boolean): Promise<void> {
  while (!isKnown(server.services.keys.ring().signing)) await new Promise(setImmediate)
}

test('on ZooKeeper a node hears of what another one does with the keys, without a look', patience, async () => {
  await withNodes(cluster.url, async nodes => {
    const [one, other] = [await startNode(nodes, 'on ZooKeeper'), await startNode(nodes, 'on ZooKeeper')]
    const [first] = one.server.services.keys.ring().signing
    const [token, kid] = [sign(other), first?.kid ?? '']
    await one.server.admin.retireKey(kid)
    await hears(other, keys => keys.some(key => key.kid === kid && key.state === 'retired'))
    expect(accepts(await jwksOf(other), token)).toBe(false)
    // A shared secret that leaked, too.
    const [leaked] = other.server.services.keys.sharedSecrets(vault)
    await one.server.admin.retireKey(leaked?.kid ?? '')
    while (other.server.services.keys.sharedSecrets(vault).some(({ kid }) => kid === leaked?.kid)) {
      await new Promise(setImmediate)
    }
    const [primary, ...more] = one.server.services.keys.sharedSecrets(vault)
    expect(primary?.isPrimary).toBe(true)
    expect(other.server.services.keys.sharedSecrets(vault)).toEqual([primary, ...more])
    // Also of what happened while it had no connection.
    await zookeeper.kill()
    await zookeeper.start()
    const second = one.server.services.keys.mint().signer.kid
    await one.server.admin.retireKey(second)
    await hears(other, keys => keys.some(key => key.kid === second && key.state === 'retired'))
    await Promise.all([one, other].map(node => node.close()))
  })
})

test(
  'from PostgreSQL to ZooKeeper and back, node by node, while keys turn: no token is lost on the way',
  patience,
  async () => {
    await withNodes(cluster.url, async nodes => {
      let living = [await startNode(nodes, 'in PostgreSQL'), await startNode(nodes, 'in PostgreSQL')]
      let tokens: string[] = []
      const signers = new Set<string>()
      for (const place of ['on ZooKeeper', 'on ZooKeeper', 'in PostgreSQL', 'in PostgreSQL'] as const) {
        const [leaving, staying] = living as [Mortal, Mortal]
        await leaving.close()
        living = [staying, await startNode(nodes, place)]
        // Whichever of them is first; the tokens of the last turn live for a day yet.
        for (const turner of [...living, ...living]) {
          nodes.clock.advance(day - 3600)
          await turner.server.services.keys.turn()
          await Promise.all(living.map(({ server }) => server.services.keys.read()))
          const minted = living.map(sign)
          for (const jwks of await Promise.all(living.map(jwksOf))) {
            expect([...tokens, ...minted].filter(token => !accepts(jwks, token))).toEqual([])
          }
          tokens = minted
          for (const token of minted) signers.add(token.split('.')[0] ?? '')
        }
      }
      expect(signers.size).toBeGreaterThanOrEqual(6)
      await Promise.all(living.map(node => node.close()))
    })
  },
)

test(
  'on Valkey, which is emptied before and after each turn: tokens can be checked everywhere, and the ring is put back; away, it is signed by what is known for a minute, and then not',
  patience,
  async () => {
    const valkey = await startValkey()
    const place = {
      server: { host: '127.0.0.1', port: valkey.port },
      path: '/countersign/keys',
      credentials: undefined,
      isSecure: false,
      patienceMilliseconds: 20,
    }
    const standing = openValkeyRegister(place)
    try {
      await withNodes(cluster.url, async nodes => {
        const living = [1, 2].map(() => startNode(nodes, openValkeyRegister(place)))
        const [one, other] = (await Promise.all(living)) as [Mortal, Mortal]
        let tokens: string[] = []
        const signers = new Set<string>()
        for (const turner of [one, other, one, other, one, other]) {
          nodes.clock.advance(day - 3600)
          await valkey.flush()
          await turner.server.services.keys.turn()
          await valkey.flush()
          await Promise.all([one, other].map(({ server }) => server.services.keys.read()))
          expect(await standing.read()).toBeDefined()
          const minted = [one, other].map(sign)
          for (const jwks of await Promise.all([one, other].map(jwksOf))) {
            expect([...tokens, ...minted].filter(token => !accepts(jwks, token))).toEqual([])
          }
          tokens = minted
          for (const token of minted) signers.add(token.split('.')[0] ?? '')
        }
        expect(signers.size).toBeGreaterThanOrEqual(3)
        await valkey.kill()
        nodes.clock.advance(59)
        expect(await ask(one)).toEqual([200, 200, 200])
        nodes.clock.advance(2)
        expect(await ask(one)).toEqual([503, 503, 503])
        await valkey.start()
        await one.server.services.keys.read()
        expect(await ask(one)).toEqual([200, 200, 200])
        await Promise.all([one, other].map(node => node.close()))
      })
    } finally {
      await standing.close()
      await valkey.discard()
    }
  },
)
