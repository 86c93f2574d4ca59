import { createPrivateKey } from 'node:crypto'
import { countersign, deriveKey, mintAccessToken, signerOf, signJws, unseal } from '@countersign/core'
import { accessTokenType, canonicalJson } from '@countersign/protocol'
import { afterEach, describe, expect, test } from 'vitest'
import {
  asApi,
  basic,
  bearer,
  introspect,
  logIn,
  me,
  postForm,
  refresh,
  signUp,
  withOtherEnd,
} from '../testing/calls.ts'
import { closeGiven, type GivenServer, given, issuer, sampleMaster, secrets } from '../testing/given.ts'
import type { ProofKey } from '../testing/proof-key.ts'

afterEach(closeGiven)

async function loggedIn() {
  const to = await given.server()
  await signUp(to)
  return { to, login: await logIn(to) }
}

describe('revoking (RFC 7009)', () => {
  test('CVE-2026-68481: a refresh token ends its login: both tokens are dead at once, and the feed says so', async () => {
    const { to, login } = await loggedIn()
    const before = (await to.audit()).length
    const answer = await postForm(to, '/revoke', { token: login.refreshToken, client_id: 'bearer-app' })
    expect([answer.status, answer.text, answer.headers['cache-control']]).toEqual([200, '', 'no-store'])
    expect((await refresh(to, login.refreshToken)).body.reason).toBe('session_ended')
    expect((await me(to, login.accessToken)).body.reason).toBe('token_revoked')
    const { entries } = await to.store.feed.snapshot()
    expect(entries.map(({ kind }) => kind)).toEqual(['family', 'session'])
    expect(await to.auditedSince(before)).toEqual(['session.ended'])
  })

  test('any generation of it will do, and a second time is 200 and nothing', async () => {
    const { to, login } = await loggedIn()
    await to.later(60)
    await refresh(to, login.refreshToken)
    const before = (await to.audit()).length
    for (let times = 0; times < 2; times++) {
      const answer = await postForm(to, '/revoke', { token: login.refreshToken, client_id: 'bearer-app' })
      expect(answer.status).toBe(200)
    }
    expect(await to.auditedSince(before)).toEqual(['session.ended'])
  })

  test('an access token dies by its name; its login lives', async () => {
    const { to, login } = await loggedIn()
    const audited = (await to.audit()).length
    await postForm(to, '/revoke', { token: login.accessToken, client_id: 'bearer-app' })
    expect(await to.auditedSince(audited)).toEqual(['token.revoked'])
    expect((await me(to, login.accessToken)).body.reason).toBe('token_revoked')
    expect((await introspect(to, login.accessToken)).body).toEqual({ active: false })
    expect((await refresh(to, login.refreshToken)).status).toBe(200)
    const before = await to.store.feed.snapshot()
    await postForm(to, '/revoke', { token: login.accessToken, client_id: 'bearer-app' })
    expect((await to.store.feed.snapshot()).number).toBe(before.number)
  })

  test('beyond twenty access tokens an hour the login ends: one login cannot fill the feed', async () => {
    const { to, login } = await loggedIn()
    const before = (await to.audit()).length
    const revoke = (token: string) => postForm(to, '/revoke', { token, client_id: 'bearer-app' })
    for (let times = 0; times < 20; times++) {
      expect((await revoke(String((await refresh(to, login.refreshToken)).body.access_token))).status).toBe(200)
    }
    expect((await me(to, login.accessToken)).status).toBe(200)
    expect((await revoke(login.accessToken)).status).toBe(200)
    expect((await me(to, login.accessToken)).body.reason).toBe('token_revoked')
    expect((await refresh(to, login.refreshToken)).body.reason).toBe('session_ended')
    const { entries } = await to.store.feed.snapshot()
    expect(entries.map(({ kind }) => kind)).toEqual([...Array<string>(20).fill('token'), 'family', 'session'])
    expect(await to.auditedSince(before)).toEqual([...Array<string>(20).fill('token.revoked'), 'session.ended'])
  })

  test.each([
    ['bearer-app', false],
    ['app', true],
  ])(
    'whoever holds one access token (of %s) ends that one, however often it is sent at once: one entry, and the login lives',
    async (client, isBound) => {
      const to = await given.server()
      await signUp(to)
      const key = to.key()
      const login = await logIn(to, { client, ...(isBound && { key }) })
      const [before, { number }] = [(await to.audit()).length, await to.store.feed.snapshot()]
      for (let waves = 0; waves < 3; waves++) {
        const fields = { token: login.accessToken, client_id: client }
        const answers = await Promise.all(Array.from({ length: 80 }, () => postForm(to, '/revoke', fields)))
        expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
      }
      expect(await to.auditedSince(before)).toEqual(['token.revoked'])
      const { entries, number: after } = await to.store.feed.snapshot()
      expect([entries.map(({ kind }) => kind), after - number]).toEqual([['token'], 1])
      expect((await refresh(to, login.refreshToken, { client, ...(isBound && { key }) })).status).toBe(200)
    },
  )

  test('beyond twenty access tokens of a bound login it ends with the proof of its key alone; without it one has to wait', async () => {
    const to = await given.server()
    await signUp(to)
    const [key, other] = [to.key(), to.key()]
    const login = await logIn(to, { client: 'app', key })
    const next = async () => {
      const answer = await refresh(to, login.refreshToken, { client: 'app', key })
      return String(answer.body.access_token)
    }
    const revoke = (token: string, by?: ProofKey) => {
      const fields = { token, client_id: 'app' }
      return postForm(to, '/revoke', fields, by && { dpop: by.proof('POST', `${issuer}/revoke`) })
    }
    for (let times = 0; times < 20; times++) expect((await revoke(await next())).status).toBe(200)
    for (const by of [undefined, other]) {
      const answer = await revoke(await next(), by)
      expect([answer.status, answer.body.reason, answer.headers['retry-after']]).toEqual([
        429,
        'too_many_attempts',
        '180',
      ])
    }
    expect((await refresh(to, login.refreshToken, { client: 'app', key })).status).toBe(200)
    expect((await revoke(await next(), key)).status).toBe(200)
    expect((await refresh(to, login.refreshToken, { client: 'app', key })).body.reason).toBe('session_ended')
  })

  test("a client's machine tokens are revoked twenty times an hour; then it has to wait", async () => {
    const to = await given.server()
    const mint = async () =>
      String((await postForm(to, '/token', { grant_type: 'client_credentials' }, asApi)).body.access_token)
    for (let times = 0; times < 20; times++) {
      expect((await postForm(to, '/revoke', { token: await mint() }, asApi)).status).toBe(200)
    }
    const answer = await postForm(to, '/revoke', { token: await mint() }, asApi)
    expect([answer.status, answer.body.reason, answer.headers['retry-after']]).toEqual([
      429,
      'too_many_attempts',
      '180',
    ])
    await to.later(180)
    expect((await postForm(to, '/revoke', { token: await mint() }, asApi)).status).toBe(200)
  })

  test('rubbish and forgeries are 200 and end nothing (RFC 7009 §2.2)', async () => {
    const { to, login } = await loggedIn()
    for (const token of [
      'x',
      withOtherEnd(login.refreshToken),
      `${login.accessToken}x`,
      `cs_rt_${'A'.repeat(84)}`,
      '☃',
    ]) {
      expect((await postForm(to, '/revoke', { token, client_id: 'bearer-app' })).status).toBe(200)
    }
    expect((await refresh(to, login.refreshToken)).status).toBe(200)
  })

  test("another client's token is refused and lives (RFC 7009 §2.1)", async () => {
    const { to, login } = await loggedIn()
    for (const token of [login.refreshToken, login.accessToken]) {
      const answer = await postForm(to, '/revoke', { token, client_id: 'app' })
      expect([answer.status, answer.body.reason]).toEqual([400, 'client_mismatch'])
    }
    expect((await me(to, login.accessToken)).status).toBe(200)
  })

  test('a bound refresh token without its key ends nothing, and is seen: audited once an hour', async () => {
    const to = await given.server()
    await signUp(to)
    const [key, other] = [to.key(), to.key()]
    const { refreshToken: token } = await logIn(to, { key })
    const fields = { token, client_id: 'bearer-app' }
    const revoke = (by?: ProofKey) =>
      postForm(to, '/revoke', fields, by && { dpop: by.proof('POST', `${issuer}/revoke`) })
    const before = (await to.audit()).length
    const bare = await revoke()
    expect([bare.status, bare.body.reason]).toEqual([400, 'proof_required'])
    expect(bare.headers['dpop-nonce']).toMatch(/./)
    expect(bare.body.server_time).toBeGreaterThan(0)
    expect((await revoke(other)).body.reason).toBe('proof_key_mismatch')
    expect(await to.auditedSince(before)).toEqual(['refresh.leaked'])
    await to.later(3600)
    await revoke()
    expect(await to.auditedSince(before)).toEqual(['refresh.leaked', 'refresh.leaked'])
    expect((await refresh(to, token, { key })).status).toBe(200)
    const proof = key.proof('POST', `${issuer}/revoke`)
    expect((await postForm(to, '/revoke', fields, { dpop: proof })).status).toBe(200)
    expect((await refresh(to, token, { key })).body.reason).toBe('session_ended')
    expect((await postForm(to, '/revoke', fields, { dpop: proof })).body.reason).toBe('proof_replayed')
    const late = key.proof('POST', `${issuer}/revoke`)
    await to.later(61)
    expect((await postForm(to, '/revoke', fields, { dpop: late })).body.reason).toBe('proof_nonce_required')
  })

  test('needs a token and a client', async () => {
    const { to } = await loggedIn()
    expect((await postForm(to, '/revoke', { client_id: 'app' })).body.reason).toBe('parameter_missing')
    expect((await postForm(to, '/revoke', { token: 'x' })).body.reason).toBe('client_authentication_failed')
    expect((await postForm(to, '/revoke', { token: 'x', client_id: 'web' })).status).toBe(401)
  })

  test('attack 19: beside fifty refreshes, the login ends and stays ended', async () => {
    const { to, login } = await loggedIn()
    await to.later(60)
    const refreshes = Array.from({ length: 50 }, () => refresh(to, login.refreshToken))
    const revoked = await postForm(to, '/revoke', { token: login.refreshToken, client_id: 'bearer-app' })
    expect(revoked.status).toBe(200)
    for (const answer of await Promise.all(refreshes)) {
      expect([200, 400]).toContain(answer.status)
      if (answer.status === 400) expect(answer.body.reason).toBe('session_ended')
      else expect((await me(to, String(answer.body.access_token))).body.reason).toBe('token_revoked')
    }
    expect((await refresh(to, login.refreshToken)).body.reason).toBe('session_ended')
  })
})

