import { randomBytes } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import { createPasswordHasher, PasswordQueueFull } from '../passwords/password-hasher.ts'
import { bearer, call, get, introspect, logIn, me, postJson, refresh, signUp, withOtherEnd } from '../testing/calls.ts'
import { closeGiven, given, issuer, password } from '../testing/given.ts'

afterEach(closeGiven)

const login = { email: 'maria@example.com', password, client_id: 'bearer-app' }

describe('direct login', () => {
  test('answers 201 with tokens, the session, the scope and the time, and is not cached', async () => {
    const to = await given.server()
    await signUp(to)
    const answer = await postJson(to, '/v1/sessions', login)
    expect(answer.status).toBe(201)
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(answer.body).toEqual({
      access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      token_type: 'Bearer',
      expires_in: 900,
      refresh_token: expect.stringMatching(/^cs_rt_[\w-]{84}$/),
      scope: 'account notes',
      server_time: Math.floor(to.now() / 1000),
      session_id: expect.stringMatching(/^[\w-]{22}$/),
    })
    expect(await to.auditedSince(0)).toContain('session.created')
  })

  test('with a proof binds the tokens to its key; a client may leave its access tokens unbound', async () => {
    const to = await given.server()
    await signUp(to)
    const key = to.key()
    const bound = await logIn(to, { client: 'app', key })
    expect(bound.answer.body.token_type).toBe('DPoP')
    const loose = await logIn(to, { client: 'bearer-app', key })
    expect(loose.answer.body.token_type).toBe('Bearer')
    expect((await refresh(to, loose.refreshToken)).body.reason).toBe('proof_required')
    expect((await refresh(to, loose.refreshToken, { key })).status).toBe(200)
  })

  test.each([
    ['a client without direct login', { client_id: 'hosted-app' }, 400, 'client_not_allowed'],
    ['a confidential client', { client_id: 'web' }, 400, 'client_not_allowed'],
    ['a third party', { client_id: 'stranger' }, 400, 'client_not_allowed'],
    ['an unknown client', { client_id: 'nobody' }, 401, 'client_authentication_failed'],
    ['a scope that the client may not have', { scope: 'account admin' }, 400, 'scope_invalid'],
    ['a wrong password', { password: 'wrong horse battery' }, 401, 'login_failed'],
    ['an unknown address', { email: 'nobody@example.com' }, 401, 'login_failed'],
    ['no address', { email: 'nobody' }, 401, 'login_failed'],
    ['an unknown member', { remember: true }, 400, 'parameter_invalid'],
    ['a number for a password', { password: 12345678 }, 400, 'parameter_invalid'],
  ])('refuses %s', async (_name, change, status, reason) => {
    const to = await given.server()
    await signUp(to)
    const before = (await to.audit()).length
    const answer = await postJson(to, '/v1/sessions', { ...login, ...change })
    expect([answer.status, answer.body.reason]).toEqual([status, reason])
    expect(answer.headers['countersign-reason']).toBe(reason)
    expect(await to.auditedSince(before)).toEqual([])
  })

  test('CVE-2024-41952, CVE-2026-23511: an unknown account and a wrong password are alike: status, body, headers, and one argon2 each', async () => {
    const verified: (string | null)[] = []
    const to = await given.server({
      wrapHasher: hasher => ({
        ...hasher,
        verify: (text, phc) => {
          verified.push(phc === null ? null : 'stored')
          return hasher.verify(text, phc)
        },
      }),
    })
    await signUp(to)
    const wrong = await postJson(to, '/v1/sessions', { ...login, password: 'wrong horse battery' })
    const unknown = await postJson(to, '/v1/sessions', { ...login, email: 'else@example.com' })
    const noAddress = await postJson(to, '/v1/sessions', { ...login, email: 'else' })
    expect(verified).toEqual(['stored', null, null])
    for (const other of [unknown, noAddress]) {
      expect(other.text).toBe(wrong.text)
      expect(other.status).toBe(wrong.status)
      expect({ ...other.headers, date: '' }).toEqual({ ...wrong.headers, date: '' })
    }
  })

  test('a disabled account is told to who knows its password, and to nobody else', async () => {
    const to = await given.server()
    await signUp(to)
    await to.server.admin.disableUser('maria@example.com')
    expect((await postJson(to, '/v1/sessions', login)).body.reason).toBe('user_disabled')
    const wrong = await postJson(to, '/v1/sessions', { ...login, password: 'wrong horse battery' })
    expect(wrong.body.reason).toBe('login_failed')
    await to.server.admin.enableUser('maria@example.com')
    expect((await postJson(to, '/v1/sessions', login)).status).toBe(201)
  })

  test('an account that is disabled while its password is judged gets no session', async () => {
    let meanwhile = async (): Promise<unknown> => undefined
    const to = await given.server({
      wrapHasher: hasher => ({
        ...hasher,
        async verify(text, phc) {
          const result = await hasher.verify(text, phc)
          await meanwhile()
          return result
        },
      }),
    })
    await signUp(to)
    meanwhile = () => to.server.admin.disableUser('maria@example.com')
    expect((await postJson(to, '/v1/sessions', login)).body.reason).toBe('user_disabled')
  })

  test('CVE-2026-47203, CVE-2025-24806: ten failures a minute at one account from one address in any spelling, then 429 with Retry-After; a minute later the right one', async () => {
    const to = await given.server()
    await signUp(to)
    for (let tries = 0; tries < 10; tries++) {
      const address = tries % 2 === 0 ? 'maria@example.com' : 'MARIA@Example.com'
      const answer = await postJson(to, '/v1/sessions', { ...login, email: address, password: `wrong ${tries} horse` })
      expect(answer.status).toBe(401)
    }
    const limited = await postJson(to, '/v1/sessions', login)
    expect([limited.status, limited.body.reason]).toEqual([429, 'too_many_attempts'])
    expect(Number(limited.headers['retry-after'])).toBeGreaterThan(0)
    await to.later(60)
    expect((await postJson(to, '/v1/sessions', login)).status).toBe(201)
  })
})

