import { afterEach, describe, expect, test, vi } from 'vitest'
import { declareClients } from '../clients/declare-clients.ts'
import {
  asApi,
  basic,
  bearer,
  call,
  get,
  introspect,
  logIn,
  me,
  postForm,
  refresh,
  signUp,
  withOtherEnd,
} from '../testing/calls.ts'
import { closeGiven, given, issuer, sampleClients, secrets } from '../testing/given.ts'

afterEach(closeGiven)

describe('the token endpoint', () => {
  const clientCredentials = { grant_type: 'client_credentials', client_id: 'api', client_secret: secrets.api }

  test.each([
    ['no grant type', { client_id: 'app' }, 400, 'parameter_missing'],
    [
      'CVE-2026-9792: the grant of passwords',
      { grant_type: 'password', client_id: 'app' },
      400,
      'grant_type_unsupported',
    ],
    [
      'a grant type named like a member',
      { grant_type: 'constructor', client_id: 'app' },
      400,
      'grant_type_unsupported',
    ],
    ['no client', { grant_type: 'refresh_token' }, 401, 'client_authentication_failed'],
    ['an unknown client', { ...clientCredentials, client_id: 'nobody' }, 401, 'client_authentication_failed'],
    ['a wrong secret', { ...clientCredentials, client_secret: 'wrong' }, 401, 'client_authentication_failed'],
    ['no secret', { grant_type: 'client_credentials', client_id: 'api' }, 401, 'client_authentication_failed'],
    ['an empty secret', { ...clientCredentials, client_secret: '' }, 401, 'client_authentication_failed'],
    [
      'a secret of a public client',
      { grant_type: 'refresh_token', client_id: 'app', client_secret: 'x' },
      401,
      'client_authentication_failed',
    ],
    [
      'a grant type that the client may not use',
      { ...clientCredentials, grant_type: 'refresh_token' },
      400,
      'client_not_allowed',
    ],
    ['a public client as a machine', { grant_type: 'client_credentials', client_id: 'app' }, 400, 'client_not_allowed'],
    ['no refresh token', { grant_type: 'refresh_token', client_id: 'app' }, 400, 'parameter_missing'],
    [
      'CVE-2024-52287: a scope beyond the client',
      { ...clientCredentials, scope: 'account admin' },
      400,
      'scope_invalid',
    ],
    ['a scope that is malformed', { ...clientCredentials, scope: ' account' }, 400, 'scope_invalid'],
    [
      'CVE-2026-62662: a resource that the client has not',
      { ...clientCredentials, resource: 'https://else.example' },
      400,
      'resource_invalid',
    ],
  ] as [string, Record<string, string>, number, string][])('refuses %s', async (_name, fields, status, reason) => {
    const to = await given.server()
    const answer = await postForm(to, '/token', fields)
    expect([answer.status, answer.body.reason]).toEqual([status, reason])
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(answer.headers['countersign-reason']).toBe(reason)
    // A challenge is for who has tried it (RFC 6749 §5.2).
    expect(answer.headers['www-authenticate']).toBeUndefined()
  })

  test.each([
    ['rubbish after the credentials', (good: string) => `${good} x`],
    ['bad padding', (good: string) => `${good}=`],
    ['stray bits', (good: string) => good.replace(/.$/, '+')],
    ['a comma and a second one', (good: string) => `${good}, ${good}`],
    ['no colon', () => `Basic ${Buffer.from('api').toString('base64')}`],
    ['a broken escape', () => `Basic ${Buffer.from(`api:${secrets.api}%zz`).toString('base64')}`],
    ['bytes that are no UTF-8', () => `Basic ${Buffer.from([0x61, 0x3a, 0xff, 0xfe]).toString('base64')}`],
    ['NUL', () => `Basic ${Buffer.from(`api\0:${secrets.api}`).toString('base64')}`],
    ['another scheme', (good: string) => good.replace('Basic', 'Digest')],
    ['nothing', () => 'Basic '],
  ])('attack 30: a Basic header with %s is 401', async (_name, spoil) => {
    const to = await given.server()
    const authorization = spoil(String(basic('api', secrets.api).authorization))
    const answer = await postForm(to, '/token', { grant_type: 'client_credentials' }, { authorization })
    expect([answer.status, answer.body.reason]).toEqual([401, 'client_authentication_failed'])
    expect(answer.headers['www-authenticate']).toMatch(/^Basic realm="countersign", error="invalid_client"/)
  })

  test('attack 30: id and secret of a Basic header are form-decoded (RFC 6749 §2.3.1)', async () => {
    const to = await given.server()
    const encoded = Buffer.from(`a%70i:${secrets.api.replace('-', '%2D')}`).toString('base64')
    const headers = { authorization: `Basic ${encoded}` }
    expect((await postForm(to, '/token', { grant_type: 'client_credentials' }, headers)).status).toBe(200)
  })

  test('two ways of authentication in one request are refused', async () => {
    const to = await given.server()
    const answer = await postForm(to, '/token', clientCredentials, asApi)
    expect([answer.status, answer.body.reason]).toEqual([400, 'request_malformed'])
  })

  test('CVE-2026-118669: whoever has authenticated is the client: another client_id in the form is refused', async () => {
    const to = await given.server()
    for (const client_id of ['app', 'web', 'nobody', 'API', '']) {
      const answer = await postForm(to, '/token', { grant_type: 'client_credentials', client_id }, asApi)
      const expected = client_id === '' ? [200, undefined] : [400, 'request_malformed']
      expect([client_id, answer.status, answer.body.reason]).toEqual([client_id, ...expected])
    }
    await signUp(to)
    const { refreshToken } = await logIn(to)
    const answer = await refresh(to, refreshToken, { client: 'bearer-app', headers: asApi })
    expect([answer.status, answer.body.reason]).toEqual([400, 'request_malformed'])
  })

  test('client credentials give a machine its token: no refresh token, nothing stored, sub is the client (RFC 6749 §4.4, §5.1)', async () => {
    const to = await given.server()
    const before = (await to.audit()).length
    const answer = await postForm(to, '/token', { ...clientCredentials, scope: 'revocations' })
    expect(answer.body).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 900,
      scope: 'revocations',
      server_time: Math.floor(to.now() / 1000),
    })
    expect(await to.auditedSince(before)).toEqual([])
    const claims = (await introspect(to, String(answer.body.access_token))).body
    expect(claims).toMatchObject({ active: true, sub: 'api', client_id: 'api', scope: 'revocations', aud: [issuer] })
    const feed = await get(to, '/revocations', bearer(String(answer.body.access_token)))
    expect(feed.status).toBe(200)
  })

  test("a machine's token is no user's: /v1 refuses it, in words that fit into a header", async () => {
    const to = await given.server()
    const answer = await postForm(to, '/token', { ...clientCredentials, scope: 'account' })
    const refused = await me(to, String(answer.body.access_token))
    expect([refused.status, refused.body.reason]).toEqual([403, 'scope_insufficient'])
  })
})

