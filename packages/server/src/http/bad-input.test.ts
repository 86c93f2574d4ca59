import { isReason, reasons } from '@countersign/protocol'
import * as fc from 'fast-check'
import type { InjectOptions } from 'fastify'
import { afterEach, expect, test } from 'vitest'
import { closedRegistration } from '../clients/registration/registration-policy.ts'
import { browser } from '../testing/browser.ts'
import { type Answer, asApi, authorization, bearer, call, logIn, signUp } from '../testing/calls.ts'
import { closeGiven, type GivenServer, given, issuer, password } from '../testing/given.ts'

afterEach(closeGiven)

/** Text that is likely to hurt: what was found in advisories, and anything else. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom(
    '',
    '\0',
    '\ud800',
    '\u202e',
    '__proto__',
    'constructor',
    '../../etc/passwd',
    "' OR 1=1 --",
    '{{7*7}}',
    '%00',
    '%zz',
    '\r\nSet-Cookie: a=b',
    'a'.repeat(5_000),
    '☃',
    '-1',
    '1e999',
    'null',
    '[object Object]',
  ),
)

const formNames = [
  'grant_type',
  'client_id',
  'client_secret',
  'client_assertion',
  'client_assertion_type',
  'refresh_token',
  'code',
  'code_verifier',
  'redirect_uri',
  'scope',
  'resource',
  'device_code',
  'user_code',
  'request_uri',
  'token',
  'csrf',
  'command',
  'email',
  'password',
  'session_id',
  'response_type',
  'state',
  'prompt',
  'code_challenge',
  'return_to',
  'access_token',
  'id_token_hint',
  'post_logout_redirect_uri',
  '__proto__',
  'x',
]
const jsonNames = [
  'redirect_uris',
  'jwks',
  'jwks_uri',
  'scopes',
  'grant_types',
  'expires_in',
  'email',
  'password',
  'name',
  'client_id',
  'scope',
  'supersedes',
  'user',
  'amr',
  'current_password',
  'new_password',
  'id',
  'external_id',
  '__proto__',
  'x',
]

const form = fc
  .array(
    fc.tuple(
      fc.constantFrom(...formNames),
      fc.oneof(
        text,
        fc.constantFrom(
          'app',
          'bearer-app',
          'refresh_token',
          'authorization_code',
          'client_credentials',
          'urn:ietf:params:oauth:grant-type:device_code',
          'tv',
          'look',
          'allow',
          'code',
          'S256',
        ),
      ),
    ),
    { maxLength: 8 },
  )
  .map(pairs => pairs.map(([name, value]) => `${name}=${escaped(value)}`).join('&'))

const json = fc.oneof(
  fc
    .dictionary(fc.constantFrom(...jsonNames), fc.oneof(text, fc.jsonValue({ maxDepth: 3 })))
    .map(value => JSON.stringify(value)),
  fc.json({ maxDepth: 3 }),
  text,
)

/** As a careless client would write it: some of it escaped, some not. */
function escaped(value: string): string {
  return value.isWellFormed() ? encodeURIComponent(value) : value.replaceAll(/[\ud800-\udfff]/g, '%ed%a0%80')
}

const headerText = text.map(value => value.replaceAll(/[^\x20-\x7e]/g, '').slice(0, 2_000))

const paths = [
  '/',
  '/.well-known/openid-configuration',
  '/jwks',
  '/health',
  '/token',
  '/par',
  '/device_authorization',
  '/device',
  '/revoke',
  '/introspect',
  '/userinfo',
  '/logout',
  '/revocations',
  '/v1/users',
  '/v1/me',
  '/v1/password',
  '/v1/sessions',
  '/v1/trusted/sessions',
  '/v1/trusted/invitations',
  '/register',
  '/register/app',
  '/v1/admin/clients',
  '/v1/admin/clients/app',
  '/v1/admin/clients/app/secrets',
  '/v1/admin/clients/app/revoke',
  '/authorize',
  '/sign-in',
  '/sign-up',
  '/invitation',
  '/account',
]