describe('introspection (RFC 7662 §2)', () => {
  test('tells the claims of a token that stands, and of any other nothing but that it does not', async () => {
    const { to, login } = await loggedIn()
    const answer = await introspect(to, login.accessToken)
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(answer.body).toMatchObject({
      active: true,
      token_type: 'Bearer',
      iss: issuer,
      aud: [issuer, 'https://api.example'],
      sid: login.sessionId,
      scope: 'account notes',
      epo: { all: 1, user: 1, client: 1 },
      ver: 1,
    })
    for (const token of ['x', login.refreshToken, `${login.accessToken}A`, login.accessToken.slice(0, -1)]) {
      expect((await introspect(to, token)).body).toEqual({ active: false })
    }
    await to.later(900)
    expect((await introspect(to, login.accessToken)).body).toEqual({ active: false })
  })

  test('is for back ends with the right', async () => {
    const { to, login } = await loggedIn()
    const token = login.accessToken
    expect((await postForm(to, '/introspect', { token })).status).toBe(401)
    expect((await postForm(to, '/introspect', { token, client_id: 'bearer-app' })).body.reason).toBe(
      'client_not_allowed',
    )
    expect((await postForm(to, '/introspect', { token }, basic('web', secrets.web))).body.reason).toBe(
      'client_not_allowed',
    )
    expect((await postForm(to, '/introspect', { token }, bearer(token))).body.reason).toBe('scope_insufficient')
    expect((await postForm(to, '/introspect', {}, asApi)).body.reason).toBe('parameter_missing')
    const posted = await postForm(to, '/introspect', { token, client_id: 'api', client_secret: secrets.api })
    expect(posted.body.active).toBe(true)
  })

  test('D12: a token forged, or altered, with the real signing key in hand is not active, and good for nothing here', async () => {
    const { to, login } = await loggedIn()
    const signer = stolenSigner(to)
    const claims = (await introspect(to, login.accessToken)).body
    const { active: _active, token_type: _type, jti, ...others } = claims
    const forgeries = [
      { ...others, jti },
      { ...others, jti, sub: 'A'.repeat(22) },
      { ...others, jti, scope: 'account notes admin' },
      { ...others, jti, exp: Number(claims.exp) + 86_400 },
      { ...others, jti: Buffer.alloc(28).toString('base64url') },
      { ...others, jti: countersign(Buffer.alloc(32), canonicalJson(others), Buffer.alloc(12)) },
      others,
    ].map(payload => signJws(signer, payload))
    // The first is the very token again: signed anew, the same claims under the same mark.
    expect((await introspect(to, forgeries[0] ?? '')).body.active).toBe(true)
    for (const forged of forgeries.slice(1)) {
      expect((await introspect(to, forged)).body).toEqual({ active: false })
      expect((await me(to, forged)).body.reason).toBe('signature_invalid')
    }
    const other = {
      issuer,
      signer,
      countersignKey: deriveKey(Buffer.alloc(32, 1), 'countersign 1'),
      random: Buffer.alloc,
    }
    const minted = mintAccessToken(other as never, others as never)
    expect((await introspect(to, minted)).body).toEqual({ active: false })
  })
})

/** What a thief of the signing key has: the key itself, out of the ring, and not the master key's other children. */
function stolenSigner(to: GivenServer) {
  const active = to.server.services.keys.ring().signing.find(({ state }) => state === 'active')
  if (!active?.sealedPrivate) throw new Error('no key')
  const der = unseal(deriveKey(sampleMaster, 'key ring 1'), active.kid, active.sealedPrivate)
  if (der === undefined) throw new Error('not opened')
  return signerOf(active.kid, active.alg, createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }), accessTokenType)
}
