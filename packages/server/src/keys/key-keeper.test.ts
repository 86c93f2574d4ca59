import { createVerify } from 'node:crypto'
import { declareClient, defaultKeyPolicy, signJws } from '@countersign/core'
import { createMemoryStore, ringInStore, type Store, StoreUnavailable } from '@countersign/store'
import * as stored from '@countersign/store/given'
import { afterEach, describe, expect, test } from 'vitest'
import { createServer } from '../create-server.ts'
import { get, introspect, logIn, me, refresh, signUp } from '../testing/calls.ts'
import {
  closeGiven,
  type GivenServer,
  given,
  sampleClients,
  sampleConfig,
  sampleMaster,
  startTime,
} from '../testing/given.ts'
import { createKeyKeeper } from './key-keeper.ts'
import { WrongMasterKey } from './open-ring.ts'

afterEach(closeGiven)

const day = 86_400

async function kids(to: GivenServer): Promise<string[]> {
  const { keys } = (await get(to, '/jwks')).body as { keys: { kid: string }[] }
  return keys.map(({ kid }) => kid)
}

const kidOf = (token: string): string => JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid

describe('keys turn by themselves (F1)', () => {
  test('over a year there is no gap: whatever signs was published before, and what it signed is accepted to its end', async () => {
    const to = await given.server()
    await signUp(to)
    const key = to.key()
    let { refreshToken } = await logIn(to, { client: 'bearer-app', key })
    let published = await kids(to)
    const used = new Set<string>()
    for (let hours = 0; hours < 170 * 24; hours += 12) {
      const answer = await refresh(to, refreshToken, { key })
      refreshToken = String(answer.body.refresh_token)
      const token = String(answer.body.access_token)
      used.add(kidOf(token))
      expect(published).toContain(kidOf(token))
      await to.later(899)
      expect((await me(to, token)).status).toBe(200)
      published = await kids(to)
      expect(published).toContain(kidOf(token))
      await to.later(12 * 3600 - 899)
    }
    expect(used.size).toBeGreaterThanOrEqual(5)
    expect(published.length).toBeLessThanOrEqual(3)
  })

  test('a key is kept as long as the longest token that it may have signed, whatever the policy says', async () => {
    const [first] = sampleClients.filter(({ id }) => id === 'bearer-app')
    if (first === undefined) throw new Error('no client')
    const lifetimes = { ...first.lifetimes, accessTokenSeconds: 2 * day }
    const to = await given.server({
      clients: [{ ...first, lifetimes }],
      config: { keyPolicy: { ...defaultKeyPolicy, signingTailSeconds: 60 } },
    })
    await signUp(to)
    await to.later(30 * day - 60)
    const { accessToken } = await logIn(to)
    await to.later(60)
    expect(await kids(to)).toHaveLength(3)
    await to.later(2 * day - 61)
    expect((await me(to, accessToken)).status).toBe(200)
  })

  test('a key is kept for two minutes beyond a day, the longest that a client can be given while nodes run: another one may go on signing with it for a minute', async () => {
    const to = await given.server()
    const [first] = await kids(to)
    await to.later(30 * day)
    await to.later(day + 119)
    expect(await kids(to)).toContain(first)
    await to.later(1)
    expect(await kids(to)).not.toContain(first)
  })

  test('the JWKS is cacheable for as long as a next key is published ahead, and holds no private part', async () => {
    const to = await given.server()
    const answer = await get(to, '/jwks')
    expect(answer.headers['cache-control']).toBe('public, max-age=300')
    expect(answer.headers['content-type']).toMatch(/^application\/jwk-set\+json/)
    const { keys } = answer.body as { keys: Record<string, string>[] }
    expect(keys).toHaveLength(2)
    for (const one of keys) expect(Object.keys(one).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
    const { accessToken } = await signUp(to).then(() => logIn(to))
    const [header = '', payload = '', signature = ''] = accessToken.split('.')
    const jwk = keys.find(({ kid }) => kid === kidOf(accessToken))
    const verified = createVerify('sha256')
      .update(`${header}.${payload}`)
      .verify(
        { key: jwk as never, format: 'jwk', dsaEncoding: 'ieee-p1363' } as never,
        Buffer.from(signature, 'base64url'),
      )
    expect(verified).toBe(true)
    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toMatchObject({ typ: 'at+jwt', alg: 'ES256' })
  })
})

describe('by hand', () => {
  test('rotate: the next key at once, once every verifier knows it; what was signed before is still accepted', async () => {
    const to = await given.server()
    await signUp(to)
    await to.server.admin.rotateKeys()
    expect(await to.server.admin.rotateKeys()).toMatchObject({ reason: 'unavailable' })
    await to.later(360)
    const before = await logIn(to)
    const rotated = await to.server.admin.rotateKeys()
    expect(rotated).toMatchObject([
      { state: 'retiring' },
      { state: 'retiring' },
      { state: 'active' },
      { state: 'next' },
      { use: 'refresh' },
    ])
    const after = await logIn(to)
    expect(kidOf(after.accessToken)).not.toBe(kidOf(before.accessToken))
    for (const { accessToken } of [before, after]) expect((await me(to, accessToken)).status).toBe(200)
  })

  test('F4: retire: what the key signed is dead at once, here and in the feed; logins live', async () => {
    const to = await given.server()
    await signUp(to)
    const login = await logIn(to)
    const kid = kidOf(login.accessToken)
    // Seen before, and not only once: what is remembered of it does not outlive its key.
    for (let n = 0; n < 2; n++) expect((await introspect(to, login.accessToken)).body.active).toBe(true)
    const before = (await to.audit()).length
    expect(await to.server.admin.retireKey(kid)).toContainEqual(expect.objectContaining({ id: kid, state: 'retired' }))
    expect((await me(to, login.accessToken)).status).toBe(401)
    expect((await introspect(to, login.accessToken)).body).toEqual({ active: false })
    expect(await kids(to)).not.toContain(kid)
    expect((await to.store.feed.snapshot()).entries).toMatchObject([{ kind: 'key', id: kid }])
    expect(await to.auditedSince(before)).toEqual(['key.retired'])
    const fresh = await refresh(to, login.refreshToken)
    expect((await me(to, String(fresh.body.access_token))).status).toBe(200)
  })

  test('retire a refresh key: its tokens are refused; an unknown or retired key is none', async () => {
    const to = await given.server()
    await signUp(to)
    const login = await logIn(to)
    expect(await to.server.admin.retireKey('1')).toContainEqual(expect.objectContaining({ id: '1', state: 'retired' }))
    expect((await refresh(to, login.refreshToken)).body.reason).toBe('refresh_token_invalid')
    for (const id of ['1', '99', 'x', '', '__proto__']) {
      expect(await to.server.admin.retireKey(id)).toMatchObject({ reason: 'not_found' })
    }
    expect((await refresh(to, (await logIn(to)).refreshToken)).status).toBe(200)
  })
})

test('a node that is cut off from the ring stops signing after a minute, whichever way its clock was set meanwhile, or stood still', async () => {
  const store = createMemoryStore(stored.storeOptions(stored.clock()))
  const ring = ringInStore(store)
  let away = false
  let [wall, monotonic] = [startTime, 0]
  const keeper = await createKeyKeeper({
    place: { ...ring, load: () => (away ? Promise.reject(new StoreUnavailable('away')) : ring.load()) },
    master: sampleMaster,
    issuer: 'https://login.example',
    policy: defaultKeyPolicy,
    clock: () => wall,
    monotonic: () => monotonic,
    random: stored.random,
    log: { info() {}, warn() {}, error() {} },
  })
  const set = (wallSeconds: number, monotonicSeconds: number): void => {
    wall = startTime + wallSeconds * 1000
    monotonic = monotonicSeconds * 1000
  }
  const signs = (): boolean => {
    try {
      return keeper.mint() !== undefined
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error
      return false
    }
  }
  away = true
  set(60, 60)
  expect([signs(), keeper.ringAge()]).toEqual([true, 60_000])
  set(-3_600, 60)
  expect(signs()).toBe(true)
  set(-3_600, 61)
  expect([signs(), keeper.ringAge()]).toEqual([false, 61_000])
  // Where the machine sleeps the other clock stands still.
  set(61, 1)
  expect(signs()).toBe(false)
  away = false
  await keeper.read()
  expect(signs()).toBe(true)
  keeper.close()
})

describe('more than one start', () => {
  async function sharedStore(): Promise<{ to: GivenServer; store: Store }> {
    let store: Store | undefined
    const to = await given.server({
      openStore: async options => {
        store = createMemoryStore(options)
        return store
      },
    })
    if (store === undefined) throw new Error('no store')
    return { to, store }
  }

  const again = (store: Store, master: Buffer = sampleMaster) =>
    createServer({
      config: sampleConfig,
      store,
      master,
      clients: [],
      log: { info: () => {}, warn: () => {}, error: () => {} },
      clock: () => startTime,
    })

  test('a refresh key that a restored backup does not know of logs nobody out, and guessing its number helps nobody', async () => {
    const to = await given.server()
    await signUp(to)
    const { refreshToken } = await logIn(to)
    const { keyRing } = await to.store.loadIssuer()
    await to.later(366 * day)
    const later = await logIn(to)
    const { keyRing: turned, now } = await to.store.loadIssuer()
    expect(turned.refresh.map(({ id }) => id)).toEqual([1, 2])
    const row = { ...turned, refresh: keyRing.refresh }
    const writes = [{ table: 'keyRing' as const, row }]
    await to.store.commit({ writes, audit: [], entries: [], durable: true, time: now })
    await to.server.services.keys.read()
    expect((await refresh(to, later.refreshToken)).status).toBe(200)
    const bytes = Buffer.from(refreshToken.slice(6), 'base64url')
    for (const id of [2, 3, 17, 18, 65_535]) {
      bytes.writeUInt16BE(id, 1)
      const answer = await refresh(to, `cs_rt_${bytes.toString('base64url')}`)
      expect(answer.body.reason).toBe('refresh_token_invalid')
    }
  })

  test('attack 17 (CVE-2026-9802): rotate, restart, and the old token is judged as before', async () => {
    const { to, store } = await sharedStore()
    await signUp(to)
    const { refreshToken } = await logIn(to)
    await to.later(60)
    const first = await refresh(to, refreshToken)
    await to.later(60)
    const second = await refresh(to, String(first.body.refresh_token))
    expect(second.headers['countersign-refresh-row']).toBe('5')
    const node = await again(store)
    const restarted: GivenServer = { ...to, server: node, http: node.http }
    const old = await refresh(restarted, refreshToken)
    expect([old.body.reason, old.headers['countersign-refresh-row']]).toEqual(['refresh_token_reused', '10'])
    const current = await refresh(restarted, String(second.body.refresh_token))
    expect(current.body.reason).toBe('refresh_token_reused')
    await node.close()
  })

  test('a second node uses the same keys, and finds a key that the first has made', async () => {
    const { to, store } = await sharedStore()
    await signUp(to)
    const node = await again(store)
    const other: GivenServer = { ...to, server: node, http: node.http }
    expect(await kids(other)).toEqual(await kids(to))
    await to.server.admin.retireKey('1')
    const { refreshToken } = await logIn(to)
    expect((await refresh(other, refreshToken)).status).toBe(200)
    await node.close()
  })

  test('F5: with another master key the server does not start, and says why without a secret', async () => {
    const { store } = await sharedStore()
    const wrong = Buffer.alloc(32, 1)
    await expect(again(store, wrong)).rejects.toThrow(WrongMasterKey)
    await expect(again(store, wrong)).rejects.not.toThrow(wrong.toString('base64url'))
  })
})

test('the first keys are made, later ones turned: the log says which', async () => {
  const to = await given.server()
  await to.later(31 * 86_400)
  await to.later(31 * 86_400)
  const told = to.log.map(({ text }) => text.slice(0, 11)).filter(text => text.startsWith('keys'))
  expect(told.slice(0, 2)).toEqual(['keys made {', 'keys turned'])
  expect(told.lastIndexOf('keys made {')).toBe(0)
})

test('the log says once that the ring is away, and once that it is back, however often it is looked for', async () => {
  let away = false
  const to = await given.server({
    wrapStore: store => ({
      ...store,
      loadIssuer: () => (away ? Promise.reject(new StoreUnavailable('no ring')) : store.loadIssuer()),
    }),
  })
  const { keys } = to.server.services
  for (const isAway of [true, false, true, false]) {
    away = isAway
    for (let times = 0; times < 3; times++) await keys.read().catch(() => {})
    await keys.turn().catch(() => {})
  }
  const told = to.log.map(({ level, text }) => [level, text]).filter(([, text]) => text?.startsWith('the key ring'))
  const gone = ['warn', 'the key ring is away: 60 s after it was last read nothing is signed {"cause":"no ring"}']
  const back = ['info', 'the key ring answers again {}']
  expect(told).toEqual([gone, back, gone, back])
})

describe('looks at the ring', () => {
  /** A server whose looks at the ring are answered when the test says so, with what stood there when they began. */
  async function heldLooks(): Promise<{ to: GivenServer; hold(): () => void }> {
    let gate: Promise<void> = Promise.resolve()
    const to = await given.server({
      wrapStore: store => ({
        ...store,
        async loadIssuer() {
          const found = await store.loadIssuer()
          await gate
          return found
        },
      }),
    })
    return {
      to,
      hold() {
        const { promise, resolve } = Promise.withResolvers<void>()
        gate = promise
        return () => {
          gate = Promise.resolve()
          resolve()
        }
      },
    }
  }

  test('an answer counts from when it was asked for: one that was under way for longer than a ring is trusted is worth nothing', async () => {
    const { to, hold } = await heldLooks()
    const { keys } = to.server.services
    const letGo = hold()
    const looking = keys.read()
    to.setClock(to.now() + 61_000)
    letGo()
    await looking
    expect(() => keys.mint()).toThrow(StoreUnavailable)
    await keys.read()
    expect(keys.mint()).toBeDefined()
  })

  test('an answer that arrives late takes no later one’s place: a key that is dead does not come back', async () => {
    const { to, hold } = await heldLooks()
    const { keys } = to.server.services
    const { kid } = keys.mint().signer
    const letGo = hold()
    const old = keys.read()
    // It waits already; the next ones do not.
    await new Promise(setImmediate)
    const gateOfOld = letGo
    hold()()
    await to.server.admin.retireKey(kid)
    gateOfOld()
    await old
    expect(keys.mint().signer.kid).not.toBe(kid)
    expect(keys.published(kid)).toBeUndefined()
  })

  test('a turn that stood still between its look and its commit is decided anew: no key counts as published, or as unused, since before it was', async () => {
    const { to, hold } = await heldLooks()
    const { keys } = to.server.services
    await to.later(day)
    to.setClock(to.now() + 30 * day * 1000)
    const letGo = hold()
    const turning = keys.turn()
    await new Promise(setImmediate)
    to.setClock(to.now() + 3600_000)
    letGo()
    await turning
    const timesOf = (wanted: string) => keys.ring().signing.find(({ state }) => state === wanted)
    expect(timesOf('next')?.createdAt).toBe(to.now())
    expect(timesOf('retiring')?.retiringAt).toBe(to.now())
    expect(await to.server.admin.rotateKeys()).toMatchObject({ reason: 'unavailable' })
  })

  test('who asks while a look is under way gets one that begins afterwards', async () => {
    const { to, hold } = await heldLooks()
    const other = await createServer({
      config: sampleConfig,
      store: to.store,
      master: sampleMaster,
      clients: [],
      log: { info() {}, warn() {}, error() {} },
      clock: to.now,
    })
    const { keys } = to.server.services
    const letGo = hold()
    const first = keys.read()
    await new Promise(setImmediate)
    await other.admin.retireKey('1')
    const second = keys.read()
    letGo()
    await first
    expect(keys.refreshKey(2)).toBeUndefined()
    await second
    expect(keys.refreshKey(2)).toBeDefined()
    await other.close()
  })
})

describe('several algorithms', () => {
  const rsa = declareClient({ id: 'rsa', idTokenAlgorithm: 'RS256' })
  const jwks = async (to: GivenServer): Promise<Record<string, string>[]> =>
    ((await get(to, '/jwks')).body as { keys: Record<string, string>[] }).keys
  const states = (to: GivenServer): string[] =>
    to.server.services.keys.ring().signing.map(({ alg, state }) => `${alg} ${state}`)

  test('what a client wants there are keys of from the start, and all are published, without private parts', async () => {
    const to = await given.server({ clients: [...sampleClients, rsa] })
    const keys = await jwks(to)
    expect(keys.map(({ alg, kty }) => [alg, kty])).toEqual([
      ['ES256', 'EC'],
      ['ES256', 'EC'],
      ['RS256', 'RSA'],
      ['RS256', 'RSA'],
    ])
    for (const one of keys.slice(2)) {
      expect(Object.keys(one).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use'])
      expect(Buffer.from(one.n ?? '', 'base64url')).toHaveLength(256)
    }
  })

  test('fifty that want another one at once get the same keys, which sign at once and turn like the others', async () => {
    const to = await given.server()
    const { keys } = to.server.services
    expect(() => keys.signer('RS256', 'JWT')).toThrow(StoreUnavailable)
    await Promise.all(Array.from({ length: 50 }, () => keys.want('RS256')))
    await keys.want('EdDSA')
    expect(states(to)).toEqual([
      'ES256 active',
      'ES256 next',
      'RS256 active',
      'RS256 next',
      'EdDSA active',
      'EdDSA next',
    ])
    const [signed, published] = [signJws(keys.signer('RS256', 'JWT'), {}), await jwks(to)]
    expect(published.map(({ kid }) => kid)).toContain(kidOf(signed))
    await to.later(31 * day)
    expect(states(to).filter(state => state.endsWith('active'))).toHaveLength(3)
    expect(kidOf(signJws(keys.signer('RS256', 'JWT'), {}))).not.toBe(kidOf(signed))
  })

  test('attack 14: access tokens stay ES256, whatever else there are keys of', async () => {
    const to = await given.server({ clients: [...sampleClients, rsa] })
    await signUp(to)
    const { accessToken } = await logIn(to)
    expect(JSON.parse(Buffer.from(accessToken.split('.')[0] ?? '', 'base64url').toString()).alg).toBe('ES256')
  })

  test('a second start makes no key', async () => {
    const first = await given.server({ clients: [...sampleClients, rsa] })
    const before = await jwks(first)
    const { store } = first
    const again = await createServer({
      config: sampleConfig,
      store,
      master: sampleMaster,
      clients: [...sampleClients, rsa],
      log: { info() {}, warn() {}, error() {} },
      clock: () => startTime + 1000,
    })
    expect(JSON.parse(again.services.keys.jwks()).keys).toEqual(before)
    await again.close()
  })

  test('retired by hand is one key of one algorithm; its next takes over', async () => {
    const to = await given.server({ clients: [...sampleClients, rsa] })
    const victim = to.server.admin
      .listKeys()
      .find(({ algorithm, state }) => algorithm === 'RS256' && state === 'active')
    await to.server.admin.retireKey(victim?.id ?? '')
    expect(states(to)).toEqual(['ES256 active', 'ES256 next', 'RS256 retired', 'RS256 active', 'RS256 next'])
  })
})
