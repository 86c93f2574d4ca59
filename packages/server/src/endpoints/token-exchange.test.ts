import { type Client, declareClient, hashClientSecret, mintAccessToken } from '@countersign/core'
import type { AccessTokenClaims } from '@countersign/protocol'
import { afterEach, describe, expect, test } from 'vitest'
import { declareClients } from '../clients/declare-clients.ts'
import { apiVerifier } from '../testing/api-verifier.ts'
import { basic, bearer, call, introspect, type Login, logIn, me, postForm, refresh, signUp } from '../testing/calls.ts'
import { accessTokenType, asOrders, exchange, userIdType } from '../testing/exchanges.ts'
import { closeGiven, type GivenServer, given, issuer, sampleClients } from '../testing/given.ts'

afterEach(closeGiven)

const stock = declareClient({
  id: 'stock',
  secretHashes: [hashClientSecret('stock-secret-0123456789abcdef01234567')],
  grantTypes: ['client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange'],
  scopes: ['notes', 'tokens:exchange'],
  audiences: ['https://press.example'],
  serves: ['https://stock.example'],
  accessTokenBinding: 'bearer',
})
const asStock = basic('stock', 'stock-secret-0123456789abcdef01234567')
/** An app whose logins reach three APIs. */
const shop = declareClient({
  ...(sampleClients[1] as Client),
  id: 'shop',
  audiences: ['https://api.example', 'https://stock.example', 'https://press.example'],
})

async function withLogin() {
  const to = await given.server({ clients: [...sampleClients, stock, shop] })
  const userId = await signUp(to)
  return { to, userId, login: await logIn(to, { client: 'shop' }) }
}

async function claimsOf(to: GivenServer, token: unknown): Promise<AccessTokenClaims> {
  return (await introspect(to, String(token))).body as unknown as AccessTokenClaims
}

