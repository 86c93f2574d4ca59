import { afterEach, describe, expect, test } from 'vitest'
import { browser } from '../testing/browser.ts'
import { type Answer, bearer, get, introspect, logIn, me, postJson, refresh, signUp } from '../testing/calls.ts'
import { closeGiven, given, issuer, password, sampleClients } from '../testing/given.ts'

afterEach(closeGiven)

const change = { current_password: password, new_password: 'a better horse battery' }

const rowOf = ({ headers }: Answer) => headers['countersign-refresh-row']

describe('a new password', () => {
  test('CVE-2026-22706: ends every other session at once; this one goes on with a fresh access token', async () => {
    const to = await given.server()
    await signUp(to)
    const [here, there, bound] = [await logIn(to), await logIn(to), await logIn(to, { client: 'app', key: to.key() })]
    const page = browser(to)
    await page.signIn()
    const answer = await postJson(to, '/v1/password', change, bearer(here.accessToken))
    expect(answer.status).toBe(200)
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(answer.body).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 900,
      scope: 'account notes',
      server_time: Math.floor(to.now() / 1000),
      session_id: here.sessionId,
    })
    expect((await me(to, String(answer.body.access_token))).status).toBe(200)
    expect((await refresh(to, here.refreshToken)).status).toBe(200)
    for (const old of [here, there, bound]) {
      expect((await introspect(to, old.accessToken)).body).toEqual({ active: false })
    }
    expect((await refresh(to, there.refreshToken)).body.reason).toBe('authorization_revoked')
    expect((await page.get('/account')).headers.location).toBe('/sign-in?return_to=/account')
    const { entries } = await to.store.feed.snapshot()
    expect(entries.at(-1)).toMatchObject({ kind: 'user', below: 2 })
    const sessions = (await get(to, '/v1/sessions', bearer(String(answer.body.access_token)))).body.sessions
    expect(sessions).toHaveLength(1)
  })

  test('the old password is no good any more, the new one is', async () => {
    const to = await given.server()
    await signUp(to)
    const { accessToken } = await logIn(to)
    await postJson(to, '/v1/password', change, bearer(accessToken))
    const login = { email: 'maria@example.com', client_id: 'bearer-app' }
    expect((await postJson(to, '/v1/sessions', { ...login, password })).body.reason).toBe('login_failed')
    expect((await postJson(to, '/v1/sessions', { ...login, password: change.new_password })).status).toBe(201)
  })

  test('keeps the login bound to its key', async () => {
    const to = await given.server()
    await signUp(to)
    const key = to.key()
    const { accessToken: token, refreshToken } = await logIn(to, { client: 'app', key })
    const dpop = key.proof('POST', `${issuer}/v1/password`, { token })
    const answer = await postJson(to, '/v1/password', change, { authorization: `DPoP ${token}`, dpop })
    expect([answer.status, answer.body.token_type]).toEqual([200, 'DPoP'])
    expect((await refresh(to, refreshToken, { client: 'app' })).body.reason).toBe('proof_required')
    expect((await refresh(to, refreshToken, { client: 'app', key })).status).toBe(200)
  })

  test.each([61, 1])(
    'logs nobody out who did not hear of a refresh %i s before it, nor of the change',
    async secondsBetween => {
      const to = await given.server()
      await signUp(to)
      const { accessToken, refreshToken } = await logIn(to)
      await to.later(61)
      await refresh(to, refreshToken)
      await to.later(secondsBetween)
      expect((await postJson(to, '/v1/password', change, bearer(accessToken))).status).toBe(200)
      const again = await refresh(to, refreshToken)
      // The row that it would have been without the change: a retry within the grace, or the credit.
      expect([again.status, rowOf(again)]).toEqual([200, secondsBetween < 20 ? '8' : '9'])
    },
  )

  test('is no second generation to a bound client that heard of neither it nor the refresh before, whatever a flag ends', async () => {
    const strict = sampleClients.map(client =>
      client.id === 'bearer-app'
        ? { ...client, refresh: { ...client.refresh, flaggedReplayEndsFamily: true } }
        : client,
    )
    const to = await given.server({ clients: strict })
    await signUp(to)
    const key = to.key()
    const { accessToken, refreshToken } = await logIn(to, { key })
    await to.later(61)
    await refresh(to, refreshToken, { key })
    expect((await postJson(to, '/v1/password', change, bearer(accessToken))).status).toBe(200)
    const again = await refresh(to, refreshToken, { key })
    expect([again.status, rowOf(again)]).toEqual([200, '7'])
    expect((await to.audit()).map(({ record }) => record.event)).not.toContain('refresh.replay_flagged')
  })

  test('answers the refresh token that is current to a client that wants it repeated', async () => {
    const legacy = sampleClients.map(client =>
      client.id === 'bearer-app' ? { ...client, refresh: { ...client.refresh, repeatsUnchanged: true } } : client,
    )
    const to = await given.server({ clients: legacy })
    await signUp(to)
    const { accessToken, refreshToken } = await logIn(to)
    const { body } = await postJson(to, '/v1/password', change, bearer(accessToken))
    expect(body.refresh_token).toBe(refreshToken)
  })

  test.each([
    ['the wrong current one', { ...change, current_password: 'wrong horse battery' }, 401, 'login_failed'],
    ['a weak new one', { ...change, new_password: 'short' }, 400, 'password_unacceptable'],
    ['the address as the new one', { ...change, new_password: 'maria@example.com' }, 400, 'password_unacceptable'],
    ['none', { current_password: password }, 400, 'parameter_invalid'],
  ])('refuses %s, and nothing changes', async (_name, body, status, reason) => {
    const to = await given.server()
    await signUp(to)
    const { accessToken } = await logIn(to)
    const before = (await to.audit()).length
    const answer = await postJson(to, '/v1/password', body, bearer(accessToken))
    expect([answer.status, answer.body.reason]).toEqual([status, reason])
    expect(await to.auditedSince(before)).toEqual([])
    expect((await me(to, accessToken)).status).toBe(200)
  })

  test('guessing the current one meets the limits of sign-in', async () => {
    const to = await given.server()
    await signUp(to)
    const { accessToken } = await logIn(to)
    const statuses = []
    for (let tries = 0; tries < 11; tries++) {
      const body = { ...change, current_password: `wrong ${tries} horse` }
      statuses.push((await postJson(to, '/v1/password', body, bearer(accessToken))).status)
    }
    expect(statuses).toEqual([...new Array(10).fill(401), 429])
  })

  test('of two changes at once one wins', async () => {
    const to = await given.server()
    await signUp(to)
    const [here, there] = [await logIn(to), await logIn(to)]
    const answers = await Promise.all([
      postJson(to, '/v1/password', change, bearer(here.accessToken)),
      postJson(to, '/v1/password', { ...change, new_password: 'an other horse battery' }, bearer(there.accessToken)),
    ])
    const losers = answers.filter(({ status }) => status !== 200)
    expect(losers).toHaveLength(1)
    // Ended by the other while it was hashed; or its password was looked at when it was the old one already.
    expect(['session_ended', 'login_failed']).toContain(losers[0]?.body.reason)
  })
})
