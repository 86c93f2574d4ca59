import { declareClient, hashClientSecret } from '@countersign/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { closedRegistration } from '../clients/registration/registration-policy.ts'
import {
  type Answer,
  basic,
  bearer,
  call,
  get,
  introspect,
  logIn,
  me,
  postForm,
  postJson,
  refresh,
  signUp,
} from '../testing/calls.ts'
import { closeGiven, type GivenServer, given, sampleClients, secrets } from '../testing/given.ts'

afterEach(closeGiven)

const managerSecret = 'manager-secret-0123456789abcdef0123456789'
const asManager = basic('manager', managerSecret)
const manager = declareClient({
  id: 'manager',
  secretHashes: [hashClientSecret(managerSecret)],
  grantTypes: ['client_credentials'],
  scopes: ['clients:manage'],
  defaultScopes: ['clients:manage'],
})
const machine = {
  authentication_method: 'client_secret_basic',
  grant_types: ['client_credentials'],
  scopes: ['notes'],
} as const

let to: GivenServer
beforeEach(async () => {
  const registration = { ...closedRegistration, mode: 'open' as const }
  to = await given.server({ clients: [...sampleClients, manager], config: { registration } })
})

type Headers = Readonly<Record<string, string>>
const all = '/v1/admin/clients'
const add = (settings: object, headers: Headers = asManager) => postJson(to, all, settings, headers)
const send = (method: 'PUT' | 'DELETE' | 'POST', path: string, body: unknown, headers: Headers = asManager) =>
  call(to, {
    method,
    url: `${all}/${path}`,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { payload: JSON.stringify(body) }),
  })
const machineToken = (id: string, secret: string) =>
  postForm(to, '/token', { grant_type: 'client_credentials' }, basic(id, secret))
const secretOf = ({ body }: Answer): string => String(body.client_secret)

