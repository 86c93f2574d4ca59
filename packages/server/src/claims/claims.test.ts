import { type ClaimsMap, declareClient, hashClientSecret, type Rights } from '@countersign/core'
import { isRefusal } from '@countersign/protocol'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { apiVerifier } from '../testing/api-verifier.ts'
import {
  type Answer,
  basic,
  bearer,
  call,
  introspect,
  type Login,
  logIn,
  me,
  postForm,
  postJson,
  refresh,
  signUp,
} from '../testing/calls.ts'
import { closeConnected, connectedToOpenid, signInWith } from '../testing/connected.ts'
import { type GivenServer, issuer, sampleClients, secrets } from '../testing/given.ts'
import type { OpenidUpstream } from '../testing/upstreams/openid.ts'
import type { AddClaims } from './claims-teller.ts'

const notes = 'https://api.example'
const rightsOf: ClaimsMap = { roles: 'roles', groups: 'groups', tenant: 'attributes.tenant' }
const backEnd = 'back-end-secret-0123456789abcdef01234567'
const app = sampleClients.find(({ id }) => id === 'bearer-app')
const clients = [
  ...sampleClients,
  declareClient({ ...app, id: 'own-app', audiences: [], accessTokenClaims: { email: 'email', picture: 'picture' } }),
  declareClient({
    ...app,
    id: 'others-app',
    consent: 'asked',
    audiences: [],
    accessTokenClaims: { email: 'email', roles: 'roles' },
  }),
  declareClient({
    id: 'back-end',
    secretHashes: [hashClientSecret(backEnd)],
    grantTypes: ['client_credentials'],
    scopes: ['users:manage'],
  }),
]

let to: GivenServer
let upstream: OpenidUpstream
let added: AddClaims = () => ({})
let userId: string

beforeAll(async () => {
  ;({ upstream, to } = await connectedToOpenid(
    { keep_tokens: true },
    {
      clients,
      config: { apiClaims: new Map([[notes, rightsOf]]), claimsVersion: 3 },
      addClaims: request => added(request),
    },
  ))
})
afterAll(closeConnected)
let people = 0
let email: string
beforeEach(async () => {
  added = () => ({})
  email = `maria-${++people}@example.com`
  userId = await signUp(to, email)
})

const asBackEnd = basic('back-end', backEnd)
const path = (): string => `/v1/trusted/users/${userId}/rights`
function give(rights: Partial<Rights>): Promise<Answer> {
  const headers = { 'content-type': 'application/json', ...asBackEnd }
  return call(to, { method: 'PUT', url: path(), payload: JSON.stringify(rights), headers })
}

function claimsOf(token: unknown): Record<string, unknown> {
  return JSON.parse(Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString())
}

/** What an API that follows the feed says of a token, once it knows what has been committed until now. */
async function judged(token: string, audience = notes, oldestSchema?: number): Promise<string> {
  const api = await apiVerifier(to, { audience, ...(oldestSchema !== undefined && { oldestSchema }) })
  const verdict = await api.verify(token)
  api.close()
  return isRefusal(verdict) ? verdict.reason : 'good'
}

async function refreshed({ refreshToken }: Login, client = 'bearer-app'): Promise<string> {
  const answer = await refresh(to, refreshToken, { client })
  expect(answer.status).toBe(200)
  return String(answer.body.access_token)
}

