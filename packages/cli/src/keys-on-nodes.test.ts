import { createPublicKey, type JsonWebKey, verify } from 'node:crypto'
import { type Client, declareClient, defaultKeyPolicy, hashClientSecret, signJws } from '@countersign/core'
import { type CountersignServer, createServer, jwksMaxAgeSeconds } from '@countersign/server'
import { type Store, StoreUnavailable } from '@countersign/store'
import { type Cluster, startCluster } from '@countersign/store-postgres/testing/cluster'
import { type CuttingProxy, startCuttingProxy } from '@countersign/store-postgres/testing/cutting-proxy'
import { type Nodes, withNodes } from '@countersign/store-postgres/testing/stores'
import { afterAll, beforeAll, expect, test } from 'vitest'

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

let cluster: Cluster
beforeAll(async () => {
  cluster = await startCluster({ settings: ['fsync=off'] })
})
afterAll(() => cluster.discard())

/** A node that can die in the middle of a commit: before it arrives, or after it has. */
interface Mortal {
  readonly server: CountersignServer
  diesAtCommit: 'before' | 'after' | undefined
}

async function startNode({ open, clock }: Nodes, url?: string): Promise<Mortal> {
  const store = await open(url === undefined ? {} : { url })
  const mortal: { diesAtCommit: Mortal['diesAtCommit'] } = { diesAtCommit: undefined }
  const commit: Store['commit'] = async change => {
    if (mortal.diesAtCommit === 'before') throw new StoreUnavailable('dead')
    const outcome = await store.commit(change)
    if (mortal.diesAtCommit === 'after') throw new StoreUnavailable('dead')
    return outcome
  }
  const server = await createServer({
    config: {
      issuer: 'https://login.example',
      applicationName: 'Nodes',
      signUp: 'closed',
      trustedProxies: [],
      keyPolicy,
      apiLifetimes: new Map(),
      keepEndedSeconds: day,
    },
    store: { ...store, commit },
    master: Buffer.alloc(32, 9),
    clients: [job],
    log: { info() {}, warn() {}, error() {} },
    clock: clock.now,
    // Jobs run when the test says so.
    every: () => () => {},
  })
  return Object.assign(mortal, { server })
}

const jwksOf = async ({ server }: Mortal): Promise<string> => (await server.http.inject('/jwks')).body

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

test(
  'keys turn on three nodes that are killed and started anew in the middle of it: each token can be checked everywhere, for its whole life',
  patience,
  async () => {
    await withNodes(cluster.url, async nodes => {
      const { clock } = nodes
      let living = await Promise.all([1, 2, 3].map(() => startNode(nodes)))
      let tokens: { token: string; until: number }[] = []
      const signers = new Set<string>()
      for (let step = 0; step < 44; step++) {
        // What verifiers have read, and go on believing for the max-age; the nodes read the ring for the last time as well.
        const believed = await Promise.all(living.map(jwksOf))
        clock.advance(jwksMaxAgeSeconds - 20)
        await Promise.all(living.map(({ server }) => server.services.keys.read()))
        clock.advance(20)

        const turner = living[step % living.length] as Mortal
        turner.diesAtCommit = ([undefined, 'before', undefined, 'after'] as const)[step % 4]
        const hasDied = await turner.server.services.keys.turn().then(
          () => false,
          () => true,
        )
        const minted = living.map(sign)
        for (const token of minted) {
          const [header = ''] = token.split('.')
          signers.add(header)
          tokens.push({ token, until: clock.now() + day * 1000 })
          expect(believed.map(jwks => accepts(jwks, token))).toEqual(believed.map(() => true))
        }
        turner.diesAtCommit = undefined
        if (hasDied) {
          await turner.server.close()
          living = [...living.filter(one => one !== turner), await startNode(nodes)]
        }
        await Promise.all(living.map(({ server }) => server.services.keys.turn()))

        tokens = tokens.filter(({ until }) => until > clock.now())
        for (const jwks of await Promise.all(living.map(jwksOf))) {
          expect(tokens.filter(({ token }) => !accepts(jwks, token))).toEqual([])
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
      expect(signers.size).toBe(6)
      await Promise.all(living.map(({ server }) => server.close()))
    })
  },
)

test(
  'a key that is turned by hand is known to every verifier, also to one that has read the keys at a node whose ring was old',
  patience,
  async () => {
    await withNodes(cluster.url, async nodes => {
      const [turner, stale] = [await startNode(nodes), await startNode(nodes)]
      nodes.clock.advance(2 * day)
      await stale.server.services.keys.read()
      // Now there is a new `next`, and the other node does not know.
      await turner.server.services.keys.turn()
      nodes.clock.advance(59)
      const believed = await jwksOf(stale)
      nodes.clock.advance(jwksMaxAgeSeconds - 59)
      await turner.server.services.keys.read()
      expect(await turner.server.services.keys.rotate()).toBe(false)
      expect(accepts(believed, sign(turner))).toBe(true)
      nodes.clock.advance(60)
      expect(await turner.server.services.keys.rotate()).toBe(true)
      await Promise.all([turner, stale].map(({ server }) => server.close()))
    })
  },
)

test('a node that is cut off from the ring stops signing and says 503, while the other goes on', patience, async () => {
  await withNodes(cluster.url, async nodes => {
    const wire: CuttingProxy = await startCuttingProxy(cluster.port)
    const [near, far] = [await startNode(nodes), await startNode(nodes, wire.url)]
    const ask = async ({ server }: Mortal): Promise<number[]> => {
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
    expect(await ask(far)).toEqual([200, 200, 200])
    await wire.close()
    nodes.clock.advance(61)
    await expect(far.server.services.keys.turn()).rejects.toThrow(StoreUnavailable)
    await near.server.services.keys.turn()
    expect(() => sign(far)).toThrow(StoreUnavailable)
    expect(await ask(far)).toEqual([503, 503, 503])
    expect(await ask(near)).toEqual([200, 200, 200])
    await Promise.all([near, far].map(({ server }) => server.close()))
  })
})