test('a full queue of passwords is 503, says nothing of the password, and counts as no failure', async () => {
  let full = false
  const to = await given.server({
    wrapHasher: hasher => ({
      ...hasher,
      verify: (text, phc) => (full ? Promise.reject(new PasswordQueueFull()) : hasher.verify(text, phc)),
    }),
  })
  await signUp(to)
  full = true
  for (let tries = 0; tries < 20; tries++) {
    const answer = await postJson(to, '/v1/sessions', login)
    expect([answer.status, answer.body.reason, answer.headers['retry-after']]).toEqual([503, 'unavailable', '2'])
  }
  full = false
  expect((await postJson(to, '/v1/sessions', login)).status).toBe(201)
})

test('a node that stops judges what it began, and refuses the passwords that still wait while there is time to say so', async () => {
  const { promise: judged, resolve: judge } = Promise.withResolvers<void>()
  const to = await given.server({
    config: { drainSeconds: 4 },
    wrapHasher: () =>
      createPasswordHasher({
        random: randomBytes,
        maxConcurrent: 1,
        deriveKey: (_message, _derivation, bytes) => judged.then(() => Buffer.alloc(bytes)),
      }),
  })
  const address = await to.server.listen({ host: '127.0.0.1', port: 0 })
  const request = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(login) }
  const answers = [fetch(`${address}/v1/sessions`, request), fetch(`${address}/v1/sessions`, request)]
  await expect.poll(() => to.server.services.passwords.load()).toEqual({ running: 1, waiting: 1 })
  const closed = to.server.close()
  const refused = await Promise.race(answers).finally(judge)
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '2'])
  expect((await Promise.all(answers)).map(({ status }) => status).sort()).toEqual([401, 503])
  await closed
})

test('a wrong proof at login is 400 with the time and a nonce, before any password is judged', async () => {
  const to = await given.server()
  await signUp(to)
  const dpop = to.key().proof('POST', `${issuer}/token`)
  const answer = await postJson(to, '/v1/sessions', login, { dpop })
  expect([answer.status, answer.body.reason]).toEqual([400, 'proof_invalid'])
  expect(answer.body.server_time).toBe(Math.floor(to.now() / 1000))
  expect(answer.headers['dpop-nonce']).toBeDefined()
})

