import type { Client } from '@countersign/core'
import { afterEach, describe, expect, test } from 'vitest'
import { declareClients } from '../clients/declare-clients.ts'
import { browser } from '../testing/browser.ts'
import { bearer, logIn, postJson, redeem, refresh } from '../testing/calls.ts'
import { answerDevice, device } from '../testing/devices.ts'
import { closeGiven, type GivenServer, given, password, sampleClients } from '../testing/given.ts'
import { claimsOf } from '../testing/openid-clients.ts'

afterEach(closeGiven)

const scopes = ['account', 'notes', 'offline_access', 'openid']
const wide = sampleClients.map(client =>
  ['bearer-app', 'tv'].includes(client.id)
    ? { ...client, scopes, defaultScopes: scopes, accessTokenBinding: 'bearer' as const }
    : client,
)

/** An operator takes scopes and APIs away from a client. */
async function narrow(to: GivenServer, id: string, left: Partial<Client>): Promise<void> {
  const client = wide.find(one => one.id === id) as Client
  await declareClients(to.store, [{ ...client, defaultScopes: left.scopes ?? client.defaultScopes, ...left }])
}

async function signedIn() {
  const to = await given.server({ clients: wide })
  const page = browser(to)
  await page.signUp()
  return { to, page }
}

describe('what a client has lost in the meantime it does not get', () => {
  test('by a code: neither scope, nor API, nor ID token, nor a login that outlives the browser', async () => {
    const { to, page } = await signedIn()
    const { code, verifier } = await page.code({ client_id: 'bearer-app', scope: 'openid notes offline_access' })
    await narrow(to, 'bearer-app', { scopes: ['notes'], audiences: [] })
    const { status, body } = await redeem(to, { code, code_verifier: verifier, client_id: 'bearer-app' })
    expect([status, body.scope, body.id_token]).toEqual([200, 'notes', undefined])
    expect(claimsOf(body.access_token)).toMatchObject({ scope: 'notes', aud: ['https://login.example'] })
    await page.submit('/account', { command: 'sign_out' })
    const late = await refresh(to, String(body.refresh_token))
    expect(late.body.reason).toBe('session_ended')
  })

  test('GHSA-895x-rfqp-jh5c: a login that was to outlive the browser ends with the scope that allowed it, and another goes on', async () => {
    const { to, page } = await signedIn()
    const login = async (scope: string) => {
      const { code, verifier } = await page.code({ client_id: 'bearer-app', scope })
      return redeem(to, { code, code_verifier: verifier, client_id: 'bearer-app' })
    }
    const [offline, online] = [await login('notes offline_access'), await login('notes')]
    await narrow(to, 'bearer-app', { scopes: ['notes'] })
    const late = await refresh(to, String(offline.body.refresh_token))
    expect([late.status, late.body.error, late.body.reason]).toEqual([400, 'invalid_grant', 'authorization_revoked'])
    expect((await refresh(to, String(online.body.refresh_token))).status).toBe(200)
  })

  test('by a code: an API that it named when it asked is refused when it redeems', async () => {
    const { to, page } = await signedIn()
    const { code, verifier } = await page.code({ client_id: 'bearer-app', resource: 'https://api.example' })
    await narrow(to, 'bearer-app', { audiences: [] })
    const fields = { code, code_verifier: verifier, client_id: 'bearer-app', resource: 'https://api.example' }
    expect((await redeem(to, fields)).body.error).toBe('invalid_target')
  })

  test('by a change of the password', async () => {
    const { to } = await signedIn()
    const login = await logIn(to, { scope: 'account notes openid' })
    await narrow(to, 'bearer-app', { scopes: ['account'], audiences: [] })
    const wanted = { current_password: password, new_password: 'a better horse battery' }
    const { status, body } = await postJson(to, '/v1/password', wanted, bearer(login.accessToken))
    expect([status, body.scope]).toEqual([200, 'account'])
    expect(claimsOf(body.access_token)).toMatchObject({ scope: 'account', aud: ['https://login.example'] })
  })

  test('by an approved device code', async () => {
    const { to, page } = await signedIn()
    const tv = await device(to, { scope: 'openid notes' })
    await answerDevice(page, tv.userCode, 'allow')
    await narrow(to, 'tv', { scopes: ['notes'], audiences: ['https://media.example'] })
    expect((await tv.poll({ resource: 'https://api.example' })).body.error).toBe('invalid_target')
    const { status, body } = await tv.poll()
    expect([status, body.scope, body.id_token]).toEqual([200, 'notes', undefined])
    expect(claimsOf(body.access_token)).toMatchObject({ scope: 'notes' })
    expect(claimsOf(body.access_token).aud).not.toContain('https://api.example')
  })
})
