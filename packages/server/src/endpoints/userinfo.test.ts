import type { Profile } from '@countersign/core'
import { afterEach, describe, expect, test } from 'vitest'
import { declareClients } from '../clients/declare-clients.ts'
import { asApi, bearer, call, get, postForm, redeem, refresh } from '../testing/calls.ts'
import { exchange } from '../testing/exchanges.ts'
import { closeGiven, type GivenServer, given, issuer, sampleClients } from '../testing/given.ts'
import { addressOf, claimsOf, openidClients, signInAt } from '../testing/openid-clients.ts'

afterEach(closeGiven)

const server = (): Promise<GivenServer> => given.server({ clients: [...sampleClients, ...openidClients] })
const tokenOf = async (to: GivenServer, id: string, scope: string): Promise<string> =>
  String((await signInAt(to, id, { scope })).body.access_token)

/** What is known of Maria. */
async function describeMaria(to: GivenServer, profile: Profile, more: object = {}): Promise<void> {
  const { user, now } = await to.store.loadUserByEmail('maria@example.com')
  if (user === undefined) throw new Error('no Maria')
  const row = { ...user, name: 'Maria Example', profile, emailVerifiedAt: now, ...more }
  await to.store.commit({ writes: [{ table: 'user', row }], audit: [], entries: [], durable: true, time: now })
}

const profile: Profile = {
  givenName: 'Maria',
  familyName: 'Example',
  birthdate: '1990-04-01',
  updatedAt: Date.UTC(2026, 5, 1),
  phoneNumber: '+41 44 000 00 00',
  phoneNumberVerified: true,
  address: { formatted: 'Example Street 1\n8000 Zurich', streetAddress: 'Example Street 1', postalCode: '8000' },
}

describe('UserInfo (OpenID Connect Core §5.3)', () => {
  test.each([
    ['openid', {}],
    [
      'openid profile',
      {
        name: 'Maria Example',
        given_name: 'Maria',
        family_name: 'Example',
        birthdate: '1990-04-01',
        updated_at: Date.UTC(2026, 5, 1) / 1000,
      },
    ],
    ['openid email', { email: 'maria@example.com', email_verified: true }],
    [
      'openid address',
      {
        address: {
          formatted: 'Example Street 1\n8000 Zurich',
          street_address: 'Example Street 1',
          postal_code: '8000',
        },
      },
    ],
    ['phone openid', { phone_number: '+41 44 000 00 00', phone_number_verified: true }],
  ])('scope %s tells what it stands for (§5.4), and sub as the ID token has it', async (scope, told) => {
    const to = await server()
    const login = await signInAt(to, 'portal', { scope })
    await describeMaria(to, profile)
    const answer = await get(to, '/userinfo', bearer(String(login.body.access_token)))
    expect(answer.body).toEqual({ ...told, sub: claimsOf(login.body.id_token).sub })
    expect(answer.headers['cache-control']).toBe('no-store')
  })

  test('what is not known is left out, never null (OpenID Connect Core §5.1)', async () => {
    const to = await server()
    const token = await tokenOf(to, 'portal', 'openid profile email address phone')
    const { body } = await get(to, '/userinfo', bearer(token))
    expect(Object.keys(body).sort()).toEqual(['email', 'email_verified', 'sub', 'updated_at'])
    expect(body.email_verified).toBe(false)
  })

  test('single claims that were asked for are told besides, those for the ID token are not (§5.5)', async () => {
    const to = await server()
    const login = await signInAt(to, 'portal', { scope: 'openid' })
    await describeMaria(to, profile)
    const { fam } = claimsOf(login.body.access_token)
    const found = await to.store.loadFamily(String(fam))
    if (found === undefined) throw new Error('no family')
    const claims = {
      userinfo: { email: null, given_name: { essential: true }, nickname: null, sub: null },
      id_token: { name: null },
    }
    const writes = [{ table: 'family' as const, row: { ...found.family, claims } }]
    await to.store.commit({ writes, audit: [], entries: [], durable: true, time: to.now() })
    const { body } = await get(to, '/userinfo', bearer(String(login.body.access_token)))
    expect(body).toEqual({ email: 'maria@example.com', given_name: 'Maria', sub: claimsOf(login.body.id_token).sub })
  })

  test('single claims are of the client that asked: not of an API that has exchanged the token, nor once the client may not have them', async () => {
    const [portal] = openidClients.filter(({ id }) => id === 'portal')
    const orders = sampleClients.find(({ id }) => id === 'orders')
    if (portal === undefined || orders === undefined) throw new Error('clients that are not there')
    const reaching = { ...portal, audiences: ['https://api.example', 'https://stock.example'] }
    const acting = { ...orders, scopes: [...orders.scopes, 'openid'] }
    const others = sampleClients.filter(({ id }) => id !== 'orders')
    const to = await given.server({ clients: [...others, acting, reaching] })
    const claims = JSON.stringify({ userinfo: { email: null } })
    const login = (await signInAt(to, 'portal', { scope: 'openid', claims })).body
    const told = async (token: unknown) => (await get(to, '/userinfo', bearer(String(token)))).body
    expect(await told(login.access_token)).toHaveProperty('email')

    const exchanged = await exchange(to, String(login.access_token), {
      audience: 'https://stock.example',
      scope: 'openid',
    })
    expect(exchanged.status).toBe(200)
    expect(Object.keys(await told(exchanged.body.access_token))).toEqual(['sub'])

    await declareClients(to.store, [{ ...reaching, scopes: ['openid'], defaultScopes: ['openid'] }])
    expect(Object.keys(await told(login.access_token))).toEqual(['sub'])
  })

  test('POST takes the token in the header, with an empty body of any type, or in a form', async () => {
    const to = await server()
    const token = await tokenOf(to, 'portal', 'openid email')
    const expected = (await get(to, '/userinfo', bearer(token))).body
    expect((await call(to, { method: 'POST', url: '/userinfo', headers: bearer(token) })).body).toEqual(expected)
    expect((await postForm(to, '/userinfo', {}, bearer(token))).body).toEqual(expected)
    expect((await postForm(to, '/userinfo', { access_token: token })).body).toEqual(expected)
  })

  test('pairwise and connection: sub as the client knows the user', async () => {
    const to = await server()
    for (const id of ['pair', 'connected']) {
      const { body } = await signInAt(to, id, { scope: 'openid' })
      const told = await get(to, '/userinfo', bearer(String(body.access_token)))
      expect(told.body).toEqual({ sub: claimsOf(body.id_token).sub })
    }
  })

  test('a token that is bound to a key needs its proof, in the header and for this request (attack 24)', async () => {
    const to = await server()
    const key = to.key()
    const proof = { dpop: key.proof('POST', `${issuer}/token`) }
    const token = String((await signInAt(to, 'bound', { scope: 'openid', headers: proof })).body.access_token)
    const ask = (headers: Record<string, string>, method: 'GET' | 'POST' = 'GET') =>
      call(to, { method, url: '/userinfo', headers })
    const url = `${issuer}/userinfo`
    const dpop = `DPoP ${token}`
    expect((await ask({ authorization: dpop, dpop: key.proof('GET', url, { token }) })).status).toBe(200)
    expect((await ask({ authorization: dpop, dpop: key.proof('POST', url, { token }) }, 'POST')).status).toBe(200)
    expect((await ask(bearer(token))).body.reason).toBe('token_bound')
    expect((await postForm(to, '/userinfo', { access_token: token })).body.reason).toBe('token_bound')
    expect((await ask({ authorization: dpop })).body.reason).toBe('proof_required')
    expect((await ask({ authorization: dpop, dpop: key.proof('POST', url, { token }) })).body.reason).toBe(
      'proof_invalid',
    )
  })
})