describe('signing in again on the same install (A11)', () => {
  test('ends the session that `supersedes` shows the refresh token of, at once and for its access token too', async () => {
    const to = await given.server()
    await signUp(to)
    const first = await logIn(to)
    const second = await logIn(to, { supersedes: first.refreshToken })
    expect((await refresh(to, first.refreshToken)).body.reason).toBe('session_ended')
    expect((await me(to, first.accessToken)).body.reason).toBe('token_revoked')
    expect((await introspect(to, first.accessToken)).body).toEqual({ active: false })
    expect((await me(to, second.accessToken)).status).toBe(200)
    const { entries } = await to.store.feed.snapshot()
    expect(entries.map(entry => [entry.kind, entry.id])).toContainEqual(['session', first.sessionId])
  })

  test('the login of another user goes on, whoever shows its refresh token', async () => {
    const to = await given.server()
    await signUp(to)
    await signUp(to, 'thief@example.com')
    const victim = await logIn(to)
    const before = (await to.audit()).length
    const thief = await logIn(to, { email: 'thief@example.com', supersedes: victim.refreshToken })
    expect(thief.answer.status).toBe(201)
    expect(await to.auditedSince(before)).toEqual(['session.created'])
    expect((await to.store.feed.snapshot()).entries).toEqual([])
    expect((await refresh(to, victim.refreshToken)).status).toBe(200)
    expect((await me(to, victim.accessToken)).status).toBe(200)
  })

  test('a token of another client, a forged one or rubbish ends nothing, and the login goes on', async () => {
    const to = await given.server()
    await signUp(to)
    const other = await logIn(to, { client: 'app' })
    const forged = withOtherEnd(other.refreshToken)
    for (const supersedes of [other.refreshToken, forged, 'rubbish', `cs_rt_${'A'.repeat(84)}`]) {
      expect((await logIn(to, { supersedes })).answer.status).toBe(201)
    }
    expect((await me(to, other.accessToken)).status).toBe(200)
  })
})