describe('refresh, row by row', () => {
  async function loggedIn(bound: boolean) {
    const to = await given.server()
    await signUp(to)
    const key = bound ? to.key() : undefined
    const client = bound ? 'app' : 'bearer-app'
    const login = await logIn(to, { client, ...(key && { key }) })
    const present = (token: string, more: Parameters<typeof refresh>[2] = {}) =>
      refresh(to, token, { client, ...(key && { key }), ...more })
    return { to, login, present, key }
  }

  const rowOf = (answer: {
    status: number
    headers: Readonly<Record<string, string | undefined>>
    body: { reason?: unknown }
  }) => [answer.headers['countersign-refresh-row'], answer.status, answer.body.reason]

  test('row 1: what was not made here', async () => {
    const { to, login, present } = await loggedIn(false)
    const good = login.refreshToken
    const wrongMac = withOtherEnd(good)
    const wrongTag = good.replace(/^(cs_rt_.{10})./, (_all, start: string) => `${start}${good[16] === 'A' ? 'B' : 'A'}`)
    const unknownKey = `cs_rt_AQBj${good.slice(10)}`
    for (const token of ['x', good.slice(0, -1), `${good}A`, good.toUpperCase(), wrongMac, wrongTag, unknownKey]) {
      expect(rowOf(await present(token))).toEqual(['1', 400, 'refresh_token_invalid'])
    }
    expect(await to.auditedSince((await to.audit()).length)).toEqual([])
    expect((await present(good)).status).toBe(200)
    expect(to.refreshes.filter(({ row }) => row === 1)).toHaveLength(7)
  })

  test('row 1: a login that the sweeper has forgotten is family_unknown', async () => {
    const { to, login, present } = await loggedIn(false)
    await to.later(400 * 86_400)
    await to.store.sweep({ keepEndedSeconds: 1, rowsAtMost: 100 })
    expect(rowOf(await present(login.refreshToken))).toEqual(['1', 400, 'family_unknown'])
  })

  test('row 2 (CVE-2026-55672): another client, no proof, another key: refused, audited once an hour, and the login goes on', async () => {
    const { to, login, present } = await loggedIn(true)
    const before = (await to.audit()).length
    expect(rowOf(await present(login.refreshToken, { client: 'bearer-app' }))).toEqual(['2', 400, 'client_mismatch'])
    const bare = await refresh(to, login.refreshToken, { client: 'app' })
    expect(rowOf(bare)).toEqual(['2', 400, 'proof_required'])
    expect(bare.body).toMatchObject({ error: 'invalid_dpop_proof', server_time: Math.floor(to.now() / 1000) })
    expect(bare.headers['dpop-nonce']).toBeDefined()
    const other = await present(login.refreshToken, { key: to.key() })
    expect(rowOf(other)).toEqual(['2', 400, 'proof_key_mismatch'])
    expect(other.body.server_time).toBe(Math.floor(to.now() / 1000))
    expect(await to.auditedSince(before)).toEqual(['refresh.leaked'])
    expect((await present(login.refreshToken)).status).toBe(200)
  })

  test('row 3 (CVE-2023-22492, CVE-2026-43983): ended, revoked, disabled, idle, over: each with its reason', async () => {
    const ended = await loggedIn(false)
    await postForm(ended.to, '/revoke', { token: ended.login.refreshToken, client_id: 'bearer-app' })
    expect(rowOf(await ended.present(ended.login.refreshToken))).toEqual(['3', 400, 'session_ended'])
    const disabled = await loggedIn(false)
    await disabled.to.server.admin.disableUser('maria@example.com')
    expect(rowOf(await disabled.present(disabled.login.refreshToken))).toEqual(['3', 400, 'user_disabled'])
    const idle = await loggedIn(false)
    await idle.to.later(30 * 86_400)
    expect(rowOf(await idle.present(idle.login.refreshToken))).toEqual(['3', 400, 'session_idle_expired'])
    const over = await loggedIn(false)
    let token = over.login.refreshToken
    for (let day = 0; day < 180; day += 20) {
      const answer = await over.present(token)
      if (answer.body.refresh_token !== undefined) token = String(answer.body.refresh_token)
      await over.to.later(20 * 86_400)
    }
    expect(rowOf(await over.present(token))).toEqual(['3', 400, 'session_expired'])
  })

  test('a scope that was not granted hides nothing: the credit is spent and audited, reuse ends the login', async () => {
    const { to, login, present } = await loggedIn(false)
    await to.later(60)
    const before = (await to.audit()).length
    // A rotation is not kept from the client: nothing was handed over, so nothing has rotated.
    expect(rowOf(await present(login.refreshToken, { scope: 'admin' }))).toEqual(['5', 400, 'scope_invalid'])
    expect(rowOf(await present(login.refreshToken))).toEqual(['5', 200, undefined])
    await to.later(60)
    expect(rowOf(await present(login.refreshToken, { scope: 'admin' }))).toEqual(['9', 400, 'scope_invalid'])
    expect(await to.auditedSince(before)).toEqual(['refresh.credit_spent'])
    await to.later(60)
    const late = await present(login.refreshToken, { scope: 'admin' })
    expect(rowOf(late)).toEqual(['10', 400, 'refresh_token_reused'])
    expect(await to.auditedSince(before)).toEqual(['refresh.credit_spent', 'refresh.reused'])
  })

  test('row 5 rotates, row 6 leaves an unbound token that is young as it is', async () => {
    const { to, login, present } = await loggedIn(false)
    const young = await present(login.refreshToken)
    expect(rowOf(young)).toEqual(['6', 200, undefined])
    expect(young.body).not.toHaveProperty('refresh_token')
    expect(young.headers).not.toHaveProperty('set-cookie')
    await to.later(60)
    const rotated = await present(login.refreshToken)
    expect(rowOf(rotated)).toEqual(['5', 200, undefined])
    expect(rotated.body.refresh_token).toMatch(/^cs_rt_/)
    expect(rotated.body.refresh_token).not.toBe(login.refreshToken)
    expect(rotated.headers['cache-control']).toBe('no-store')
  })

  test('row 7: a bound token is answered however late; far behind it is flagged', async () => {
    const { to, login, present } = await loggedIn(true)
    const first = await present(login.refreshToken)
    expect(rowOf(first)).toEqual(['5', 200, undefined])
    await to.later(5 * 86_400)
    const late = await present(login.refreshToken)
    expect(rowOf(late)).toEqual(['7', 200, undefined])
    expect(late.body.refresh_token).toBe(first.body.refresh_token)
    const before = (await to.audit()).length
    await present(String(first.body.refresh_token))
    expect(rowOf(await present(login.refreshToken))).toEqual(['7', 200, undefined])
    expect(await to.auditedSince(before)).toEqual(['refresh.replay_flagged'])
  })

  test('rows 8, 9 and 10: within the grace, once later, and then it is theft', async () => {
    const { to, login, present } = await loggedIn(false)
    await to.later(60)
    const rotated = await present(login.refreshToken)
    const within = await present(login.refreshToken)
    expect(rowOf(within)).toEqual(['8', 200, undefined])
    expect(within.body.refresh_token).toBe(rotated.body.refresh_token)
    await to.later(20)
    expect(rowOf(await present(login.refreshToken))).toEqual(['9', 200, undefined])
    await to.later(20)
    expect(rowOf(await present(login.refreshToken))).toEqual(['10', 400, 'refresh_token_reused'])
    expect(rowOf(await present(String(rotated.body.refresh_token)))).toEqual(['3', 400, 'refresh_token_reused'])
    expect((await me(to, String(rotated.body.access_token))).body.reason).toBe('token_revoked')
  })

  test('row 4: a store that has forgotten a rotation believes the token', async () => {
    const { to, login, present } = await loggedIn(true)
    const first = await present(login.refreshToken)
    const claims = (await introspect(to, String(first.body.access_token))).body
    const snapshot = await to.store.loadFamily(String(claims.fam))
    if (snapshot === undefined) throw new Error('no family')
    const row = { ...snapshot.family, generation: 0 }
    await to.store.commit({
      writes: [{ table: 'family', row }],
      audit: [],
      entries: [],
      durable: false,
      time: to.now(),
    })
    expect(rowOf(await present(String(first.body.refresh_token)))).toEqual(['4', 200, undefined])
  })

  test('attack 22 (GHSA-p2fr-6hmx-4528): less scope and one audience are given, more is refused and nothing rotates', async () => {
    const { to, login, present } = await loggedIn(true)
    const before = to.refreshes.length
    for (const fields of [{ scope: 'account notes admin' }, { scope: 'revocations' }, { scope: 'account "' }]) {
      expect((await present(login.refreshToken, { fields })).body.reason).toBe('scope_invalid')
    }
    for (const resource of ['https://else.example', 'https://api.example/', 'x']) {
      expect((await present(login.refreshToken, { fields: { resource } })).body.reason).toBe('resource_invalid')
    }
    expect(to.refreshes.slice(before).every(({ reason }) => reason !== undefined)).toBe(true)
    const less = await present(login.refreshToken, { fields: { scope: 'notes', resource: 'https://api.example' } })
    expect(less.body.scope).toBe('notes')
    const claims = (await introspect(to, String(less.body.access_token))).body
    expect(claims).toMatchObject({ scope: 'notes', aud: [issuer, 'https://api.example'] })
    const replay = await present(login.refreshToken)
    expect(rowOf(replay)).toEqual(['7', 200, undefined])
    expect(replay.body.scope).toBe('account notes')
  })

  test('what the operator takes from a client, its older logins do not give it either', async () => {
    const { to, present, login } = await loggedIn(true)
    const [app] = sampleClients.filter(({ id }) => id === 'app')
    if (app === undefined) throw new Error('no client')
    await declareClients(to.store, [{ ...app, scopes: ['account'], defaultScopes: ['account'], audiences: [] }])
    const answer = await present(login.refreshToken)
    expect([answer.status, answer.body.scope]).toEqual([200, 'account'])
    const claims = (await introspect(to, String(answer.body.access_token))).body
    expect(claims).toMatchObject({ aud: [issuer], scope: 'account' })
    expect((await present(login.refreshToken, { scope: 'notes' })).body.reason).toBe('scope_invalid')
  })

  test('attack 22 (GHSA-pw9m-5jxm-xr6h): a confidential client does not refresh without its secret', async () => {
    const { to, login } = await loggedIn(false)
    const answer = await refresh(to, login.refreshToken, { client: 'web' })
    expect([answer.status, answer.body.reason]).toEqual([401, 'client_authentication_failed'])
  })

  test('attack 24: a proof counts once, also at a refresh, and a captured one decides nothing', async () => {
    const { to, login, key } = await loggedIn(true)
    const headers = { dpop: key?.proof('POST', `${issuer}/token`) ?? '' }
    const first = await refresh(to, login.refreshToken, { client: 'app', headers })
    expect(first.status).toBe(200)
    const again = await refresh(to, login.refreshToken, { client: 'app', headers })
    expect([again.status, again.body.reason]).toEqual([400, 'proof_replayed'])
    expect(again.headers['dpop-nonce']).toBeDefined()
    const both = [1, 2].map(() =>
      refresh(to, login.refreshToken, {
        client: 'app',
        headers: { dpop: key?.proof('POST', `${issuer}/token`, { claims: { jti: 'same' } }) ?? '' },
      }),
    )
    expect((await Promise.all(both)).map(({ status }) => status).sort()).toEqual([200, 400])
  })

  test('a proof from before the node started needs a nonce, and is good with it', async () => {
    const { to, login, key } = await loggedIn(true)
    const claims = { iat: Math.floor(to.now() / 1000) - 30 }
    const first = await refresh(to, login.refreshToken, {
      client: 'app',
      headers: { dpop: key?.proof('POST', `${issuer}/token`, { claims }) ?? '' },
    })
    expect([first.status, first.body.error, first.body.reason]).toEqual([400, 'use_dpop_nonce', 'proof_nonce_required'])
    expect(first.body.server_time).toBe(Math.floor(to.now() / 1000))
    const nonce = first.headers['dpop-nonce']
    const second = await refresh(to, login.refreshToken, {
      client: 'app',
      headers: { dpop: key?.proof('POST', `${issuer}/token`, { claims: { ...claims, nonce } }) ?? '' },
    })
    expect(second.status).toBe(200)
  })

  test('no access token outlives its login', async () => {
    const { to, login, present } = await loggedIn(false)
    let token = login.refreshToken
    for (let day = 0; day < 160; day += 20) {
      await to.later(20 * 86_400)
      const answer = await present(token)
      token = String(answer.body.refresh_token ?? token)
    }
    await to.later(20 * 86_400 - 300)
    const last = await present(token)
    expect(last.body.expires_in).toBeLessThanOrEqual(300)
    const claims = (await introspect(to, String(last.body.access_token))).body
    expect(Number(claims.exp) - Number(claims.iat)).toBe(last.body.expires_in)
  })
})

