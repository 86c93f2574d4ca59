import { type Client, declareClient, hashClientSecret } from '@countersign/core'
import { afterEach, describe, expect, test } from 'vitest'
import { apiVerifier } from '../testing/api-verifier.ts'
import { browser } from '../testing/browser.ts'
import {
  basic,
  bearer,
  introspect,
  logIn,
  me,
  postForm,
  redeem,
  refresh,
  signUp,
  withOtherEnd,
} from '../testing/calls.ts'
import { asOrders } from '../testing/exchanges.ts'
import { closeGiven, type GivenServer, given, issuer, sampleClients, secrets } from '../testing/given.ts'

afterEach(closeGiven)

const app = sampleClients.find(({ id }) => id === 'bearer-app') as Client
const orders = sampleClients.find(({ id }) => id === 'orders') as Client
const opaque = declareClient({ ...app, id: 'opaque-app', accessTokenFormat: 'opaque' })
const elsewhere = declareClient({ ...app, id: 'elsewhere', audiences: ['https://stock.example'] })
const clients = [
  ...sampleClients,
  opaque,
  elsewhere,
  declareClient({ ...elsewhere, id: 'both', accessTokenFormat: 'opaque' }),
]

async function loggedIn(client: string) {
  const to = await given.server({ clients })
  await signUp(to)
  return { to, login: await logIn(to, { client }) }
}

function ask(to: GivenServer, token: string, headers: Readonly<Record<string, string>>) {
  return postForm(to, '/introspect', { token }, headers)
}

describe('CVE-2026-37979: an API learns about tokens that are addressed to it (RFC 7662 §4)', () => {
  test('one that says which API it is, of its own alone', async () => {
    const { to, login } = await loggedIn('bearer-app')
    expect((await ask(to, login.accessToken, asOrders)).body.active).toBe(true)
    const foreign = await logIn(to, { client: 'elsewhere' })
    expect((await ask(to, foreign.accessToken, asOrders)).body).toEqual({ active: false })
    expect((await introspect(to, foreign.accessToken)).body.active).toBe(true)
  })

  test('of an opaque token nobody else does, whatever they may ask', async () => {
    const { to, login } = await loggedIn('opaque-app')
    expect((await ask(to, login.accessToken, asOrders)).body.active).toBe(true)
    expect((await introspect(to, login.accessToken)).body).toEqual({ active: false })
    const foreign = await logIn(to, { client: 'both' })
    expect((await ask(to, foreign.accessToken, asOrders)).body).toEqual({ active: false })
  })

  test('a confidential client without the right asks about its own tokens', async () => {
    const { to, login } = await loggedIn('bearer-app')
    const page = browser(to)
    await page.signIn()
    const redirect_uri = 'https://web.example/callback?from=countersign'
    const { code, verifier } = await page.code({ client_id: 'web', redirect_uri })
    const fields = { code, code_verifier: verifier, redirect_uri, client_id: 'web', client_secret: secrets.web }
    const tokens = (await redeem(to, fields)).body
    const asWeb = basic('web', secrets.web)
    expect((await ask(to, String(tokens.access_token), asWeb)).body).toMatchObject({ active: true, client_id: 'web' })
    expect((await ask(to, login.accessToken, asWeb)).body.reason).toBe('client_not_allowed')
    expect((await ask(to, 'x', asWeb)).body.reason).toBe('client_not_allowed')
    expect((await postForm(to, '/introspect', { token: login.accessToken, client_id: 'bearer-app' })).status).toBe(400)

    const refreshToken = String(tokens.refresh_token)
    const told = (await ask(to, refreshToken, asWeb)).body
    expect(told).toMatchObject({
      active: true,
      iss: issuer,
      client_id: 'web',
      scope: 'account notes',
      sid: tokens.session_id,
    })
    expect(Number(told.exp) - Number(told.iat)).toBe(30 * 86_400)
    expect(told).not.toHaveProperty('token_type')
    expect((await ask(to, refreshToken, asOrders)).body).toEqual({ active: false })
    expect((await introspect(to, refreshToken)).body).toEqual({ active: false })
    expect((await ask(to, withOtherEnd(refreshToken), asWeb)).body).toEqual({ active: false })
    await to.later(60)
    const rotated = await refresh(to, refreshToken, { client: 'web', fields: { client_secret: secrets.web } })
    expect((await ask(to, refreshToken, asWeb)).body).toEqual({ active: false })
    expect((await ask(to, String(rotated.body.refresh_token), asWeb)).body.active).toBe(true)
    await page.submit('/account', { command: 'sign_out' })
    expect((await ask(to, String(rotated.body.refresh_token), asWeb)).body).toEqual({ active: false })
  })

  test('asking decides nothing: a refresh token in other hands is not flagged', async () => {
    const { to, login } = await loggedIn('bearer-app')
    const before = (await to.audit()).length
    await introspect(to, login.refreshToken)
    await ask(to, login.refreshToken, asOrders)
    expect((await to.audit()).length).toBe(before)
  })

  test('the address is told with the scope email, and to nobody else', async () => {
    const mail = { ...app, id: 'mail', scopes: ['account', 'email'], defaultScopes: ['account', 'email'] }
    const to = await given.server({ clients: [...clients, mail] })
    await signUp(to)
    const [wide, narrow] = [await logIn(to, { client: 'mail' }), await logIn(to, { client: 'mail', scope: 'account' })]
    expect((await introspect(to, wide.accessToken)).body.username).toBe('maria@example.com')
    expect((await introspect(to, narrow.accessToken)).body).not.toHaveProperty('username')
  })
})