describe('a back end with the right clients:manage', () => {
  test('CVE-2026-40166, GHSA-m9h4-7j9c-55x9: makes a client, whose secret is shown once and stored as a hash', async () => {
    const before = (await to.audit()).length
    const made = await add({ id: 'job', name: 'A job', ...machine })
    expect(made.status).toBe(201)
    expect(made.body).toMatchObject({
      id: 'job',
      name: 'A job',
      origin: 'operator',
      client_secret: expect.stringMatching(/^cs_cs_/),
      default_scopes: ['notes'],
      secrets: [{ name: expect.any(String), ends_at: null }],
    })
    expect(await to.auditedSince(before)).toEqual(['client.registered'])
    expect((await machineToken('job', secretOf(made))).status).toBe(200)
    const shown = await get(to, `${all}/job`, asManager)
    expect(shown.body).not.toHaveProperty('client_secret')
    expect(JSON.stringify((await to.store.loadClient('job'))?.client)).not.toContain(secretOf(made))
  })

  test('may do so with a token too, and never with one of a user', async () => {
    const { body } = await machineToken('manager', managerSecret)
    expect((await add({ id: 'job' }, bearer(String(body.access_token)))).status).toBe(201)
    await signUp(to)
    const login = await logIn(to)
    expect((await add({ id: 'job-2' }, bearer(login.accessToken))).body.reason).toBe('scope_insufficient')
  })

  test('lists them a page at a time', async () => {
    for (let index = 0; index < 105; index++) await add({ id: `x${String(index).padStart(3, '0')}` })
    const first = (await get(to, all, asManager)).body.clients as { id: string }[]
    expect(first).toHaveLength(100)
    expect(first[0]).toEqual({ id: 'api', name: 'api', origin: 'declared', kind: 'confidential', state: 'on' })
    const rest = (await get(to, `${all}?after=${first.at(-1)?.id}`, asManager)).body.clients as { id: string }[]
    expect(rest.at(-1)?.id).toBe('x104')
  })

  test('sets what it names, and nothing else changes', async () => {
    await add({ id: 'app', redirect_uris: ['https://x.example/'] }).then(({ body }) =>
      expect(body.reason).toBe('client_taken'),
    )
    await add({ id: 'web-2', redirect_uris: ['https://x.example/'], scopes: ['a', 'b'], access_token_seconds: 60 })
    const set = await send('PUT', 'web-2', {
      name: 'New',
      scopes: ['b'],
      grace_seconds: 10,
      terms_uri: 'https://x.example/t',
    })
    expect(set.status).toBe(200)
    expect(set.body).toMatchObject({
      name: 'New',
      redirect_uris: ['https://x.example/'],
      scopes: ['b'],
      default_scopes: ['b'],
      access_token_seconds: 60,
      grace_seconds: 10,
      minimum_life_seconds: 60,
      terms_uri: 'https://x.example/t',
    })
  })

  test('a longer access token is noted, so that the feed keeps entries long enough', async () => {
    await add({ id: 'slow', access_token_seconds: 7_200 })
    expect((await to.store.loadIssuer()).issuer.longestAccessTokenSeconds).toBe(7_200)
  })

  test('takes one away: it is unknown, its tokens are dead, and who comes under its name later begins anew', async () => {
    const made = await add({ id: 'job', ...machine })
    const { body } = await machineToken('job', secretOf(made))
    expect((await send('DELETE', 'job', undefined)).status).toBe(204)
    expect((await get(to, `${all}/job`, asManager)).body.reason).toBe('client_unknown')
    expect((await introspect(to, String(body.access_token))).body).toEqual({ active: false })
    const again = await add({ id: 'job', ...machine })
    expect(again.status).toBe(201)
    expect((await machineToken('job', secretOf(made))).status).toBe(401)
    expect((await machineToken('job', secretOf(again))).status).toBe(200)
    expect((await introspect(to, String(body.access_token))).body).toEqual({ active: false })
  })

  test('what the configuration file declares is changed there; it can be revoked all the same', async () => {
    await signUp(to)
    const login = await logIn(to)
    for (const answer of [
      await send('PUT', 'bearer-app', { name: 'x' }),
      await send('DELETE', 'bearer-app', undefined),
      await send('POST', 'web/secrets', {}),
    ]) {
      expect([answer.status, answer.body.reason]).toEqual([409, 'client_declared'])
    }
    expect((await send('POST', 'bearer-app/revoke', undefined)).status).toBe(200)
    expect((await me(to, login.accessToken)).body.reason).toBe('token_revoked')
    expect((await refresh(to, login.refreshToken)).body.reason).toBe('authorization_revoked')
    expect((await to.store.feed.snapshot()).entries).toMatchObject([{ kind: 'client', id: 'bearer-app', below: 2 }])
    expect((await me(to, (await logIn(to)).accessToken)).status).toBe(200)
  })

  test.each<[string, object]>([
    ['a script to go back to', { redirect_uris: ['javascript:alert(1)'] }],
    ['a right without a secret', { scopes: ['introspection'] }],
    ['machine tokens without a secret', { grant_types: ['client_credentials'] }],
    ['a secret of its own making', { secrets: ['x'.repeat(40)] }],
    ['an origin', { origin: 'declared' }],
    ['an epoch', { epoch: 7 }],
    ['a member that is not known', { x: 1 }],
    ['a private key', { jwks: [{ kty: 'EC', d: 'x' }] }],
    ['a life that is too short', { grace_seconds: 300 }],
    ['a life without end', { access_token_seconds: 1e9 }],
    ['an id with a space', { id: 'a b' }],
    ['a name that is none', { name: '' }],
    ['scopes beyond its own', { scopes: ['a'], default_scopes: ['b'] }],
  ])('cannot give it %s: 400, and nothing is written', async (_what, settings) => {
    const before = [await to.store.countClients('operator'), (await to.audit()).length]
    const answer = await add(settings)
    expect([answer.status, answer.body.error, answer.body.reason]).toEqual([
      400,
      'invalid_request',
      'parameter_invalid',
    ])
    expect([await to.store.countClients('operator'), (await to.audit()).length]).toEqual(before)
  })
})

describe('nobody else manages clients', () => {
  test('without the right, without credentials, or public', async () => {
    const before = await to.audit()
    for (const headers of [basic('web', secrets.web), {}, bearer('x'), basic('manager', 'wrong')]) {
      const answers = [
        await get(to, all, headers),
        await add({ id: 'evil' }, headers),
        await send('PUT', 'web', { name: 'x' }, headers),
        await send('DELETE', 'web', undefined, headers),
        await get(to, `${all}/api`, headers),
        await send('POST', 'api/secrets', {}, headers),
        await send('DELETE', 'api/secrets/x', undefined, headers),
        await send('POST', 'api/revoke', undefined, headers),
        await send('POST', 'unknown/revoke', undefined, headers),
      ]
      for (const { status } of answers) expect([400, 401, 403]).toContain(status)
    }
    expect(await to.audit()).toEqual(before)
  })
})