describe('UserInfo refuses', () => {
  test('whoever shows no token, one of a login without openid, of a machine, an ID token, or one that is over', async () => {
    const to = await server()
    const login = await signInAt(to, 'portal', { scope: 'openid account' })
    const token = String(login.body.access_token)
    const ask = async (headers: Record<string, string>): Promise<unknown[]> => {
      const { status, body, headers: answered } = await get(to, '/userinfo', headers)
      return [status, body.reason, /^Bearer /.test(answered['www-authenticate'] ?? '')]
    }
    expect(await ask({})).toEqual([401, 'token_missing', true])
    const narrowed = await refresh(to, String(login.body.refresh_token), { client: 'portal', scope: 'account' })
    expect(await ask(bearer(String(narrowed.body.access_token)))).toEqual([403, 'scope_insufficient', true])
    expect(await ask(bearer(String(login.body.id_token)))).toEqual([401, 'signature_invalid', true])
    const machine = await postForm(to, '/token', { grant_type: 'client_credentials' }, asApi)
    expect((await ask(bearer(String(machine.body.access_token))))[1]).toBe('scope_insufficient')
    await login.page.submit('/account', { command: 'sign_out' })
    expect(await ask(bearer(token))).toEqual([401, 'token_revoked', true])
  })

  test('two tokens at once, a token in the address, and a body that is no form', async () => {
    const to = await server()
    const token = await tokenOf(to, 'portal', 'openid')
    expect((await postForm(to, '/userinfo', { access_token: token }, bearer(token))).body.reason).toBe(
      'token_ambiguous',
    )
    expect((await get(to, `/userinfo?access_token=${token}`)).body.reason).toBe('token_missing')
    const json = { 'content-type': 'application/json' }
    const posted = await call(to, { method: 'POST', url: '/userinfo', payload: '{"access_token":"x"}', headers: json })
    expect([posted.status, posted.body.reason]).toEqual([415, 'content_type_unsupported'])
    const payload = `access_token=${token}&access_token=${token}`
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    const twice = await call(to, { method: 'POST', url: '/userinfo', payload, headers: form })
    expect(twice.body.reason).toBe('parameter_duplicated')
    expect((await postForm(to, '/userinfo', { access_token: 'a b' })).body.reason).toBe('token_malformed')
  })

  test('nobody from another origin that is a client’s', async () => {
    const to = await server()
    const token = await tokenOf(to, 'portal', 'openid')
    const origin = new URL(addressOf('portal')).origin
    const allowed = await get(to, '/userinfo', { ...bearer(token), origin })
    expect(allowed.headers['access-control-allow-origin']).toBe(origin)
    const refused = await get(to, '/userinfo', { ...bearer(token), origin: 'https://evil.example' })
    expect(refused.headers['access-control-allow-origin']).toBeUndefined()
  })

  test('what belongs to a code that was redeemed twice', async () => {
    const to = await server()
    const login = await signInAt(to, 'portal', { scope: 'openid' })
    const { code, verifier } = await login.page.code({ client_id: 'portal', redirect_uri: addressOf('portal') })
    const fields = { code, code_verifier: verifier, client_id: 'portal', redirect_uri: addressOf('portal') }
    const first = await redeem(to, fields)
    await to.later(11)
    expect((await redeem(to, fields)).body.reason).toBe('code_reused')
    expect((await get(to, '/userinfo', bearer(String(first.body.access_token)))).body.reason).toBe('token_revoked')
  })
})