test('A1: an access token lives as an API that it reaches wants it, if that is less; one for others lives on', async () => {
  const apiLifetimes = new Map([['https://api.example', 60]])
  const to = await given.server({ config: { apiLifetimes } })
  await signUp(to)
  const login = await logIn(to)
  expect(login.answer.body.expires_in).toBe(60)
  expect((await refresh(to, login.refreshToken)).body.expires_in).toBe(60)
  const elsewhere = await refresh(to, login.refreshToken, { fields: { resource: issuer } })
  expect([elsewhere.status, elsewhere.body.expires_in]).toEqual([200, 900])
  const machine = await postForm(to, '/token', { grant_type: 'client_credentials' }, asApi)
  expect(machine.body.expires_in).toBe(900)
  await to.later(61)
  expect((await introspect(to, login.accessToken)).body).toEqual({ active: false })
  expect((await introspect(to, String(elsewhere.body.access_token))).body.active).toBe(true)
})

test('GHSA-8fpg-xm3f-6cx3: closed, not open: a life for an API that no client reaches stops the start, since a name is misspelt', async () => {
  const apiLifetimes = new Map([['https://api.exmaple', 60]])
  await expect(given.server({ config: { apiLifetimes } })).rejects.toThrow(
    "No client has the audience 'https://api.exmaple', so what is set for it (access_token_seconds, access_token_format, access_token_algorithm, claims) would count for nothing.",
  )
})