test('an API may want opaque tokens, whichever client gets them; those for others stay as they are', async () => {
  const to = await given.server({ config: { opaqueApis: new Set(['https://api.example']) } })
  await signUp(to)
  const login = await logIn(to)
  expect(login.accessToken).toMatch(/^cs_at_/)
  expect((await ask(to, login.accessToken, asOrders)).body).toMatchObject({ active: true, client_id: 'bearer-app' })
  await to.later(60)
  const elsewhere = await refresh(to, login.refreshToken, { fields: { resource: issuer } })
  expect(elsewhere.body.access_token).toMatch(/^eyJ/)
  await expect(given.server({ config: { opaqueApis: new Set(['https://apj.example']) } })).rejects.toThrow(
    /No client has the audience 'https:\/\/apj.example'/,
  )
})

describe('an opaque access token', () => {
  test('says nothing, is known here, and dies like any other', async () => {
    const { to, login } = await loggedIn('opaque-app')
    expect(login.accessToken).toMatch(/^cs_at_[\w-]+$/)
    expect((await me(to, login.accessToken)).status).toBe(200)
    const claims = (await ask(to, login.accessToken, asOrders)).body
    expect(claims).toMatchObject({
      active: true,
      token_type: 'Bearer',
      iss: issuer,
      aud: [issuer, 'https://api.example'],
      client_id: 'opaque-app',
      scope: 'account notes',
      sid: login.sessionId,
      jti: expect.any(String),
      exp: expect.any(Number),
      iat: expect.any(Number),
      sub: expect.any(String),
    })
    await postForm(to, '/revoke', { token: login.accessToken, client_id: 'opaque-app' })
    expect((await me(to, login.accessToken)).body.reason).toBe('token_revoked')
    expect((await to.store.feed.snapshot()).entries).toMatchObject([{ kind: 'token', id: claims.jti }])
    await to.later(60)
    const fresh = await refresh(to, login.refreshToken, { client: 'opaque-app' })
    expect((await me(to, String(fresh.body.access_token))).status).toBe(200)
    await to.later(900)
    expect((await me(to, String(fresh.body.access_token))).body.reason).toBe('token_expired')
    await postForm(to, '/revoke', { token: login.refreshToken, client_id: 'opaque-app' })
    expect((await ask(to, String(fresh.body.access_token), asOrders)).body).toEqual({ active: false })
  })

  test('attack 10 (CVE-2026-27840): cut, prolonged or of another key it is none, anywhere', async () => {
    const { to, login } = await loggedIn('opaque-app')
    const other = await given.server({ clients, master: Buffer.alloc(32, 1) })
    await signUp(other)
    const foreign = (await logIn(other, { client: 'opaque-app' })).accessToken
    const token = login.accessToken
    for (const wrong of [
      token.slice(0, -1),
      token.slice(0, -7),
      `${token}A`,
      `${token}=`,
      `cs_at_${token}`,
      'cs_at_',
      foreign,
    ]) {
      expect((await ask(to, wrong, asOrders)).body).toEqual({ active: false })
      expect((await me(to, wrong)).status).toBe(401)
    }
  })

  test('is checked by an API that asks, and dies there as soon as the feed says so', async () => {
    const { to, login } = await loggedIn('opaque-app')
    const revocations = { clientId: 'orders', clientSecret: secrets.orders }
    const api = await apiVerifier(to, { opaque: 'introspect', revocations })
    expect(await api.verify(login.accessToken, { scope: 'notes' })).toMatchObject({ refused: false })
    const stranger = await apiVerifier(to, { opaque: 'introspect' })
    expect(await stranger.verify(login.accessToken)).toMatchObject({ reason: 'token_inactive' })
    await postForm(to, '/revoke', { token: login.refreshToken, client_id: 'opaque-app' })
    while (api.status().revocations?.entries === 0) await new Promise(setImmediate)
    expect(await api.verify(login.accessToken)).toMatchObject({ reason: 'token_revoked' })
    api.close()
    stranger.close()
  })

  test('bound to a key it needs the proof', async () => {
    const bound = { ...opaque, accessTokenBinding: 'dpop' as const }
    const to = await given.server({ clients: [...sampleClients, bound] })
    await signUp(to)
    const key = to.key()
    const login = await logIn(to, { client: 'opaque-app', key })
    expect((await me(to, login.accessToken)).body.reason).toBe('token_bound')
    expect((await ask(to, login.accessToken, asOrders)).body).toMatchObject({
      token_type: 'DPoP',
      cnf: { jkt: key.jkt },
    })
  })

  test('machines get one too', async () => {
    const machine = {
      ...orders,
      id: 'machine',
      accessTokenFormat: 'opaque' as const,
      secretHashes: [hashClientSecret('m'.repeat(32))],
    }
    const to = await given.server({ clients: [...sampleClients, machine] })
    const asMachine = basic('machine', 'm'.repeat(32))
    const { body } = await postForm(
      to,
      '/token',
      { grant_type: 'client_credentials', scope: 'introspection' },
      asMachine,
    )
    expect(body.access_token).toMatch(/^cs_at_/)
    const told = await ask(to, String(body.access_token), bearer(String(body.access_token)))
    expect(told.body).toMatchObject({ active: true, sub: 'machine' })
  })
})