describe('the list of sessions', () => {
  test('tells device, address, times in RFC 3339, and which one is asking', async () => {
    const to = await given.server()
    await signUp(to)
    const headers = { 'user-agent': 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/142.0.0.0 Safari/537.36' }
    const here = await logIn(to, { headers })
    await to.later(60)
    const there = await logIn(to)
    const answer = await get(to, '/v1/sessions', bearer(here.accessToken))
    expect(answer.body.sessions).toEqual([
      expect.objectContaining({ id: there.sessionId, current: false }),
      {
        id: here.sessionId,
        client_id: 'bearer-app',
        current: true,
        device: 'Chrome on Windows',
        ip: '127.0.0.1',
        created_at: new Date(to.now() - 60_000).toISOString(),
        last_seen_at: new Date(to.now() - 60_000).toISOString(),
      },
    ])
    expect(answer.headers['cache-control']).toBe('no-store')
  })

  test('CVE-2025-29928, CVE-2026-134321: one can be ended: refused everywhere at once, the others live', async () => {
    const to = await given.server()
    await signUp(to)
    const [here, there] = [await logIn(to), await logIn(to)]
    const url = `/v1/sessions/${there.sessionId}`
    const answer = await call(to, { method: 'DELETE', url, headers: bearer(here.accessToken) })
    expect([answer.status, answer.text]).toEqual([204, ''])
    expect((await me(to, there.accessToken)).body.reason).toBe('token_revoked')
    expect((await refresh(to, there.refreshToken)).body.reason).toBe('session_ended')
    expect((await me(to, here.accessToken)).status).toBe(200)
  })

  test("somebody else's session is as unknown as one that never was", async () => {
    const to = await given.server()
    await signUp(to)
    await signUp(to, 'else@example.com')
    const [mine, theirs] = [await logIn(to), await logIn(to, { email: 'else@example.com' })]
    const answers = []
    for (const id of [theirs.sessionId, 'A'.repeat(22), 'x', '%00', '..%2f..']) {
      answers.push(await call(to, { method: 'DELETE', url: `/v1/sessions/${id}`, headers: bearer(mine.accessToken) }))
    }
    expect(answers.map(({ status, body }) => [status, body.reason])).toEqual(
      answers.map(() => [404, 'session_unknown']),
    )
    expect((await me(to, theirs.accessToken)).status).toBe(200)
  })

  test('all can be ended, and all but the current one', async () => {
    const to = await given.server()
    await signUp(to)
    const [here, there] = [await logIn(to), await logIn(to)]
    const others = await call(to, {
      method: 'DELETE',
      url: '/v1/sessions?except=current',
      headers: bearer(here.accessToken),
    })
    expect(others.status).toBe(204)
    expect((await me(to, there.accessToken)).body.reason).toBe('token_revoked')
    // The token carries the old epoch, so the next one is fetched; the login goes on.
    const fresh = await refresh(to, here.refreshToken)
    expect(fresh.status).toBe(200)
    const all = { method: 'DELETE' as const, url: '/v1/sessions', headers: bearer(String(fresh.body.access_token)) }
    expect((await call(to, all)).status).toBe(204)
    expect((await refresh(to, here.refreshToken)).body.reason).toBe('authorization_revoked')
    const again = await logIn(to)
    expect((await me(to, again.accessToken)).status).toBe(200)
  })

  test.each(['except=', 'except=currant', 'exept=current', 'except=current&except=current', 'x'])(
    'ending all with ?%s is refused: a slip of the pen ends nothing',
    async query => {
      const to = await given.server()
      await signUp(to)
      const { accessToken } = await logIn(to)
      const answer = await call(to, { method: 'DELETE', url: `/v1/sessions?${query}`, headers: bearer(accessToken) })
      expect(answer.status).toBe(400)
      expect((await me(to, accessToken)).status).toBe(200)
    },
  )

  test('a session that is ended while its holder ends the others is not brought back', async () => {
    let meanwhile: (() => Promise<unknown>) | undefined
    const to = await given.server({
      wrapStore: store => ({
        ...store,
        async loadUser(id) {
          const ending = meanwhile
          meanwhile = undefined
          await ending?.()
          return store.loadUser(id)
        },
      }),
    })
    const user = await signUp(to)
    const { accessToken, refreshToken } = await logIn(to)
    meanwhile = () => to.server.admin.disableUser(user)
    const url = '/v1/sessions?except=current'
    const answer = await call(to, { method: 'DELETE', url, headers: bearer(accessToken) })
    expect(answer.body.reason).toBe('session_ended')
    await to.server.admin.enableUser(user)
    expect((await refresh(to, refreshToken)).body.reason).toBe('authorization_revoked')
  })
})

describe('a token at /v1', () => {
  test.each([
    ['none', {}, 'token_missing', 'Bearer reason="token_missing"'],
    ['rubbish', { authorization: 'Bearer !!' }, 'token_malformed', 'Bearer error="invalid_token"'],
    ['an empty one', { authorization: 'Bearer ' }, 'token_malformed', 'Bearer error="invalid_token"'],
    ['another scheme', { authorization: 'Negotiate abc' }, 'token_malformed', 'Bearer error="invalid_token"'],
    ['three dots', { authorization: 'Bearer ...' }, 'signature_invalid', 'Bearer error="invalid_token"'],
    ['a DPoP scheme', { authorization: 'DPoP abc' }, 'signature_invalid', 'DPoP error="invalid_token"'],
  ])('GHSA-xmf8-cvqr-rfgj: %s is 401 with a challenge', async (_name, headers, reason, challenge) => {
    const to = await given.server()
    const answer = await get(to, '/v1/me', headers as Record<string, string>)
    expect([answer.status, answer.body.reason]).toEqual([401, reason])
    expect(answer.headers['www-authenticate']).toContain(challenge)
    expect(answer.headers['www-authenticate']).toContain(`reason="${reason}"`)
  })

  test('needs the scope account: 403 with the challenge of RFC 6750', async () => {
    const to = await given.server()
    await signUp(to)
    const { accessToken } = await logIn(to, { scope: 'notes' })
    const answer = await me(to, accessToken)
    expect([answer.status, answer.body.error]).toEqual([403, 'insufficient_scope'])
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer error="insufficient_scope"/)
  })

  test('expires, and says so', async () => {
    const to = await given.server()
    await signUp(to)
    const { accessToken } = await logIn(to)
    await to.later(900)
    expect((await me(to, accessToken)).body.reason).toBe('token_expired')
  })

  test('GET /v1/me tells who it stands for', async () => {
    const to = await given.server()
    const id = await signUp(to)
    const { accessToken, sessionId } = await logIn(to)
    expect((await me(to, accessToken)).body).toEqual({
      id,
      email: 'maria@example.com',
      email_verified: false,
      name: null,
      roles: [],
      groups: [],
      permissions: [],
      ways_in: ['password'],
      created_at: new Date(to.now()).toISOString(),
      updated_at: new Date(to.now()).toISOString(),
      session_id: sessionId,
    })
  })
})