const path = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...paths) },
  { weight: 1, arbitrary: text.map(value => `/v1/sessions/${escaped(value)}`) },
  {
    weight: 1,
    arbitrary: fc.tuple(text, text).map(([a, b]) => `/v1/trusted/users/${escaped(a)}/sessions/${escaped(b)}`),
  },
  { weight: 1, arbitrary: text.map(value => `/v1/trusted/users/${escaped(value)}/sessions`) },
  { weight: 1, arbitrary: text.map(value => `/v1/trusted/invitations/${escaped(value)}`) },
  { weight: 1, arbitrary: text.map(value => `/invitation?token=${escaped(value)}`) },
  { weight: 1, arbitrary: text.map(value => `/${escaped(value)}`) },
)

const request = fc.record({
  method: fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'),
  path,
  query: fc.oneof(fc.constant(''), form),
  type: fc.constantFrom(
    'application/x-www-form-urlencoded',
    'application/json',
    'application/json; charset=utf-8',
    'text/plain',
    '',
  ),
  body: fc.oneof(form, json),
  headers: fc.record(
    {
      authorization: fc.oneof(
        headerText,
        headerText.map(value => `Basic ${Buffer.from(value).toString('base64')}`),
        fc.constantFrom('api', 'bearer'),
      ),
      dpop: fc.oneof(headerText, fc.constant('good')),
      cookie: fc.oneof(headerText, fc.constant('session')),
      origin: headerText,
      accept: headerText,
      'content-encoding': fc.constantFrom('gzip', 'identity'),
      'if-none-match': headerText,
      'last-event-id': headerText,
      'x-forwarded-for': headerText,
      'x-forwarded-proto': headerText,
      'user-agent': headerText,
    },
    { requiredKeys: [] },
  ),
})

function expectSensible(answer: Answer, method: string): void {
  expect(answer.status).toBeLessThan(500)
  if (answer.status < 400) return
  const reason = answer.headers['countersign-reason'] ?? ''
  expect([reason, isReason(reason)]).toEqual([reason, true])
  if (method === 'HEAD' || answer.headers['content-type']?.startsWith('text/html')) return
  if (!isReason(reason)) return
  expect(answer.body).toMatchObject({ error: reasons[reason].error, error_description: expect.any(String), reason })
  expect(String(answer.body.error_description)).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/)
}

test('whatever is sent to whichever endpoint: never 5xx, every refusal in our form', async () => {
  const registration = { ...closedRegistration, mode: 'open' as const, metadataDocuments: true, perHour: 1_000_000 }
  const to = await given.server({ config: { registration } })
  await signUp(to)
  const { accessToken } = await logIn(to)
  const page = browser(to)
  await page.signIn()
  const session = [...page.jar].map(([name, value]) => `${name}=${value}`).join('; ')
  const key = to.key()
  await fc.assert(
    fc.asyncProperty(request, async ({ method, path, query, type, body, headers }) => {
      const sent: Record<string, string> = { ...(type !== '' && { 'content-type': type }) }
      for (const [name, value] of Object.entries(headers)) if (value !== undefined) sent[name] = value
      if (sent.authorization === 'api') Object.assign(sent, asApi)
      if (sent.authorization === 'bearer') Object.assign(sent, bearer(accessToken))
      if (sent.dpop === 'good') sent.dpop = key.proof(method, `${issuer}${path}`)
      if (sent.cookie === 'session') sent.cookie = session
      if (sent.accept?.includes('text/event-stream')) delete sent.accept
      const url = query === '' ? path : `${path}?${query}`
      const hasBody = method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS'
      const options = { method, url, headers: sent, ...(hasBody && { payload: body }) } as InjectOptions
      expectSensible(await call(to, options), method)
    }),
    { numRuns: 3_000 },
  )
  expect(to.log.filter(({ level }) => level === 'error')).toEqual([])
})