describe('a token in exchange for one that an API was sent (RFC 8693 §2.1)', () => {
  test('is for the next API, of the same subject, and says who acts', async () => {
    const { to, userId, login } = await withLogin()
    const answer = await exchange(to, login.accessToken, { audience: 'https://stock.example' })
    expect([answer.status, answer.headers['cache-control']]).toEqual([200, 'no-store'])
    expect(answer.body).toEqual({
      access_token: expect.any(String),
      issued_token_type: accessTokenType,
      token_type: 'Bearer',
      expires_in: 900,
      scope: 'notes',
      server_time: expect.any(Number),
    })
    const parent = await claimsOf(to, login.accessToken)
    expect(await claimsOf(to, answer.body.access_token)).toMatchObject({
      active: true,
      sub: userId,
      client_id: 'orders',
      aud: [issuer, 'https://stock.example'],
      scope: 'notes',
      act: { sub: 'orders', client_id: 'orders' },
      sid: parent.sid,
      fam: parent.fam,
      auth_time: parent.auth_time,
      amr: parent.amr,
      exp: parent.exp,
      epo: { all: 1, user: 1, client: 1, via: [{ client_id: 'shop', jti: parent.jti, client: 1 }] },
    })
  })

  test('and the next in exchange for that: the actors are told, the last one first (RFC 8693 §4.1)', async () => {
    const { to, userId, login } = await withLogin()
    const first = await exchange(to, login.accessToken, { resource: 'https://stock.example' })
    const second = await exchange(to, String(first.body.access_token), { resource: 'https://press.example' }, asStock)
    const claims = await claimsOf(to, second.body.access_token)
    expect(claims).toMatchObject({
      sub: userId,
      client_id: 'stock',
      aud: [issuer, 'https://press.example'],
      act: { sub: 'stock', client_id: 'stock', act: { sub: 'orders', client_id: 'orders' } },
    })
    expect(claims.epo?.via?.map(({ client_id }) => client_id)).toEqual(['orders', 'shop'])
  })

  test('names whoever the actor token is of', async () => {
    const { to, login } = await withLogin()
    const own = await postForm(to, '/token', { grant_type: 'client_credentials' }, asOrders)
    const actor = { actor_token: String(own.body.access_token), actor_token_type: accessTokenType }
    const { body } = await exchange(to, login.accessToken, actor)
    expect((await claimsOf(to, body.access_token)).act).toEqual({ sub: 'orders', client_id: 'orders' })
    const other = await logIn(to, { client: 'shop', email: 'maria@example.com' })
    const asUser = { actor_token: other.accessToken, actor_token_type: accessTokenType }
    const acted = await exchange(to, login.accessToken, asUser)
    expect((await claimsOf(to, acted.body.access_token)).act).toMatchObject({ client_id: 'shop' })
    for (const wrong of ['x', login.refreshToken]) {
      const refused = await exchange(to, login.accessToken, { ...actor, actor_token: wrong })
      expect(refused.body.reason).toBe('actor_token_invalid')
    }
  })

  test('CVE-2026-96460: lives no longer than the token that it was made from, nor than its own client gets', async () => {
    const { to, login } = await withLogin()
    await to.later(600)
    const { body } = await exchange(to, login.accessToken)
    expect(body.expires_in).toBe(300)
    const short = { ...stock, lifetimes: { ...stock.lifetimes, accessTokenSeconds: 60 } }
    await declareClients(to.store, [short])
    const next = await exchange(to, String(body.access_token), {}, asStock)
    expect(next.body.expires_in).toBe(60)
  })

  test('is bound to the key of who asks, if a proof comes along', async () => {
    const to = await given.server({ clients: [...sampleClients, { ...stock, accessTokenBinding: 'dpop' }, shop] })
    await signUp(to)
    const login = await logIn(to, { client: 'shop' })
    const first = await exchange(to, login.accessToken, { resource: 'https://stock.example' })
    const key = to.key()
    const proof = { dpop: key.proof('POST', `${issuer}/token`) }
    const { body } = await exchange(to, String(first.body.access_token), {}, { ...asStock, ...proof })
    expect(body.token_type).toBe('DPoP')
    expect((await claimsOf(to, body.access_token)).cnf).toEqual({ jkt: key.jkt })
    const again = await exchange(to, String(first.body.access_token), {}, { ...asStock, ...proof })
    expect(again.body.reason).toBe('proof_replayed')
  })
})