describe('secrets', () => {
  test('are exchanged without a gap: add the new one, then retire the old one', async () => {
    const made = await add({ id: 'job', ...machine })
    const [{ name: old }] = made.body.secrets as [{ name: string }]
    const rotated = await send('POST', 'job/secrets', undefined)
    expect(rotated.status).toBe(201)
    for (const secret of [made, rotated]) expect((await machineToken('job', secretOf(secret))).status).toBe(200)
    expect((await send('DELETE', `job/secrets/${old}`, undefined)).status).toBe(200)
    expect((await machineToken('job', secretOf(made))).status).toBe(401)
    expect((await machineToken('job', secretOf(rotated))).status).toBe(200)
    const [{ name: last }] = rotated.body.secrets as [{ name: string }]
    for (const name of [last, old, 'x']) {
      expect((await send('DELETE', `job/secrets/${name}`, undefined)).body.reason).toBe('not_found')
    }
  })

  test('can end at a time of their own', async () => {
    const made = await add({ id: 'job', ...machine })
    const rotated = await send('POST', 'job/secrets', { old_expires_in: 60, expires_in: 3600 })
    expect(rotated.body.secrets).toMatchObject([
      { ends_at: new Date(to.now() + 3_600_000).toISOString() },
      { ends_at: new Date(to.now() + 60_000).toISOString() },
    ])
    await to.later(60)
    expect((await machineToken('job', secretOf(made))).status).toBe(401)
    expect((await machineToken('job', secretOf(rotated))).status).toBe(200)
    await to.later(3540)
    expect((await machineToken('job', secretOf(rotated))).status).toBe(401)
    const replaced = await send('POST', 'job/secrets', { old_expires_in: 0 })
    expect(replaced.body.secrets).toHaveLength(1)
  })
})

describe('C8: an owner exchanges the secret and revokes everything, in one request each', () => {
  let id: string
  let secret: string
  beforeEach(async () => {
    const made = await add({ ...machine })
    id = String(made.body.id)
    secret = secretOf(made)
  })

  test('by the credentials of the client', async () => {
    const { body } = await machineToken(id, secret)
    const rotated = await send('POST', `${id}/secrets`, { old_expires_in: 0 }, basic(id, secret))
    expect(rotated.status).toBe(201)
    expect((await machineToken(id, secret)).status).toBe(401)
    const own = basic(id, secretOf(rotated))
    expect((await send('POST', `${id}/revoke`, undefined, own)).status).toBe(200)
    expect((await introspect(to, String(body.access_token))).body).toEqual({ active: false })
    expect((await to.store.feed.snapshot()).entries).toMatchObject([{ kind: 'client', id, below: 2 }])
    const { body: later } = await machineToken(id, secretOf(rotated))
    expect(later.access_token).toBeDefined()
    for (const path of ['web/secrets', 'manager/revoke', 'unknown/revoke']) {
      expect((await send('POST', path, undefined, own)).body.reason).toBe('client_not_allowed')
    }
    expect((await send('PUT', id, { scopes: ['clients:manage'] }, own)).status).toBe(400)
  })

  test('by the token of the registration', async () => {
    const { body } = await postJson(to, '/register', { redirect_uris: ['https://new.example/'] })
    const owner = bearer(String(body.registration_access_token))
    const registered = String(body.client_id)
    expect((await send('POST', `${registered}/secrets`, undefined, owner)).status).toBe(201)
    expect((await send('POST', `${registered}/revoke`, undefined, owner)).status).toBe(200)
    expect((await send('POST', `${id}/revoke`, undefined, owner)).status).toBe(401)
  })

  test('by the user who owns it, and no other', async () => {
    const userId = await signUp(to)
    await signUp(to, 'else@example.com')
    const [owner, other] = [await logIn(to), await logIn(to, { email: 'else@example.com' })]
    await send('PUT', id, { owner_id: userId })
    expect((await send('POST', `${id}/revoke`, undefined, bearer(other.accessToken))).status).toBe(403)
    expect((await send('POST', `${id}/revoke`, undefined, bearer(owner.accessToken))).status).toBe(200)
    expect((await get(to, `${all}/${id}`, bearer(owner.accessToken))).status).toBe(200)
    expect((await send('PUT', id, { name: 'x' }, bearer(owner.accessToken))).status).toBe(403)
  })

  test('twenty times an hour: each is told to every API', async () => {
    const own = basic(id, secret)
    for (let index = 0; index < 20; index++)
      expect((await send('POST', `${id}/revoke`, undefined, own)).status).toBe(200)
    expect((await send('POST', `${id}/revoke`, undefined, own)).status).toBe(429)
    expect((await send('POST', `${id}/revoke`, undefined)).status).toBe(200)
  })
})

test('a registered client that an operator switched off stays off, and comes back as it was', async () => {
  const { body } = await postJson(to, '/register', { redirect_uris: ['https://new.example/'] })
  const [id, secret] = [String(body.client_id), String(body.client_secret)]
  const { clients } = to.server.admin
  await clients.disable(id, 'operator')
  const fields = { grant_type: 'authorization_code', code: 'x', redirect_uri: 'x', code_verifier: 'x' }
  expect((await postForm(to, '/token', fields, basic(id, secret))).status).toBe(401)
  await clients.enable(id, 'operator')
  expect((await postForm(to, '/token', fields, basic(id, secret))).body.reason).toBe('code_invalid')
})
