import { isRefusal } from '@countersign/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { closedRegistration } from '../clients/registration/registration-policy.ts'
import type { ClientSettings } from '../clients/written-client.ts'
import type { Outbound } from '../outbound/outbound.ts'
import { assertionKey } from '../testing/assertion-key.ts'
import { type Answer, basic, bearer, call, get, postForm, postJson } from '../testing/calls.ts'
import { closeGiven, type GivenServer, given } from '../testing/given.ts'

afterEach(closeGiven)

const redirect_uris = ['https://new.example/callback']
let to: GivenServer
let id: string
let secret: string
let token: string

beforeEach(async () => {
  to = await given.server({ config: { registration: { ...closedRegistration, mode: 'open' } } })
  const { body } = await postJson(to, '/register', { redirect_uris, client_name: 'New' })
  id = String(body.client_id)
  secret = String(body.client_secret)
  token = String(body.registration_access_token)
})

const read = (by = token, of = id) => get(to, `/register/${of}`, bearer(by))
const change = (metadata: unknown, by = token) =>
  call(to, {
    method: 'PUT',
    url: `/register/${id}`,
    payload: JSON.stringify(metadata),
    headers: { 'content-type': 'application/json', ...bearer(by) },
  })
const remove = (by = token) => call(to, { method: 'DELETE', url: `/register/${id}`, headers: bearer(by) })
const tokenOf = ({ body }: Answer): string => String(body.registration_access_token)
const reasonAtToken = async (by: string) => {
  const fields = { grant_type: 'authorization_code', code: 'x', redirect_uri: 'x', code_verifier: 'x' }
  return (await postForm(to, '/token', fields, basic(id, by))).body.reason
}

describe('its owner', () => {
  test('reads it, without the secret (RFC 7592 §2.1)', async () => {
    const answer = await read()
    expect([answer.status, answer.headers['cache-control']]).toEqual([200, 'no-store'])
    expect(answer.body).toMatchObject({ client_id: id, client_name: 'New', redirect_uris })
    expect(answer.text).not.toMatch(/cs_[a-z]+_/)
  })

  test('replaces what it said; its id, its secret and its logins stay (§2.2)', async () => {
    const answer = await change({ client_id: id, client_secret: secret, redirect_uris: ['https://moved.example/cb'] })
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({ client_id: id, client_name: id, redirect_uris: ['https://moved.example/cb'] })
    expect(answer.body).not.toHaveProperty('client_secret')
    expect(await reasonAtToken(secret)).toBe('code_invalid')
    expect((await to.store.loadClient(id))?.client).toMatchObject({ epoch: 1, origin: 'registered', firstParty: false })
  })

  test.each<[string, Record<string, unknown>]>([
    ['some scopes', { scope: 'openid email' }],
    ['scopes of which it can have none', { scope: 'admin notes' }],
    [
      'a key of its own, a name of its own for each user, and what is kept for it',
      {
        redirect_uris: ['https://new.example/callback'],
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_auth_signing_alg: 'ES256',
        jwks: { keys: [assertionKey(Date.now).jwk] },
        subject_type: 'pairwise',
        id_token_signed_response_alg: 'EdDSA',
        application_type: 'native',
        software_id: 'new',
        software_version: '1',
        initiate_login_uri: 'https://new.example/login',
        require_auth_time: true,
        contacts: ['ops@new.example'],
        tos_uri: 'https://new.example/terms',
        policy_uri: 'https://new.example/policy',
      },
    ],
  ])(
    'CVE-2026-107623: with %s, what it has read it can send back, and nothing changes by that',
    async (_what, more) => {
      const said = {
        redirect_uris: ['https://new.example/callback', 'com.example.app:/callback'],
        client_name: 'New',
        client_uri: 'https://new.example',
        logo_uri: 'https://new.example/logo.png',
        grant_types: ['authorization_code', 'refresh_token'],
        token_endpoint_auth_method: 'client_secret_post',
        post_logout_redirect_uris: ['https://new.example/bye'],
        backchannel_logout_uri: 'https://new.example/backchannel',
        backchannel_logout_session_required: true,
        default_max_age: 600,
        require_pushed_authorization_requests: true,
        dpop_bound_access_tokens: true,
        ...more,
      }
      const changed = await change({ client_id: id, client_secret: secret, ...said })
      expect(changed.status).toBe(200)
      const kept = async () => {
        const { registrationTokenHashes: _, version: __, ...rest } = (await to.store.loadClient(id))?.client ?? {}
        return rest
      }
      const before = await kept()
      const { registration_access_token: _, ...told } = (await read(tokenOf(changed))).body
      const again = await change(told, tokenOf(changed))
      expect([again.status, await kept()]).toEqual([200, before])
      expect((await read(tokenOf(again))).body).toMatchObject(told)
    },
  )

  test('gets a secret when it begins to use one, and loses it when it does not any more', async () => {
    const open = await change({ client_id: id, redirect_uris, token_endpoint_auth_method: 'none' })
    expect(await reasonAtToken(secret)).toBe('client_authentication_failed')
    const closed = await change({ client_id: id, redirect_uris }, tokenOf(open))
    expect(String(closed.body.client_secret)).toMatch(/^cs_cs_/)
    expect(await reasonAtToken(secret)).toBe('client_authentication_failed')
    expect(await reasonAtToken(String(closed.body.client_secret))).toBe('code_invalid')
  })

  test('gets a new token with each change; the one before is good until the new one is used', async () => {
    const lost = await change({ client_id: id, redirect_uris })
    const again = await change({ client_id: id, redirect_uris })
    expect(new Set([token, tokenOf(lost), tokenOf(again)]).size).toBe(3)
    expect((await read(tokenOf(lost))).status).toBe(401)
    expect((await read(tokenOf(again))).status).toBe(200)
    expect((await read(token)).status).toBe(401)
    expect((await read(tokenOf(again))).status).toBe(200)
  })

  test('deletes it: it authenticates no more, its token is good for nothing, every API is told (§2.3)', async () => {
    expect((await remove()).status).toBe(204)
    expect(await reasonAtToken(secret)).toBe('client_authentication_failed')
    expect((await read()).status).toBe(401)
    expect((await to.store.feed.snapshot()).entries).toMatchObject([{ kind: 'client', id, below: 2 }])
    await to.store.sweep({ keepEndedSeconds: 0, rowsAtMost: 100 })
    expect(await to.store.loadClient(id)).toBeUndefined()
  })
})