describe('a bound token at /v1 (RFC 9449 §7)', () => {
  const url = `${issuer}/v1/me`

  test('is good with a proof that names it, once', async () => {
    const to = await given.server()
    await signUp(to)
    const key = to.key()
    const { accessToken } = await logIn(to, { client: 'app', key })
    const headers = { authorization: `DPoP ${accessToken}`, dpop: key.proof('GET', url, { token: accessToken }) }
    expect((await get(to, '/v1/me', headers)).status).toBe(200)
    const again = await get(to, '/v1/me', headers)
    expect([again.status, again.body.reason]).toEqual([401, 'proof_replayed'])
  })

  test('CVE-2024-49755: as Bearer, without ath, with another ath, key, method, URL or time: 401 with a DPoP challenge', async () => {
    const to = await given.server()
    await signUp(to)
    const key = to.key()
    const { accessToken: token } = await logIn(to, { client: 'app', key })
    const { accessToken: other } = await logIn(to, { client: 'app', key })
    const dpop = (proof?: string) => ({ authorization: `DPoP ${token}`, ...(proof !== undefined && { dpop: proof }) })
    const tried: [Record<string, string>, string][] = [
      [bearer(token), 'token_bound'],
      [dpop(), 'proof_required'],
      [dpop(key.proof('GET', url)), 'proof_invalid'],
      [dpop(key.proof('GET', url, { token: other })), 'proof_invalid'],
      [dpop(to.key().proof('GET', url, { token })), 'token_binding_mismatch'],
      [dpop(key.proof('POST', url, { token })), 'proof_invalid'],
      [dpop(key.proof('GET', `${issuer}:8443/v1/me`, { token })), 'proof_invalid'],
      [dpop(key.proof('GET', `${issuer}/v1/ME`, { token })), 'proof_invalid'],
      [dpop(key.proof('GET', `http://login.example/v1/me`, { token })), 'proof_invalid'],
      [dpop(key.proof('GET', url, { token, claims: { iat: to.now() / 1000 - 3600 } })), 'proof_nonce_required'],
      [dpop(key.proof('GET', url, { token, claims: { nonce: 'A'.repeat(30) } })), 'proof_nonce_required'],
      [dpop(key.proof('GET', url, { token, header: { alg: 'none' } })), 'proof_invalid'],
      [dpop(key.proof('GET', url, { token, header: { typ: 'JWT' } })), 'proof_invalid'],
      [dpop(`${key.proof('GET', url, { token })}, ${key.proof('GET', url, { token })}`), 'proof_invalid'],
    ]
    for (const [headers, reason] of tried) {
      const answer = await get(to, '/v1/me', headers)
      expect([answer.status, answer.body.reason]).toEqual([401, reason])
      expect(answer.headers['www-authenticate']).toMatch(/^DPoP error="[^"]+", .*algs="ES256 EdDSA RS256 PS256"/)
      expect(answer.body.server_time).toBe(Math.floor(to.now() / 1000))
      expect(answer.headers['dpop-nonce']).toMatch(/^[\w-]{30}$/)
    }
  })

  test('the nonce of a refusal helps a client whose clock is wrong', async () => {
    const to = await given.server()
    await signUp(to)
    const key = to.key()
    const { accessToken: token } = await logIn(to, { client: 'app', key })
    const claims = { iat: Math.floor(to.now() / 1000) - 86_400 }
    const first = await get(to, '/v1/me', {
      authorization: `DPoP ${token}`,
      dpop: key.proof('GET', url, { token, claims }),
    })
    const proof = key.proof('GET', url, { token, claims: { ...claims, nonce: first.headers['dpop-nonce'] } })
    expect((await get(to, '/v1/me', { authorization: `DPoP ${token}`, dpop: proof })).status).toBe(200)
  })

  test('an unbound token under the scheme DPoP is refused', async () => {
    const to = await given.server()
    await signUp(to)
    const { accessToken: token } = await logIn(to)
    const dpop = to.key().proof('GET', url, { token })
    const answer = await get(to, '/v1/me', { authorization: `DPoP ${token}`, dpop })
    expect([answer.status, answer.body.reason]).toEqual([401, 'token_binding_mismatch'])
  })
})
