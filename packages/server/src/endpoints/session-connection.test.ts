import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Answer, me, postJson, refresh } from '../testing/calls.ts'
import { closeConnected, connectedServer, connectedToOpenid } from '../testing/connected.ts'
import { type GivenServer, issuer, sampleClients } from '../testing/given.ts'
import type { OpenidUpstream } from '../testing/upstreams/openid.ts'
import { startFacebook, startGithub, startX } from '../testing/upstreams/social.ts'
import { client } from '../testing/upstreams/upstream.ts'

afterEach(closeConnected)

let upstream: OpenidUpstream
let to: GivenServer

const ofApp = { app_client_ids: ['our-ios-app'] }
beforeEach(async () => {
  ;({ upstream, to } = await connectedToOpenid(ofApp))
})

function logInWith(body: object, connection = 'work', headers: Record<string, string> = {}): Promise<Answer> {
  return postJson(to, '/v1/sessions/connection', { connection, client_id: 'bearer-app', ...body }, headers)
}

const invalid = [400, 'provider_token_invalid']
const told = ({ status, body }: Answer) => [status, body.reason]

describe('an ID token that an app has got by itself', () => {
  test('signs in; the next one is the same user, and writes no user', async () => {
    const first = await logInWith({ id_token: await upstream.idToken({ nonce: 'n-1' }), nonce: 'n-1' })
    expect(first.status).toBe(201)
    expect((await me(to, String(first.body.access_token))).body).toMatchObject({ email: 'maria@example.com' })
    const { user } = await to.store.loadUserByIdentity('work', 'm-1')
    const second = await logInWith({
      id_token: await upstream.idToken({ jti: '2' }),
      supersedes: first.body.refresh_token,
    })
    expect(second.status).toBe(201)
    expect((await to.store.loadUserByIdentity('work', 'm-1')).user).toEqual(user)
    expect((await refresh(to, String(first.body.refresh_token))).body.reason).toBe('session_ended')
  })

  test('binds the login to a key, if the app proves one', async () => {
    const key = to.key()
    const proof = { dpop: key.proof('POST', `${issuer}/v1/sessions/connection`) }
    const { status, body } = await logInWith({ id_token: await upstream.idToken(), client_id: 'app' }, 'work', proof)
    expect([status, body.token_type]).toEqual([201, 'DPoP'])
  })

  test('may be made for an app of ours with a client id of its own', async () => {
    expect((await logInWith({ id_token: await upstream.idToken({ aud: 'our-ios-app' }) })).status).toBe(201)
  })

  test('is good once', async () => {
    const id_token = await upstream.idToken()
    const answers = await Promise.all(Array.from({ length: 10 }, () => logInWith({ id_token })))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
    expect(told(await logInWith({ id_token }))).toEqual(invalid)
  })

  test('is a first authorization too, where one of a user may live', async () => {
    const single = sampleClients.map(one => (one.id === 'bearer-app' ? { ...one, oneAuthorizationPerUser: true } : one))
    to = await connectedServer([upstream.settings], { clients: single })
    expect((await logInWith({ id_token: await upstream.idToken() })).status).toBe(201)
    const { user } = await to.store.loadUserByIdentity('work', 'm-1')
    expect((await to.store.loadGrant(user?.id ?? '', 'bearer-app')).grant?.withdrawnAt).toBeNull()
  })

  test('of an account that is there under the same address already is told so', async () => {
    await postJson(to, '/v1/users', { email: 'maria@example.com', password: 'correct horse battery' })
    expect(told(await logInWith({ id_token: await upstream.idToken() }))).toEqual([409, 'connection_account_exists'])
  })

  test('CVE-2026-15612: is nothing without its nonce, with another, or with one that it does not have', async () => {
    expect(told(await logInWith({ id_token: await upstream.idToken({ nonce: 'n-1' }) }))).toEqual(invalid)
    expect(told(await logInWith({ id_token: await upstream.idToken({ nonce: 'n-1' }), nonce: 'n-2' }))).toEqual(invalid)
    expect(told(await logInWith({ id_token: await upstream.idToken(), nonce: 'n-1' }))).toEqual(invalid)
  })

  test.each(['other_issuer', 'other_key', 'other_audience'] as const)('attack 33: %s: is nothing', async fault => {
    upstream.fault = fault
    expect(told(await logInWith({ id_token: await upstream.idToken() }))).toEqual(invalid)
    expect((await to.store.loadUserByIdentity('work', 'm-1')).identity).toBeUndefined()
  })

  test.each([
    ['unsigned', (token: string) => `${Buffer.from('{"alg":"none"}').toString('base64url')}.${token.split('.')[1]}.`],
    [
      'with another payload',
      (token: string) => token.replace(/\.[^.]+\./, `.${Buffer.from('{"sub":"x"}').toString('base64url')}.`),
    ],
    ['cut', (token: string) => token.slice(0, -8)],
    ['rubbish', () => 'rubbish'],
  ])('%s: is nothing', async (_what, spoil) => {
    expect(told(await logInWith({ id_token: spoil(await upstream.idToken()) }))).toEqual(invalid)
  })

  test.each(['silent', 'broken', 'busy'] as const)(
    'is 503 while the provider is %s, and good afterwards',
    async fault => {
      if (fault === 'silent') to = await connectedServer([{ ...upstream.settings, ...ofApp }], { timeoutMs: 1_000 })
      const id_token = await upstream.idToken()
      upstream.fault = fault
      const answer = await logInWith({ id_token })
      expect(told(answer)).toEqual([503, 'connection_unavailable'])
      expect(Number(answer.headers['retry-after'])).toBe(fault === 'busy' ? 17 : 5)
      upstream.fault = undefined
      expect((await logInWith({ id_token })).status).toBe(201)
    },
  )
})

