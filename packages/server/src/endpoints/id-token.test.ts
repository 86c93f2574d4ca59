import { createHash } from 'node:crypto'
import { hashCode } from '@countersign/core'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { afterEach, describe, expect, test } from 'vitest'
import { apiVerifier } from '../testing/api-verifier.ts'
import { browser } from '../testing/browser.ts'
import { type Answer, get, introspect, logIn, me, redeem, refresh, signUp } from '../testing/calls.ts'
import { closeGiven, type GivenServer, given, issuer, sampleClients } from '../testing/given.ts'
import { addressOf, claimsOf, openidClients, signInAt } from '../testing/openid-clients.ts'

afterEach(closeGiven)

const server = (): Promise<GivenServer> => given.server({ clients: [...sampleClients, ...openidClients] })

/** What a certified library makes of it. */
async function verified(to: GivenServer, answer: Answer, audience: string) {
  const keys = createLocalJWKSet((await get(to, '/jwks')).body as unknown as JSONWebKeySet)
  const currentDate = new Date(to.now())
  return jwtVerify(String(answer.body.id_token), keys, { issuer, audience, typ: 'JWT', currentDate })
}

describe('an ID token (OpenID Connect Core §2)', () => {
  test.each([
    ['portal', 'ES256', 'sha256'],
    ['rsa', 'RS256', 'sha256'],
    ['edwards', 'EdDSA', 'sha512'],
  ])('for %s is signed with %s, and says who, for whom, when and how', async (id, alg, hash) => {
    const to = await server()
    const answer = await signInAt(to, id)
    const { payload, protectedHeader } = await verified(to, answer, id)
    expect(protectedHeader).toMatchObject({ alg, typ: 'JWT' })
    const digest = createHash(hash).update(String(answer.body.access_token)).digest()
    const seconds = Math.floor(to.now() / 1000)
    const access = claimsOf(answer.body.access_token)
    expect(payload).toEqual({
      iss: issuer,
      sub: access.sub,
      aud: id,
      exp: seconds + 900,
      iat: seconds,
      auth_time: seconds,
      acr: 'urn:countersign:acr:1fa',
      amr: ['pwd'],
      at_hash: digest.subarray(0, digest.length / 2).toString('base64url'),
      sid: answer.body.session_id,
    })
    expect([access.acr, access.sid]).toEqual([payload.acr, payload.sid])
  })

  test('is given at each refresh, with the same sub, auth_time and sid, and never where openid was not asked for', async () => {
    const to = await server()
    const first = await signInAt(to, 'portal')
    await to.later(3600)
    const again = await refresh(to, String(first.body.refresh_token), { client: 'portal' })
    const [before, after] = [claimsOf(first.body.id_token), claimsOf(again.body.id_token)]
    for (const name of ['iss', 'sub', 'aud', 'auth_time', 'sid', 'acr']) expect(after[name]).toEqual(before[name])
    expect(after.iat).toBe(Number(before.iat) + 3600)
    expect(after.at_hash).not.toBe(before.at_hash)
    const narrowed = await refresh(to, String(again.body.refresh_token), { client: 'portal', scope: 'account' })
    expect([narrowed.status, narrowed.body.id_token]).toEqual([200, undefined])
    const without = await signInAt(to, 'portal', { page: first.page, scope: 'account' })
    expect(without.body.id_token).toBeUndefined()
    await signUp(to, 'other@example.com')
    expect((await logIn(to, { email: 'other@example.com' })).answer.body.id_token).toBeUndefined()
  })

  test('carries the nonce of its authorization request to the letter, at redemption and never again', async () => {
    const to = await server()
    const page = browser(to)
    await page.signUp()
    const redirectUri = addressOf('portal')
    const { code, verifier } = await page.code({ client_id: 'portal', redirect_uri: redirectUri })
    const row = (await to.store.loadCode(hashCode(code)))?.code
    if (row === undefined) throw new Error('no code')
    const writes = [{ table: 'code' as const, row: { ...row, nonce: 'n-0S6 ✓' } }]
    await to.store.commit({ writes, audit: [], entries: [], durable: true, time: to.now() })
    const fields = { code, code_verifier: verifier, client_id: 'portal', redirect_uri: redirectUri }
    const first = await redeem(to, fields)
    expect(claimsOf(first.body.id_token).nonce).toBe('n-0S6 ✓')
    await to.later(60)
    const again = await refresh(to, String(first.body.refresh_token), { client: 'portal' })
    expect(claimsOf(again.body.id_token)).not.toHaveProperty('nonce')
  })

  test('attack 14: is no access token, neither here nor for an API, nor when it is introspected', async () => {
    const to = await server()
    const { body } = await signInAt(to, 'portal')
    expect((await me(to, String(body.id_token))).status).toBe(401)
    expect((await introspect(to, String(body.id_token))).body).toEqual({ active: false })
    const verifier = await apiVerifier(to)
    expect(await verifier.verify(String(body.id_token))).toMatchObject({ reason: 'token_type_unexpected' })
    expect(await verifier.verify(String(body.access_token))).not.toMatchObject({ refused: true })
    verifier.close()
  })

  test('its lack of a key is found before anything is written: the code is still good', async () => {
    const to = await server()
    const { keys } = to.server.services
    const signer = keys.signer
    Object.assign(keys, {
      signer: () => {
        throw new Error('no key')
      },
    })
    await expect(signInAt(to, 'portal')).rejects.toThrow('unavailable')
    Object.assign(keys, { signer })
    expect((await to.audit()).map(({ record }) => record.event)).not.toContain('family.created')
  })
})