describe('never wider than the token was, and than the client may have', () => {
  test.each([
    ['a scope that the token has and the client has not', { scope: 'account' }, 'invalid_scope'],
    ['a scope that the client has and the token has not', { scope: 'introspection' }, 'invalid_scope'],
    ['no such scope', { scope: 'notes x' }, 'invalid_scope'],
    ['an API that the token reaches and the client does not', { resource: 'https://press.example' }, 'invalid_target'],
    ['an unknown API', { audience: 'https://else.example' }, 'invalid_target'],
    ['one too many', { audience: 'https://stock.example https://else.example' }, 'invalid_target'],
    ['a resource with a fragment', { resource: 'https://stock.example#x' }, 'invalid_target'],
    ['a resource that is no URI', { resource: 'stock' }, 'invalid_target'],
    ['a refresh token', { requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' }, 'invalid_request'],
    ['an ID token', { requested_token_type: 'urn:ietf:params:oauth:token-type:id_token' }, 'invalid_request'],
    ['another type of subject', { subject_token_type: 'urn:ietf:params:oauth:token-type:saml2' }, 'invalid_request'],
    ['no type of subject', { subject_token_type: '' }, 'invalid_request'],
    ['CVE-2026-9704: no subject', { subject_token: '' }, 'invalid_request'],
    ['an actor without its type', { actor_token: 'x' }, 'invalid_request'],
    ['a type without its actor', { actor_token_type: accessTokenType }, 'invalid_request'],
    ['a subject that is none', { subject_token: 'x' }, 'invalid_request'],
    ['a long one', { subject_token: 'x'.repeat(20_000) }, 'invalid_request'],
    ['one in other letters', { subject_token: '☃' }, 'invalid_request'],
  ])('%s', async (_name, more, error) => {
    const { to, login } = await withLogin()
    const answer = await exchange(to, login.accessToken, more as Record<string, string>)
    expect([answer.status, answer.body.error]).toEqual([400, error])
    expect(answer.body).not.toHaveProperty('access_token')
  })

  test('an API that only the client reaches is none of the subject', async () => {
    const { to } = await withLogin()
    const narrow = await logIn(to, { client: 'bearer-app' })
    const answer = await exchange(to, narrow.accessToken, { audience: 'https://stock.example' })
    expect(answer.body.error).toBe('invalid_target')
  })

  test('twice the subject is refused, twice the audience is two of them', async () => {
    const { to, login } = await withLogin()
    const payload = `grant_type=${encodeURIComponent('urn:ietf:params:oauth:grant-type:token-exchange')}&subject_token=${login.accessToken}&subject_token_type=${accessTokenType}`
    const headers = { 'content-type': 'application/x-www-form-urlencoded', ...asOrders }
    const send = (more: string) => call(to, { method: 'POST', url: '/token', payload: payload + more, headers })
    expect((await send('&subject_token=x')).body.reason).toBe('parameter_duplicated')
    const both = await send('&audience=https://stock.example&audience=https://api.example')
    expect((await claimsOf(to, both.body.access_token)).aud).toEqual([
      issuer,
      'https://stock.example',
      'https://api.example',
    ])
  })
})

describe('who may', () => {
  test('a confidential client with the right, and with a token that is addressed to it', async () => {
    const { to, login } = await withLogin()
    const type = 'urn:ietf:params:oauth:grant-type:token-exchange'
    const subject = { grant_type: type, subject_token: login.accessToken, subject_token_type: accessTokenType }
    expect((await postForm(to, '/token', { ...subject, client_id: 'app' })).body.error).toBe('unauthorized_client')
    expect((await postForm(to, '/token', subject)).body.error).toBe('invalid_client')
    const without = { ...stock, scopes: ['notes'] }
    await declareClients(to.store, [without])
    expect((await exchange(to, login.accessToken, {}, asStock)).body.error).toBe('unauthorized_client')
    const { body } = await exchange(to, login.accessToken, { audience: 'https://api.example' })
    await declareClients(to.store, [stock])
    const elsewhere = await exchange(to, String(body.access_token), {}, asStock)
    expect(elsewhere.body.reason).toBe('subject_token_invalid')
  })

  test('whom the token lets act (may_act, §4.4)', async () => {
    const { to, login } = await withLogin()
    const { active: _a, token_type: _t, jti: _j, ...claims } = (await introspect(to, login.accessToken)).body
    const mint = (may_act: object) =>
      mintAccessToken(to.server.services.keys.mint(), { ...claims, may_act } as unknown as Omit<
        AccessTokenClaims,
        'jti'
      >)
    for (const allowed of [{ sub: 'orders' }, { client_id: 'orders' }, { sub: 'orders', client_id: 'orders' }]) {
      expect((await exchange(to, mint(allowed))).status).toBe(200)
    }
    for (const other of [{ sub: 'stock' }, { client_id: 'stock' }, { sub: 'orders', client_id: 'stock' }, {}]) {
      expect((await exchange(to, mint(other))).body.reason).toBe('actor_not_allowed')
    }
  })

  test('five cannot act for one another', async () => {
    const { to, login } = await withLogin()
    let token = login.accessToken
    const statuses = []
    for (let n = 0; n < 5; n++) {
      const { status, body } = await exchange(to, token)
      statuses.push(status)
      token = String(body.access_token ?? token)
    }
    expect(statuses).toEqual([200, 200, 200, 200, 400])
  })
})

describe('CVE-2026-9097: it ends with what it was made from', () => {
  async function withExchanged() {
    const { to, login, userId } = await withLogin()
    const first = await exchange(to, login.accessToken, { audience: 'https://stock.example' })
    const second = await exchange(to, String(first.body.access_token), {}, asStock)
    const tokens = [String(first.body.access_token), String(second.body.access_token)]
    for (const token of tokens) expect((await claimsOf(to, token)) as unknown).toMatchObject({ active: true })
    return { to, login, userId, tokens }
  }

  async function allAreDead(to: GivenServer, tokens: readonly string[]): Promise<void> {
    for (const token of tokens) expect((await introspect(to, token)).body).toEqual({ active: false })
    const dead = await exchange(to, tokens[1] ?? '', {}, asStock)
    expect(dead.body.reason).toBe('subject_token_invalid')
  }

  test('the login, by its refresh token', async () => {
    const { to, login, tokens } = await withExchanged()
    await postForm(to, '/revoke', { token: login.refreshToken, client_id: 'shop' })
    await allAreDead(to, tokens)
  })

  test('the parent alone, by its name', async () => {
    const { to, login, tokens } = await withExchanged()
    await postForm(to, '/revoke', { token: login.accessToken, client_id: 'shop' })
    await allAreDead(to, tokens)
    expect((await refresh(to, login.refreshToken, { client: 'shop' })).status).toBe(200)
  })

  test('the link between, by its name', async () => {
    const { to, login, tokens } = await withExchanged()
    await postForm(to, '/revoke', { token: tokens[0] ?? '' }, asOrders)
    await allAreDead(to, tokens)
    expect((await me(to, login.accessToken)).status).toBe(200)
  })

  test('the session, from the account', async () => {
    const { to, login, tokens } = await withExchanged()
    const url = `/v1/sessions/${login.sessionId}`
    await call(to, { method: 'DELETE', url, headers: bearer(login.accessToken) })
    await allAreDead(to, tokens)
  })

  test('everything of the user', async () => {
    const { to, login, tokens } = await withExchanged()
    await call(to, { method: 'DELETE', url: '/v1/sessions', headers: bearer(login.accessToken) })
    await allAreDead(to, tokens)
  })

  test('at an API too, as soon as the feed says so: whatever of its origins is revoked', async () => {
    const ends: readonly ((to: GivenServer, login: Login, tokens: readonly string[]) => Promise<unknown>)[] = [
      (to, login) => postForm(to, '/revoke', { token: login.refreshToken, client_id: 'shop' }),
      (to, login) => postForm(to, '/revoke', { token: login.accessToken, client_id: 'shop' }),
      (to, _login, tokens) => postForm(to, '/revoke', { token: tokens[0] ?? '' }, asOrders),
      (to, login) => call(to, { method: 'DELETE', url: '/v1/sessions', headers: bearer(login.accessToken) }),
      to => declareClients(to.store, [{ ...shop, disabled: true }]),
      to =>
        declareClients(to.store, [{ ...(sampleClients.find(({ id }) => id === 'orders') as Client), disabled: true }]),
    ]
    for (const end of ends) {
      const { to, login, tokens } = await withExchanged()
      const api = await apiVerifier(to, { audience: 'https://press.example' })
      const token = tokens[1] ?? ''
      expect((await api.verify(token)).refused).toBe(false)
      await end(to, login, tokens)
      const fresh = await apiVerifier(to, { audience: 'https://press.example' })
      expect(await fresh.verify(token)).toMatchObject({ refused: true, reason: 'token_revoked' })
      api.close()
      fresh.close()
    }
  })

  test.each([
    ['the application', { ...shop, disabled: true }],
    ['a client between', { ...(sampleClients.find(({ id }) => id === 'orders') as Client), disabled: true }],
  ])('%s, switched off', async (_name, off) => {
    const { to, tokens } = await withExchanged()
    await declareClients(to.store, [off])
    for (const token of tokens) expect((await introspect(to, token)).body).toEqual({ active: false })
    await declareClients(to.store, [{ ...off, disabled: false }])
    for (const token of tokens) expect((await introspect(to, token)).body).toEqual({ active: false })
  })

  test('and whoever acts cannot use the account, nor end the login by revoking what they were given', async () => {
    const { to, login } = await withLogin()
    const wide = {
      ...(sampleClients.find(({ id }) => id === 'orders') as Client),
      scopes: ['account', 'tokens:exchange'],
    }
    await declareClients(to.store, [wide])
    const { body } = await exchange(to, login.accessToken, { scope: 'account' })
    const token = String(body.access_token)
    expect((await me(to, token)).body.reason).toBe('scope_insufficient')
    const url = '/v1/sessions'
    expect((await call(to, { method: 'DELETE', url, headers: bearer(token) })).status).toBe(403)
    for (let n = 0; n < 22; n++)
      await postForm(
        to,
        '/revoke',
        { token: String((await exchange(to, login.accessToken)).body.access_token) },
        asOrders,
      )
    expect((await me(to, login.accessToken)).status).toBe(200)
  })
})

describe('a back end that acts as a user who is not there', () => {
  const asUser = { subject_token_type: userIdType }

  test('needs a right of its own, is audited, and the token says who acts', async () => {
    const { to, userId } = await withLogin()
    const before = (await to.audit()).length
    const answer = await exchange(to, userId, { ...asUser, scope: 'notes', resource: 'https://stock.example' })
    expect(answer.status).toBe(200)
    expect(answer.body).not.toHaveProperty('refresh_token')
    const claims = await claimsOf(to, answer.body.access_token)
    expect(claims).toMatchObject({
      active: true,
      sub: userId,
      client_id: 'orders',
      aud: [issuer, 'https://stock.example'],
      act: { sub: 'orders', client_id: 'orders' },
      epo: { all: 1, user: 1, client: 1 },
    })
    for (const name of ['sid', 'fam', 'amr']) expect(claims).not.toHaveProperty(name)
    expect((await to.store.readAudit(before, 10)).map(({ record }) => record)).toMatchObject([
      { event: 'user.impersonated', userId, clientId: 'orders', facts: { scope: 'notes' } },
    ])
    const unable = await exchange(to, userId, asUser, asStock)
    expect([unable.body.error, (await to.audit()).length]).toEqual(['unauthorized_client', before + 1])
  })

  test('for users that there are; nothing is written for others', async () => {
    const { to } = await withLogin()
    const before = (await to.audit()).length
    for (const id of ['x', 'A'.repeat(22), 'maria@example.com', '☃', 'orders']) {
      const answer = await exchange(to, id, asUser)
      expect([answer.status, answer.body.reason]).toEqual([400, 'subject_token_invalid'])
    }
    expect((await to.audit()).length).toBe(before)
  })

  test('CVE-2026-17526: with no scope that is a right of back ends, and none but its own', async () => {
    const { to, userId } = await withLogin()
    for (const scope of [
      'introspection',
      'revocations',
      'tokens:exchange',
      'tokens:impersonate',
      'account',
      'notes introspection',
    ]) {
      expect((await exchange(to, userId, { ...asUser, scope })).body.error).toBe('invalid_scope')
    }
    const none = await exchange(to, userId, asUser)
    expect(none.body.scope).toBe('')
    const far = await exchange(to, userId, { ...asUser, resource: 'https://press.example' })
    expect(far.body.error).toBe('invalid_target')
  })

  test('CVE-2026-1609: ends with the user and with the client, and is not given for a user who is disabled', async () => {
    const { to, userId, login } = await withLogin()
    const give = async () => String((await exchange(to, userId, { ...asUser, scope: 'notes' })).body.access_token)
    const first = await give()
    await call(to, { method: 'DELETE', url: '/v1/sessions', headers: bearer(login.accessToken) })
    expect((await introspect(to, first)).body).toEqual({ active: false })
    const second = await give()
    expect((await introspect(to, second)).body.active).toBe(true)
    const on = await exchange(to, second, { audience: 'https://stock.example' })
    await to.server.admin.disableUser(userId)
    for (const token of [second, String(on.body.access_token)]) {
      expect((await introspect(to, token)).body).toEqual({ active: false })
    }
    expect((await exchange(to, userId, asUser)).body.reason).toBe('subject_token_invalid')
  })
})
