import { isReason, reasons } from '@countersign/protocol'
import { afterEach, expect, test } from 'vitest'
import { closedRegistration } from '../clients/registration/registration-policy.ts'
import { browser } from '../testing/browser.ts'
import { type Answer, call, logIn, postForm, signUp } from '../testing/calls.ts'
import { answerDevice, device } from '../testing/devices.ts'
import { closeGiven, type GivenServer, given, redirectUri, secrets } from '../testing/given.ts'

afterEach(closeGiven)

const registration = { ...closedRegistration, mode: 'open' as const, perHour: 1_000_000 }
const exchangeType = 'urn:ietf:params:oauth:grant-type:token-exchange'
const deviceType = 'urn:ietf:params:oauth:grant-type:device_code'
const orders = { client_id: 'orders', client_secret: secrets.orders }

/** Requests each of which would be answered with 2xx, by the endpoint; nothing in them may be left out. */
async function goodForms(to: GivenServer): Promise<readonly (readonly [string, Record<string, string>])[]> {
  await signUp(to)
  const { accessToken } = await logIn(to)
  const page = browser(to)
  await page.signIn()
  const { code, verifier } = await page.code({ client_id: 'bearer-app' })
  const tv = await device(to)
  await answerDevice(page, tv.userCode, 'allow')
  const challenge = { code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256' }
  const asked = { client_id: 'bearer-app', redirect_uri: redirectUri }
  return [
    ['/token', { grant_type: 'authorization_code', code, code_verifier: verifier, ...asked }],
    ['/token', { grant_type: deviceType, device_code: tv.deviceCode, client_id: 'tv' }],
    ['/token', { grant_type: 'client_credentials', ...orders }],
    [
      '/token',
      {
        grant_type: exchangeType,
        subject_token: accessToken,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        ...orders,
      },
    ],
    ['/par', { response_type: 'code', ...asked, ...challenge }],
    ['/device_authorization', { client_id: 'tv' }],
    ['/introspect', { token: accessToken, ...orders }],
  ]
}

test('each parameter of each form missing, doubled, empty, oversized, of another alphabet: 4xx, and nothing is written', async () => {
  const to = await given.server({ config: { registration } })
  const forms = await goodForms(to)
  const before = await everythingIn(to)
  for (const [url, fields] of forms) {
    for (const name of Object.keys(fields)) {
      for (const spoilt of spoil(fields, name)) {
        const headers = { 'content-type': 'application/x-www-form-urlencoded' }
        const answer = await call(to, { method: 'POST', url, payload: spoilt, headers })
        // What is not a token of ours does not stand, whatever it is (RFC 7662 §2.2).
        const isNone = url === '/introspect' && answer.status === 200 && answer.body.active === false
        if (!isNone) expectRefused(answer, `${url} ${spoilt.slice(0, 300)}`)
      }
    }
  }
  expect(await everythingIn(to)).toEqual(before)
  // They were good: a wrong verifier alone is counted, so the code is left out.
  for (const [url, fields] of forms.slice(1)) {
    const { status, text } = await postForm(to, url, fields)
    expect([url, fields.grant_type, status < 300, text]).toEqual([url, fields.grant_type, true, text])
  }
})

test('a token of another type or alphabet is revoked in vain, and ends nothing (RFC 7009 §2.2)', async () => {
  const to = await given.server()
  await signUp(to)
  const { refreshToken } = await logIn(to)
  const before = await everythingIn(to)
  const fields = { token: refreshToken, client_id: 'bearer-app' }
  for (const spoilt of [...spoil(fields, 'token'), ...spoil(fields, 'client_id')]) {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    expect((await call(to, { method: 'POST', url: '/revoke', payload: spoilt, headers })).status).toBeLessThan(500)
  }
  expect(await everythingIn(to)).toEqual(before)
})

const metadata: Readonly<Record<string, unknown>> = {
  redirect_uris: ['https://new.example/cb'],
  grant_types: ['authorization_code'],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
  client_name: 'New',
  client_uri: 'https://new.example/',
  scope: 'openid',
  contacts: ['ops@new.example'],
  jwks: { keys: [] },
  subject_type: 'public',
  id_token_signed_response_alg: 'ES256',
  default_max_age: 60,
  require_auth_time: true,
}

test('each member of a registration of another type, oversized or doubled: 400, and nobody is registered', async () => {
  const to = await given.server({ config: { registration } })
  const before = await everythingIn(to)
  const send = (payload: string): Promise<Answer> =>
    call(to, { method: 'POST', url: '/register', payload, headers: { 'content-type': 'application/json' } })
  for (const name of Object.keys(metadata)) {
    for (const wrong of [1.5, -1, [[]], [{}], { x: 1 }, '\ud800', 'a\0b', 'x'.repeat(10_000), ['\u202e']]) {
      expectRefused(await send(JSON.stringify({ ...metadata, [name]: wrong })), `${name} ${JSON.stringify(wrong)}`)
    }
    const doubled = JSON.stringify(metadata).replace(/}$/, `,"${name}":${JSON.stringify(metadata[name])}}`)
    expectRefused(await send(doubled), `${name} twice`)
  }
  expect(await everythingIn(to)).toEqual(before)
  expect((await send(JSON.stringify(metadata))).status).toBe(201)
})

function expectRefused({ status, headers, body }: Answer, what: string): void {
  expect([what, status >= 400 && status < 500, status]).toEqual([what, true, status])
  const reason = headers['countersign-reason'] ?? ''
  if (isReason(reason)) expect([what, body.error]).toEqual([what, reasons[reason].error])
  expect([what, isReason(reason)]).toEqual([what, true])
}

/** The form with one parameter left out, emptied, doubled, lengthened, or holding what no parameter may. */
function spoil(fields: Readonly<Record<string, string>>, name: string): string[] {
  const { [name]: value = '', ...others } = fields
  const rest = new URLSearchParams(others).toString()
  const good = new URLSearchParams(fields).toString()
  return [
    rest,
    `${rest}&${name}=`,
    `${good}&${name}=${encodeURIComponent(value)}`,
    `${good}&${name}=`,
    ...['%00', '%ff', '%', '%ed%a0%80', '\u0645', '%E2%80%AE', 'null', '-1', '1e999', 'x'.repeat(5_000)].map(
      wrong => `${rest}&${name}=${wrong}`,
    ),
    `${rest}&${name}[]=${encodeURIComponent(value)}`,
    `${rest}&${name.toUpperCase()}=${encodeURIComponent(value)}`,
  ]
}

async function everythingIn(to: GivenServer): Promise<unknown> {
  const { user } = await to.store.loadUserByEmail('maria@example.com')
  const sessions = await to.store.listSessions(user?.id ?? '')
  const grants = await to.store.listGrants(user?.id ?? '')
  const { number } = await to.store.feed.snapshot()
  return { user, sessions, grants, number, audit: await to.audit(), clients: await to.store.countClients('registered') }
}