test('wrong tokens with key numbers out of the air share two looks at the store: one that was begun, and one after all had asked', async () => {
  let looks = 0
  let held = false
  const { promise: allAreThere, resolve: arrive } = Promise.withResolvers<void>()
  const to = await given.server({
    wrapStore: store => ({
      ...store,
      async loadIssuer() {
        looks++
        if (held) await allAreThere
        return store.loadIssuer()
      },
    }),
  })
  const { keys } = to.server.services
  const { read } = keys
  let asked = 0
  vi.spyOn(keys, 'read').mockImplementation(() => {
    asked++
    // The last of them: the first look is answered only when everybody has asked.
    if (asked === 100) arrive()
    return read()
  })
  looks = 0
  held = true
  const tokens = Array.from({ length: 100 }, (_, index) => {
    const bytes = Buffer.alloc(63, index + 1)
    bytes[0] = 1
    return `cs_rt_${bytes.toString('base64url')}`
  })
  const answers = await Promise.all(tokens.map(token => refresh(to, token)))
  expect(new Set(answers.map(({ body }) => body.reason))).toEqual(new Set(['refresh_token_invalid']))
  expect(looks).toBe(2)
})

test('a refresh loads the login, its client in the same snapshot, once, and commits once', async () => {
  const calls: string[] = []
  const to = await given.server({
    wrapStore: store =>
      new Proxy(store, {
        get(target, name: keyof typeof store) {
          const member = target[name]
          if (typeof member !== 'function') return member
          return (...args: never[]) => {
            calls.push(name)
            return (member as (...args: never[]) => unknown).apply(target, args)
          }
        },
      }),
  })
  await signUp(to)
  const key = to.key()
  const login = await logIn(to, { client: 'app', key })
  calls.length = 0
  expect((await refresh(to, login.refreshToken, { client: 'app', key })).status).toBe(200)
  expect(calls).toEqual(['loadFamily', 'commit'])
  calls.length = 0
  expect((await call(to, { method: 'GET', url: '/jwks' })).status).toBe(200)
  expect(calls).toEqual([])
})