describe('an access token: the provider says for whom it was made', () => {
  test.each([
    ['facebook', startFacebook],
    ['github', startGithub],
  ])('%s', async (name, start) => {
    const provider = await start()
    to = await connectedServer([provider.settings])
    expect((await logInWith({ access_token: provider.tokenFor(client.id) }, name)).status).toBe(201)
    // Any app’s owner has tokens of its users: they must be good for nothing here.
    expect(told(await logInWith({ access_token: provider.tokenFor('their-app') }, name))).toEqual(invalid)
    expect(told(await logInWith({ access_token: 'made-up' }, name))).toEqual(invalid)
    provider.fault = 'broken'
    expect(told(await logInWith({ access_token: provider.tokenFor(client.id) }, name))).toEqual([
      503,
      'connection_unavailable',
    ])
  })

  test('a provider that cannot tell (X) is none whose access tokens are taken', async () => {
    const x = await startX()
    to = await connectedServer([x.settings])
    expect(told(await logInWith({ access_token: x.tokenFor(client.id) }, 'x'))).toEqual(invalid)
  })
})

describe('who may ask', () => {
  test.each([
    ['hosted-app', 400, 'client_not_allowed'],
    ['stranger', 400, 'client_not_allowed'],
    ['web', 400, 'client_not_allowed'],
    ['nobody', 401, 'client_authentication_failed'],
  ])('%s', async (client_id, status, reason) => {
    expect(told(await logInWith({ id_token: await upstream.idToken(), client_id }))).toEqual([status, reason])
  })

  test('with one token, and a connection that there is', async () => {
    const id_token = await upstream.idToken()
    expect(told(await logInWith({}))).toEqual([400, 'parameter_invalid'])
    expect(told(await logInWith({ id_token, access_token: 'x' }))).toEqual([400, 'parameter_invalid'])
    expect(told(await logInWith({ id_token }, 'none'))).toEqual([404, 'connection_unknown'])
  })
})
