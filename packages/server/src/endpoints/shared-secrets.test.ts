import { type Client, declareClient, hashClientSecret, signerOf, signJws } from '@countersign/core'
import { accessTokenType } from '@countersign/protocol'
import { createMemoryStore, type Store } from '@countersign/store'
import { afterEach, describe, expect, test } from 'vitest'
import { createServer } from '../create-server.ts'
import { apiVerifier } from '../testing/api-verifier.ts'
import { basic, get, introspect, logIn, me, refresh, signUp } from '../testing/calls.ts'
import {
  closeGiven,
  type GivenServer,
  given,
  sampleClients,
  sampleConfig,
  sampleMaster,
  secrets,
} from '../testing/given.ts'

afterEach(closeGiven)

const audience = 'https://vault.example'
const day = 86_400
const app = sampleClients.find(({ id }) => id === 'bearer-app') as Client
const credentials = { clientId: 'vault', clientSecret: 'the vault’s own secret, 32 letters at least' }
const asVault = basic(credentials.clientId, credentials.clientSecret)
const clients = [
  ...sampleClients,
  declareClient({ ...app, id: 'vault-app', audiences: [audience] }),
  declareClient({
    id: 'vault',
    secretHashes: [hashClientSecret(credentials.clientSecret)],
    grantTypes: ['client_credentials'],
    scopes: ['secrets', 'revocations', 'introspection'],
    serves: [audience],
  }),
]
const config = { sharedSecretApis: new Set([audience]) }

interface Jwk {
  readonly kty: string
  readonly kid: string
  readonly alg: string
  readonly k?: string
}

const givenVault = async (openStore?: () => Promise<Store>): Promise<GivenServer> => {
  const to = await given.server({ clients, config, ...(openStore && { openStore }) })
  await signUp(to)
  return to
}
const path = (of: string): string => `/secrets?audience=${encodeURIComponent(of)}`
async function keysAt(to: GivenServer, url: string, headers: Readonly<Record<string, string>> = {}): Promise<Jwk[]> {
  const answer = await get(to, url, headers)
  expect(answer.status).toBe(200)
  return (answer.body as { keys: Jwk[] }).keys
}
const headerOf = (token: string): { alg: string; kid: string } =>
  JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())