describe('everybody else', () => {
  test.each(['x', 'cs_rat_x', 'a.b.c'])('is refused, and is not told what was wrong: %s', async wrong => {
    const before = await to.audit()
    const answers = [
      await read(wrong),
      await read(wrong, 'unknown'),
      await read(wrong, 'app'),
      await read(token, 'app'),
      await change({ client_id: id, redirect_uris }, wrong),
      await remove(wrong),
    ]
    for (const { status, body } of answers) expect([status, body.reason]).toEqual([401, 'registration_token_invalid'])
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    expect((await get(to, `/register/${id}`)).body.reason).toBe('token_missing')
    expect(await to.audit()).toEqual(before)
  })

  test.each([
    'Bearer',
    'Bearer ',
    'bearer',
    'Bearer a b',
    'Bearer\t',
    'Bearer \u00e9',
    ' ',
    'Basic',
    'Basic !',
    `Bearer ${'x'.repeat(9_000)}`,
  ])('CVE-2026-9803: %j as Authorization is refused like any other, and breaks nothing', async authorization => {
    for (const [method, url] of [
      ['GET', `/register/${id}`],
      ['DELETE', `/register/${id}`],
      ['POST', '/register'],
    ] as const) {
      const payload = method === 'POST' ? { payload: JSON.stringify({ redirect_uris }) } : {}
      const headers = { authorization, ...(method === 'POST' && { 'content-type': 'application/json' }) }
      const { status } = await call(to, { method, url, headers, ...payload })
      expect([method, status]).toEqual([method, 401])
    }
  })

  test('an access token of ours, and the client’s own secret, are no token of a registration', async () => {
    expect((await read(secret)).status).toBe(401)
    const byBasic = await get(to, `/register/${id}`, basic(id, secret))
    expect(byBasic.body.reason).toBe('registration_token_invalid')
  })
})

describe('CVE-2026-15572: a change is judged like a registration; one that cannot be writes nothing', () => {
  test.each<[string, Record<string, unknown>, string]>([
    ['another id', { client_id: 'app' }, 'invalid_client_metadata'],
    ['no id', { client_id: undefined }, 'invalid_client_metadata'],
    ['another secret', { client_secret: 'wrong' }, 'invalid_client_metadata'],
    ['a script', { redirect_uris: ['javascript:alert(1)'] }, 'invalid_redirect_uri'],
    ['no redirect URI', { redirect_uris: undefined }, 'invalid_redirect_uri'],
    ['a logout address that runs', { post_logout_redirect_uris: ['javascript:alert(1)'] }, 'invalid_client_metadata'],
    ['keys on this machine', { jwks_uri: 'https://127.0.0.1/jwks' }, 'invalid_client_metadata'],
    ['machine tokens', { grant_types: ['client_credentials'] }, 'invalid_client_metadata'],
  ])('%s', async (_what, more, error) => {
    const before = await to.audit()
    const answer = await change({ client_id: id, redirect_uris, ...more })
    expect([answer.status, answer.body.error]).toEqual([400, error])
    expect(await to.audit()).toEqual(before)
    expect((await read()).status).toBe(200)
  })
})

test('of ten changes at once each is answered, and one token is left that is good', async () => {
  const answers = await Promise.all(Array.from({ length: 10 }, () => change({ client_id: id, redirect_uris })))
  for (const { status } of answers) expect([200, 401]).toContain(status)
  const good = await Promise.all(
    answers.filter(({ status }) => status === 200).map(async answer => (await read(tokenOf(answer))).status === 200),
  )
  expect(good.filter(Boolean)).toHaveLength(1)
})