test('a good request with one thing wrong in it is 4xx, and writes nothing', async () => {
  const to = await given.server()
  await signUp(to)
  const { refreshToken, accessToken } = await logIn(to)
  const good: readonly [string, Record<string, unknown>, Record<string, string>][] = [
    ['/v1/users', { email: 'else@example.com', password, name: 'Else' }, {}],
    [
      '/v1/sessions',
      { email: 'maria@example.com', password, client_id: 'bearer-app', scope: 'account', supersedes: 'x' },
      {},
    ],
    ['/v1/password', { current_password: password, new_password: 'a better horse battery' }, bearer(accessToken)],
    ['/v1/trusted/sessions', { client_id: 'app', user: { external_id: 'x' }, amr: ['pwd'] }, asApi],
  ]
  const wrongValues: unknown[] = [
    null,
    1,
    true,
    [],
    {},
    [['x']],
    '\ud800',
    'a\0b',
    'x'.repeat(10_000),
    { __proto__: null, x: 1 },
  ]
  const before = await everythingIn(to)
  for (const [url, body, headers] of good) {
    for (const name of Object.keys(body)) {
      for (const wrong of wrongValues) {
        const payload = JSON.stringify({ ...body, [name]: wrong })
        const sent = { 'content-type': 'application/json', ...headers }
        const answer = await call(to, { method: 'POST', url, payload, headers: sent })
        expect([url, name, wrong, answer.status]).toEqual([url, name, wrong, 400])
        expectSensible(answer, 'POST')
      }
    }
    for (const more of ['"x":1', '"__proto__":{}', `${JSON.stringify(Object.keys(body)[0])}:"x"`]) {
      const payload = JSON.stringify(body).replace(/}$/, `,${more}}`)
      const sent = { 'content-type': 'application/json', ...headers }
      expect((await call(to, { method: 'POST', url, payload, headers: sent })).status).toBe(400)
    }
  }
  const token = { grant_type: 'refresh_token', refresh_token: refreshToken, client_id: 'bearer-app' }
  for (const spoilt of spoilForms(new URLSearchParams(token).toString())) {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const answer = await call(to, { method: 'POST', url: '/token', payload: spoilt, headers })
    expect([spoilt, answer.status >= 400 && answer.status < 500]).toEqual([spoilt, true])
    expectSensible(answer, 'POST')
  }
  const [route = '', query = ''] = authorization().path.split('?')
  const page = browser(to)
  for (const spoilt of spoilForms(query)) {
    const answer = await page.get(`${route}?${spoilt}`)
    expect(answer.status).toBeLessThan(500)
    expect(answer.headers.location ?? '').not.toMatch(/[?&]code=/)
  }
  expect(await everythingIn(to)).toEqual(before)
})

/** The same form with each parameter left out, emptied, doubled, lengthened, or holding what no parameter may. */
function spoilForms(good: string): string[] {
  return good.split('&').flatMap(pair => {
    const [name = ''] = pair.split('=')
    const others = good.replace(pair, '').replace('&&', '&')
    return [
      others,
      `${others}&${name}=`,
      `${good}&${pair}`,
      `${good}&${name}=`,
      `${others}&${name}=%00`,
      `${others}&${name}=%ff`,
      `${others}&${name}=%`,
      `${others}&${name}=${'x'.repeat(3_000)}`,
      `${others}&${name}[]=x`,
    ]
  })
}

async function everythingIn(to: GivenServer): Promise<unknown> {
  const { user } = await to.store.loadUserByEmail('maria@example.com')
  const other = await to.store.loadUserByEmail('else@example.com')
  const sessions = await to.store.listSessions(user?.id ?? '')
  const { number } = await to.store.feed.snapshot()
  return { user, other: other.user, sessions, number, audit: await to.audit() }
}