describe('what an API wants to be told of users', () => {
  test('stands in the access tokens that reach it, as far as there is something; and nothing in others', async () => {
    await give({ roles: ['editor', 'admin', 'editor'], attributes: { tenant: 'acme', note: 'for us alone' } })
    const told = claimsOf((await logIn(to, { email })).accessToken)
    expect(told).toMatchObject({ roles: ['admin', 'editor'], tenant: 'acme', ver: 3, epo: { claims: 1 } })
    for (const name of ['groups', 'note', 'attributes', 'email', 'permissions']) expect(told).not.toHaveProperty(name)
    expect(claimsOf((await logIn(to, { email, client: 'own-app' })).accessToken)).not.toHaveProperty('roles')
  })

  test('a change is in the next token, the API refuses the old one with its reason, and the login goes on', async () => {
    await give({ roles: ['admin'] })
    const login = await logIn(to, { email })
    expect(await judged(login.accessToken)).toBe('good')
    await give({ roles: [] })
    expect(await judged(login.accessToken)).toBe('token_outdated')
    expect((await introspect(to, login.accessToken)).body).toEqual({ active: false })
    // Our own endpoints tell what is known now, and read nothing of what the token tells.
    expect(await me(to, login.accessToken)).toMatchObject({ status: 200, body: { roles: [] } })
    const next = await refreshed(login)
    expect(claimsOf(next)).not.toHaveProperty('roles')
    expect(await judged(next)).toBe('good')
    expect((await introspect(to, next)).body.active).toBe(true)
  })

  test('what is the same is not written, and nobody is told to refresh', async () => {
    await give({ roles: ['a', 'b'], attributes: { tenant: 'x' } })
    const login = await logIn(to, { email })
    const { user } = await to.store.loadUser(userId)
    const entries = (await to.store.feed.snapshot()).number
    expect((await give({ attributes: { tenant: 'x' }, roles: ['b', 'a', 'b'] })).status).toBe(200)
    expect((await to.store.loadUser(userId)).user?.version).toBe(user?.version)
    expect((await to.store.feed.snapshot()).number).toBe(entries)
    expect(await judged(login.accessToken)).toBe('good')
  })

  test('who is told nothing of what has changed is not told to refresh', async () => {
    const [mapped, unmapped] = [await logIn(to, { email }), await logIn(to, { email, client: 'own-app' })]
    await give({ permissions: ['notes:all'], attributes: { note: 'not in any token' } })
    expect(await judged(mapped.accessToken)).toBe('good')
    await give({ groups: ['staff'] })
    expect(await judged(mapped.accessToken)).toBe('token_outdated')
    expect(await judged(unmapped.accessToken, issuer)).toBe('good')
  })

  test('goes on into a token that an API gets in exchange, as far as the next API wants it', async () => {
    await give({ roles: ['admin'] })
    const { accessToken } = await logIn(to, { email })
    const asked = (subject: object) =>
      postForm(
        to,
        '/token',
        { grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange', ...subject },
        basic('orders', secrets.orders),
      )
    const type = 'urn:ietf:params:oauth:token-type:access_token'
    const exchanged = await asked({ subject_token: accessToken, subject_token_type: type, resource: notes })
    expect(claimsOf(exchanged.body.access_token)).toMatchObject({ roles: ['admin'], act: { client_id: 'orders' } })
    const userType = 'urn:countersign:token-type:user_id'
    const asUser = await asked({ subject_token: userId, subject_token_type: userType, resource: notes, scope: 'notes' })
    expect(claimsOf(asUser.body.access_token)).toMatchObject({ roles: ['admin'], sub: userId })
    const elsewhere = await asked({
      subject_token: userId,
      subject_token_type: userType,
      resource: 'https://stock.example',
      scope: 'notes',
    })
    expect(claimsOf(elsewhere.body.access_token)).not.toHaveProperty('roles')
  })

  test('of a version that an API does not understand any more, a token is outdated', async () => {
    const { accessToken } = await logIn(to, { email })
    expect(await judged(accessToken, notes, 3)).toBe('good')
    expect(await judged(accessToken, notes, 4)).toBe('token_outdated')
  })
})

describe('what a client wants to be told', () => {
  test('an application of others is told what the user is asked about only with their scope', async () => {
    await give({ roles: ['admin'] })
    const own = claimsOf((await logIn(to, { email, client: 'own-app' })).accessToken)
    expect(own.email).toBe(email)
    const others = claimsOf((await logIn(to, { email, client: 'others-app' })).accessToken)
    expect([others.roles, others.email]).toEqual([['admin'], undefined])
  })

  test('another answer of a provider at a sign-in changes the profile, and the tokens that tell of it; the same answer changes nothing', async () => {
    upstream.person = { ...upstream.person, sub: 'm-9', email: 'nine@example.com', picture: 'https://p.example/1' }
    await signInWith(to, upstream, 'work')
    const { user } = await to.store.loadUserByIdentity('work', 'm-9')
    const id = user?.id ?? ''
    const trusted = await postJson(
      to,
      '/v1/trusted/sessions',
      { client_id: 'own-app', user: { id } },
      basic('api', secrets.api),
    )
    const token = String(trusted.body.access_token)
    expect(claimsOf(token).picture).toBe('https://p.example/1')
    const entries = (await to.store.feed.snapshot()).number
    await signInWith(to, upstream, 'work')
    expect((await to.store.feed.snapshot()).number).toBe(entries)
    expect(await judged(token, issuer)).toBe('good')
    upstream.person = { ...upstream.person, picture: 'https://p.example/2' }
    await signInWith(to, upstream, 'work')
    expect(await judged(token, issuer)).toBe('token_outdated')
    const next = await refresh(to, String(trusted.body.refresh_token), { client: 'own-app' })
    expect(claimsOf(next.body.access_token).picture).toBe('https://p.example/2')
    // The provider's tokens are kept, and no token of ours tells one.
    const kept = await to.store.listIdentities(id)
    const tokens = to.server.services.vault.open(kept[0] as (typeof kept)[number])
    expect(tokens?.accessToken).toBeTruthy()
    for (const told of [claimsOf(token), claimsOf(next.body.access_token)]) {
      expect(JSON.stringify(told)).not.toContain(tokens?.accessToken)
      expect(JSON.stringify(told)).not.toContain(tokens?.refreshToken)
    }
  })
})

/** Whatever the operator has: a database of their own, say. */
const planOf = async (id: string): Promise<string> => (id === userId ? 'gold' : 'free')

// region code
const planFor: AddClaims = async ({ token, user }) => (token === 'access_token' ? { plan: await planOf(user.id) } : {})
// endregion

describe('code of the operator’s', () => {
  test('adds what it finds', async () => {
    added = planFor
    expect(claimsOf((await logIn(to, { email })).accessToken).plan).toBe('gold')
  })

  test('is told nothing secret, and cannot set a reserved claim', async () => {
    const asked: unknown[] = []
    added = request => {
      asked.push(request)
      return {
        plan: 'gold',
        sub: 'evil',
        cnf: { jkt: 'evil' },
        may_act: { sub: 'evil' },
        epo: { all: 0 },
        __proto__: { x: 1 },
      }
    }
    const { accessToken } = await logIn(to, { email })
    const told = claimsOf(accessToken)
    expect(told).toMatchObject({ plan: 'gold', sub: userId, epo: { all: expect.any(Number), user: 1 } })
    for (const name of ['cnf', 'may_act', 'x']) expect(told).not.toHaveProperty(name)
    expect(asked[0]).toEqual({
      token: 'access_token',
      clientId: 'bearer-app',
      audiences: [notes],
      scope: 'account notes',
      user: { id: userId, rights: expect.any(Object), claims: expect.objectContaining({ email }) },
    })
    expect((await me(to, accessToken)).status).toBe(200)
  })

  test('that fails or tells too much is 503, uses no refresh token up, and logs nobody out', async () => {
    const login = await logIn(to, { email })
    for (const failing of [
      () => Promise.reject(new Error('away')),
      () => ({ much: 'x'.repeat(5_000) }),
    ] satisfies AddClaims[]) {
      added = failing
      const answer = await refresh(to, login.refreshToken)
      expect([answer.status, answer.headers['retry-after']]).toEqual([503, expect.any(String)])
      expect(answer.text).not.toContain('away')
    }
    added = () => ({})
    expect(claimsOf(await refreshed(login)).sub).toBe(userId)
  })
})

describe('rights', () => {
  test('are set by back ends with users:manage alone, whole, and never by a user’s token', async () => {
    const { accessToken } = await logIn(to, { email })
    const put = (headers: Readonly<Record<string, string>>) =>
      call(to, {
        method: 'PUT',
        url: path(),
        payload: '{}',
        headers: { 'content-type': 'application/json', ...headers },
      })
    expect((await put(bearer(accessToken))).status).toBe(403)
    expect((await put(basic('api', secrets.api))).body.reason).toBe('client_not_allowed')
    expect((await put({})).status).toBe(401)
    await give({ roles: ['a'], permissions: ['p'] })
    expect((await give({ roles: ['b'] })).body).toEqual({ roles: ['b'], groups: [], permissions: [], attributes: {} })
    expect((await call(to, { method: 'GET', url: path(), headers: asBackEnd })).body.roles).toEqual(['b'])
    const nobody = {
      method: 'GET' as const,
      url: '/v1/trusted/users/AZxSample-User--000001/rights',
      headers: asBackEnd,
    }
    expect((await call(to, nobody)).body.reason).toBe('user_unknown')
  })

  test.each<[string, object]>([
    ['a word with a space', { roles: ['a b'] }],
    ['a member that there is not', { rules: [] }],
    ['more than fits into a token', { attributes: { much: 'x'.repeat(3_000) } }],
  ])('%s is refused, and changes nothing', async (_what, rights) => {
    await give({ roles: ['a'] })
    expect((await give(rights)).status).toBe(400)
    expect((await to.store.loadUser(userId)).user?.rights.roles).toEqual(['a'])
  })

  test('are shown to the user with the rest of what is known of them, but for attributes', async () => {
    await give({ roles: ['editor'], attributes: { note: 'for us alone' } })
    const { body } = await me(to, (await logIn(to, { email })).accessToken)
    expect(body).toMatchObject({
      id: userId,
      email,
      email_verified: false,
      roles: ['editor'],
      groups: [],
      permissions: [],
    })
    expect(body.ways_in).toEqual(['password'])
    expect(JSON.stringify(body)).not.toContain('for us alone')
  })
})