describe('what an operator has decided about it', () => {
  const audiences = ['https://api.example', 'https://stock.example']
  const device = 'urn:ietf:params:oauth:grant-type:device_code'
  const everything = { redirect_uris, grant_types: ['authorization_code', 'refresh_token', device] }
  const set = (settings: ClientSettings) => to.server.admin.clients.set(id, settings, 'operator')
  const stored = async () => (await to.store.loadClient(id))?.client

  beforeEach(async () => {
    const scopes = ['openid', 'email', 'offline_access']
    to = await given.server({ config: { registration: { ...closedRegistration, mode: 'open', scopes, audiences } } })
    const { body } = await postJson(to, '/register', everything)
    id = String(body.client_id)
    token = String(body.registration_access_token)
  })

  test('stays: scopes, audiences and grant types that were taken away do not come back', async () => {
    const fewer = { scopes: ['openid'], audiences: ['https://api.example'] }
    await set({ ...fewer, grant_types: ['authorization_code'], requires_dpop: true, requires_pushed_requests: true })
    const answer = await change({ client_id: id, ...everything, scope: 'openid email offline_access' })
    expect(answer.body).toMatchObject({
      scope: 'openid',
      grant_types: ['authorization_code'],
      dpop_bound_access_tokens: true,
      require_pushed_authorization_requests: true,
    })
    expect(await stored()).toMatchObject({ ...fewer, defaultScopes: ['openid'], grantTypes: ['authorization_code'] })
    const none = await change({ client_id: id, grant_types: [device] }, tokenOf(answer))
    expect([none.status, none.body.error]).toEqual([400, 'invalid_client_metadata'])
  })

  test('is none before there is one: it may take back what it has given up itself', async () => {
    const less = await change({ client_id: id, redirect_uris, scope: 'openid' })
    expect(less.body).toMatchObject({ scope: 'openid', grant_types: ['authorization_code'] })
    const more = await change({ client_id: id, ...everything }, tokenOf(less))
    expect(more.body).toMatchObject({ scope: 'openid email offline_access', grant_types: everything.grant_types })
  })

  test.each<[string, ClientSettings]>([
    ['first-party', { first_party: true }],
    ['whose users are not asked', { consent: 'implied' }],
  ])('a client that is %s sends nobody to another address by itself', async (_what, trust) => {
    expect(isRefusal(await set(trust))).toBe(false)
    for (const elsewhere of [['https://evil.example/cb'], [...redirect_uris, 'https://evil.example/cb']]) {
      const answer = await change({ client_id: id, redirect_uris: elsewhere })
      expect([answer.status, answer.body.error]).toEqual([400, 'invalid_redirect_uri'])
    }
    expect((await stored())?.redirectUris).toEqual(redirect_uris)
    expect((await change({ client_id: id, redirect_uris, client_name: 'Renamed' })).status).toBe(200)
  })
})

describe('changes are counted before they are judged', () => {
  test('one client is changed twenty times an hour, rightly or wrongly, and no server is called for more', async () => {
    const called: string[] = []
    const outbound: Outbound = async ({ url }) => {
      called.push(url)
      return { failed: 'unreachable' }
    }
    to = await given.server({ config: { registration: { ...closedRegistration, mode: 'open' } }, outbound })
    const { body } = await postJson(to, '/register', { redirect_uris })
    id = String(body.client_id)
    token = String(body.registration_access_token)
    const sector_identifier_uri = 'https://sector.example/list.json'
    for (let n = 0; n < 20; n++) {
      expect((await change({ client_id: id, redirect_uris, sector_identifier_uri })).status).toBe(400)
    }
    const before = await to.audit()
    const last = await change({ client_id: id, redirect_uris, sector_identifier_uri })
    expect([last.status, last.body.reason]).toEqual([429, 'too_many_attempts'])
    expect(Number(last.headers['retry-after'])).toBeGreaterThan(0)
    expect(called).toHaveLength(20)
    expect((await change({ client_id: id, redirect_uris })).status).toBe(429)
    expect(await to.audit()).toEqual(before)
    expect((await read()).status).toBe(200)
    await to.later(3600)
    expect((await change({ client_id: id, redirect_uris })).status).toBe(200)
  })

  test('whoever does not hold the token uses up nothing of it', async () => {
    for (let n = 0; n < 25; n++) expect((await change({ client_id: id, redirect_uris }, 'wrong')).status).toBe(401)
    expect((await change({ client_id: id, redirect_uris })).status).toBe(200)
  })

  test('one address changes a hundred times an hour, however many clients it has registered', async () => {
    const statuses: number[] = []
    for (let clients = 0; clients < 6; clients++) {
      const { body } = await postJson(to, '/register', { redirect_uris })
      id = String(body.client_id)
      token = String(body.registration_access_token)
      for (let n = 0; n < 17; n++) statuses.push((await change({ client_id: id, redirect_uris: [] })).status)
    }
    expect(statuses.filter(status => status === 400)).toHaveLength(100)
    expect(statuses.at(-1)).toBe(429)
  })
})