describe('an API that shares a secret with the server (F2)', () => {
  test('gets its tokens signed with the primary one, and no other API does', async () => {
    const to = await givenVault()
    const login = await logIn(to, { client: 'vault-app' })
    const [primary, secondary, ...more] = await keysAt(to, path(audience), asVault)
    expect(more).toEqual([])
    expect(headerOf(login.accessToken)).toEqual({ alg: 'HS256', typ: 'at+jwt', kid: primary?.kid })
    for (const key of [primary, secondary]) {
      expect(key).toMatchObject({ kty: 'oct', alg: 'HS256', use: 'sig' })
      expect(Buffer.from(key?.k ?? '', 'base64url')).toHaveLength(32)
    }
    expect(primary?.k).not.toBe(secondary?.k)
    // It is a token like any other for us.
    expect((await me(to, login.accessToken)).status).toBe(200)
    expect((await introspect(to, login.accessToken)).body.active).toBe(true)
    expect(headerOf((await logIn(to)).accessToken).alg).toBe('ES256')
  })

  test('is the only one that learns them: another client, another API, nobody, and the published keys', async () => {
    const to = await givenVault()
    const [primary] = await keysAt(to, path(audience), asVault)
    const refused = [
      await get(to, path(audience)),
      await get(to, path(audience), basic('vault', 'guessed')),
      // Without the right, and without serving it.
      await get(to, path(audience), basic('orders', secrets.orders)),
      await get(to, path('https://api.example'), asVault),
      await get(to, '/secrets', asVault),
    ]
    expect(refused.map(({ status, body }) => [status, body.reason])).toEqual([
      [401, 'client_authentication_failed'],
      [401, 'client_authentication_failed'],
      [400, 'client_not_allowed'],
      [400, 'client_not_allowed'],
      [400, 'parameter_missing'],
    ])
    expect((await get(to, path(audience), asVault)).headers['cache-control']).toBe('no-store')
    // No page of a browser reads them, not even of an origin that a client has.
    const crossSite = await get(to, path(audience), { ...asVault, origin: 'https://app.example' })
    expect(crossSite.headers['access-control-allow-origin']).toBeUndefined()
    const published = await get(to, '/jwks')
    expect((published.body as { keys: Jwk[] }).keys.map(({ kty }) => kty)).toEqual(['EC', 'EC'])
    expect(JSON.stringify([to.log, (await to.store.loadIssuer()).keyRing])).not.toContain(primary?.k)
  })

  test('knows each secret ahead of its use, and to the end of what it signed: over half a year none of its tokens is refused', async () => {
    const to = await givenVault()
    const revocations = credentials
    // Its own clock stands still, so that it asks whenever it does not know.
    const api = await apiVerifier(to, { audience, secret: { from: 'issuer' }, revocations, cooldownSeconds: 0 })
    let { refreshToken } = await logIn(to, { client: 'vault-app' })
    const used = new Set<string>()
    let known = await keysAt(to, path(audience), asVault)
    for (let half = 0; half < 2 * 168; half += 5) {
      const answer = await refresh(to, refreshToken, { client: 'vault-app' })
      refreshToken = String(answer.body.refresh_token ?? refreshToken)
      const token = String(answer.body.access_token)
      const { kid } = headerOf(token)
      used.add(kid)
      expect(known.map(key => key.kid)).toContain(kid)
      expect(await api.verify(token)).toMatchObject({ refused: false })
      await to.later(899)
      expect((await introspect(to, token)).body.active).toBe(true)
      known = await keysAt(to, path(audience), asVault)
      expect(known.map(key => key.kid)).toContain(kid)
      expect(known.length).toBeLessThanOrEqual(3)
      await to.later((5 * day) / 2 - 899)
    }
    expect(used.size).toBeGreaterThanOrEqual(6)
    api.close()
  })

  test('F4: a secret that leaked is retired like a key: dead at once with all that it signed, here, in the feed and at the API', async () => {
    const to = await givenVault()
    const api = await apiVerifier(to, { audience, secret: { from: 'issuer' }, revocations: credentials })
    const { accessToken, refreshToken } = await logIn(to, { client: 'vault-app' })
    expect(await api.verify(accessToken)).toMatchObject({ refused: false })
    const { kid } = headerOf(accessToken)
    expect(to.server.admin.listKeys()).toContainEqual(
      expect.objectContaining({ id: kid, use: `shared with ${audience}`, algorithm: 'HS256', state: 'active' }),
    )
    await to.server.admin.retireKey(kid)
    expect((await introspect(to, accessToken)).body).toEqual({ active: false })
    expect((await to.store.feed.snapshot()).entries).toMatchObject([{ kind: 'key', id: kid }])
    while (!(await api.verify(accessToken)).refused) await new Promise(setImmediate)
    const fresh = String((await refresh(to, refreshToken, { client: 'vault-app' })).body.access_token)
    expect(headerOf(fresh).kid).not.toBe(kid)
    expect(await api.verify(fresh)).toMatchObject({ refused: false })
    api.close()
  })

  test('an API can make no token of ours with it: none that we believe, none for another API, and nothing but access tokens', async () => {
    const to = await givenVault()
    const { accessToken } = await logIn(to, { client: 'vault-app' })
    const [primary] = to.server.services.keys.sharedSecrets(audience)
    if (primary === undefined) throw new Error('no secret')
    const claims = JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString())
    const forged = (changed: object): string => {
      const { signer } = to.server.services.keys.mintFor(audience)
      return signJws(signerOf(primary.kid, 'HS256', signer.key, accessTokenType), { ...claims, ...changed })
    }
    for (const changed of [{ sub: 'somebody-else' }, { scope: 'account notes admin' }, { jti: 'x' }]) {
      const token = forged(changed)
      expect((await introspect(to, token)).body).toEqual({ active: false })
      expect((await me(to, token)).status).toBe(401)
    }
    const other = await apiVerifier(to)
    expect(await other.verify(forged({ aud: ['https://api.example'] }))).toMatchObject({
      reason: 'algorithm_not_allowed',
    })
    other.close()
    // What else we sign is looked for among these.
    expect(to.server.services.keys.published(primary.kid)).toBeUndefined()
    expect(to.server.services.keys.everPublished(primary.kid)).toBeUndefined()
  })

  test('another node, and one that is started later, know the same secrets', async () => {
    let store: Store | undefined
    const to = await given.server({
      clients,
      config,
      openStore: async options => {
        store = createMemoryStore(options)
        return store
      },
    })
    const node = await createServer({
      config: { ...sampleConfig, ...config },
      store: store as Store,
      master: sampleMaster,
      clients,
      log: { info() {}, warn() {}, error() {} },
      clock: to.now,
    })
    const other: GivenServer = { ...to, server: node, http: node.http }
    expect(await keysAt(other, path(audience), asVault)).toEqual(await keysAt(to, path(audience), asVault))
    await node.close()
  })
})

test('a client of such an API can have no other one, and the server is none: nothing starts', async () => {
  const two = declareClient({ ...app, id: 'two', audiences: [audience, 'https://api.example'] })
  await expect(given.server({ clients: [...clients, two], config })).rejects.toThrow(
    `The client 'two' has the audience '${audience}'`,
  )
  const own = { sharedSecretApis: new Set([sampleConfig.issuer]) }
  await expect(given.server({ clients, config: own })).rejects.toThrow('shares no secret with itself')
  const misspelt = { sharedSecretApis: new Set(['https://vault.exmaple']) }
  await expect(given.server({ clients, config: misspelt })).rejects.toThrow('No client has the audience')
})
