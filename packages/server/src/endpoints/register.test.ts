import { hashClientSecret, sectorOf } from '@countersign/core'
import { afterEach, describe, expect, test } from 'vitest'
import { closedRegistration, type RegistrationPolicy } from '../clients/registration/registration-policy.ts'
import type { Outbound } from '../outbound/outbound.ts'
import { assertionKey } from '../testing/assertion-key.ts'
import { type Answer, basic, bearer, call, get, postForm, postJson } from '../testing/calls.ts'
import { closeGiven, type GivenServer, given, issuer } from '../testing/given.ts'

afterEach(closeGiven)

const initialToken = 'initial-0123456789abcdef0123456789abcdef'
const redirect_uris = ['https://new.example/callback']

async function serverWith(more: Partial<RegistrationPolicy> = {}, outbound?: Outbound): Promise<GivenServer> {
  const scopes = [...closedRegistration.scopes, 'notes']
  const audiences = ['https://api.example']
  const registration = { ...closedRegistration, mode: 'open' as const, scopes, audiences, ...more }
  return given.server({ config: { registration }, ...(outbound && { outbound }) })
}

const registerAt = (to: GivenServer, metadata: unknown, headers: Readonly<Record<string, string>> = {}) =>
  postJson(to, '/register', metadata, headers)

/** How many clients and audit rows there are: what a refusal must leave as it is. */
async function rowsOf(to: GivenServer): Promise<unknown> {
  return [(await to.store.listClients({ limit: 100 })).length, (await to.audit()).length]
}

const refusedAs = ({ status, body }: Answer): unknown => [status, body.error]

describe('a registration (RFC 7591 §2, §3)', () => {
  test('with redirect URIs alone gets the defaults, and everything that was registered is told', async () => {
    const to = await serverWith()
    const answer = await registerAt(to, { redirect_uris })
    expect([answer.status, answer.headers['cache-control']]).toEqual([201, 'no-store'])
    expect(answer.body).toEqual({
      client_id: expect.stringMatching(/^[\w-]{22}$/),
      client_id_issued_at: to.now() / 1000,
      client_secret: expect.stringMatching(/^cs_cs_[\w-]{43}$/),
      client_secret_expires_at: 0,
      client_name: answer.body.client_id,
      redirect_uris,
      grant_types: ['authorization_code'],
      response_types: ['code'],
      scope: 'openid profile email address phone offline_access notes',
      token_endpoint_auth_method: 'client_secret_basic',
      id_token_signed_response_alg: 'RS256',
      subject_type: 'public',
      dpop_bound_access_tokens: false,
      require_pushed_authorization_requests: false,
      registration_access_token: expect.stringMatching(/^cs_rat_[\w-]{43}$/),
      registration_client_uri: `${issuer}/register/${answer.body.client_id}`,
    })
  })

  test('is somebody else’s application: third-party, its users are asked, no direct login, audited once', async () => {
    const to = await serverWith()
    const before = (await to.audit()).length
    const { body } = await registerAt(to, { redirect_uris })
    const { client } = (await to.store.loadClient(String(body.client_id))) ?? {}
    expect(client).toMatchObject({
      origin: 'registered',
      firstParty: false,
      directLogin: false,
      consent: 'asked',
      audiences: ['https://api.example'],
      defaultScopes: ['openid', 'profile', 'email', 'address', 'phone', 'notes'],
      expiresAt: to.now() + 86_400_000,
    })
    const stored = JSON.stringify(client)
    for (const secret of [body.client_secret, body.registration_access_token]) expect(stored).not.toContain(secret)
    expect(await to.auditedSince(before)).toEqual(['client.registered'])
  })

  test('with everything is told everything back, and what is unknown is left out', async () => {
    const to = await serverWith()
    const key = assertionKey(to.now)
    const metadata = {
      redirect_uris: ['com.example.app:/callback', 'http://127.0.0.1/callback', 'http://localhost:3000/cb'],
      post_logout_redirect_uris: ['https://new.example/bye'],
      backchannel_logout_uri: 'https://new.example/logout',
      backchannel_logout_session_required: true,
      grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
      response_types: ['code'],
      scope: 'openid notes',
      client_name: 'Neue App ✓',
      client_uri: 'https://new.example',
      logo_uri: 'https://new.example/logo.svg',
      policy_uri: 'https://new.example/policy',
      tos_uri: 'https://new.example/terms',
      contacts: ['ops@new.example'],
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'ES256',
      jwks: { keys: [key.jwk] },
      id_token_signed_response_alg: 'EdDSA',
      subject_type: 'public',
      default_max_age: 3600,
      require_auth_time: true,
      dpop_bound_access_tokens: true,
      require_pushed_authorization_requests: true,
      application_type: 'native',
      software_id: 'new-app',
      software_version: '1.0',
    }
    const { status, body } = await registerAt(to, {
      ...metadata,
      tls_client_auth_subject_dn: 'x',
      'client_name#de': 'x',
    })
    expect(status).toBe(201)
    expect(body).toMatchObject(metadata)
    expect(body).not.toHaveProperty('client_secret')
    expect(body).not.toHaveProperty('tls_client_auth_subject_dn')
    expect(body).not.toHaveProperty('client_name#de')
  })

  test('makes a client that can authenticate at once, in its own way alone', async () => {
    const to = await serverWith()
    const { body } = await registerAt(to, { redirect_uris })
    const [id, secret] = [String(body.client_id), String(body.client_secret)]
    const fields = { grant_type: 'authorization_code', code: 'x', redirect_uri: 'x', code_verifier: 'x' }
    expect((await postForm(to, '/token', fields, basic(id, secret))).body.reason).toBe('code_invalid')
    const inForm = await postForm(to, '/token', { ...fields, client_id: id, client_secret: secret })
    expect(inForm.body.reason).toBe('client_authentication_failed')
    const open = await registerAt(to, { redirect_uris, token_endpoint_auth_method: 'none' })
    expect(open.body).not.toHaveProperty('client_secret')
    const publicly = await postForm(to, '/token', { ...fields, client_id: String(open.body.client_id) })
    expect(publicly.body.reason).toBe('code_invalid')
  })

  test('is open to browsers of any origin, and what it registered is known to CORS at once', async () => {
    const to = await serverWith()
    const origin = 'https://new.example'
    const preflight = await call(to, { method: 'OPTIONS', url: '/register', headers: { origin } })
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-headers': 'authorization, content-type, dpop',
    })
    const before = await call(to, { method: 'OPTIONS', url: '/token', headers: { origin } })
    expect(before.headers['access-control-allow-origin']).toBeUndefined()
    const answer = await registerAt(to, { redirect_uris }, { origin })
    expect(answer.headers['access-control-allow-origin']).toBe('*')
    const after = await call(to, { method: 'OPTIONS', url: '/token', headers: { origin } })
    expect(after.headers['access-control-allow-origin']).toBe(origin)
  })

  test('members that are null or empty count as absent', async () => {
    const to = await serverWith()
    const { status, body } = await registerAt(to, {
      redirect_uris,
      client_uri: '',
      logo_uri: null,
      jwks: null,
      scope: '',
    })
    expect([status, body.logo_uri, body.scope]).toEqual([
      201,
      undefined,
      closedRegistration.scopes.join(' ').concat(' notes'),
    ])
  })
})

describe('attack 28 (CVE-2026-22752, CVE-2026-59354): a registration cannot take', () => {
  test('rights, trust, or the user’s consent', async () => {
    const to = await serverWith()
    const { body } = await registerAt(to, {
      redirect_uris,
      scope: 'openid account introspection revocations sessions:manage clients:manage admin notes',
      skip_consent: true,
      consent: 'implied',
      first_party: true,
      firstParty: true,
      direct_login: true,
      trusted: true,
      audiences: ['https://other-api.example'],
      origin: 'operator',
      owner_id: 'x',
      id: 'app',
      client_id: 'app',
      epoch: 9,
      access_token_seconds: 86_400,
    })
    expect([body.scope, body.client_id === 'app']).toEqual(['openid notes', false])
    const { client } = (await to.store.loadClient(String(body.client_id))) ?? {}
    expect(client).toMatchObject({
      scopes: ['openid', 'notes'],
      consent: 'asked',
      firstParty: false,
      directLogin: false,
      audiences: ['https://api.example'],
      ownerId: null,
      epoch: 1,
      lifetimes: { accessTokenSeconds: 900 },
    })
  })

  test.each([
    ['a script', ['javascript:alert(1)']],
    ['a script among others', ['https://new.example/cb', 'javascript:alert(1)//']],
    ['data', ['data:text/html,<script>']],
    ['a file', ['file:///etc/passwd']],
    ['plain HTTP', ['http://new.example/cb']],
    ['a look-alike of loopback', ['http://127.0.0.1.evil/cb']],
    ['a fragment', ['https://new.example/cb#x']],
    ['user information', ['https://a@new.example/cb']],
    ['a scheme without a dot', ['myapp:/cb']],
    ['a pattern', ['https://*.example/cb']],
    ['a line break', ['https://new.example/%0d%0aX:1']],
    ['none', []],
    ['too many', Array.from({ length: 21 }, (_, index) => `https://new.example/${index}`)],
    ['one that is too long', [`https://new.example/${'x'.repeat(2_000)}`]],
    ['a text', 'https://new.example/cb'],
    ['numbers', [1]],
    ['nothing', undefined],
  ])('a redirect URI: %s', async (_what, uris) => {
    const to = await serverWith()
    const before = await rowsOf(to)
    const answer = await registerAt(to, { redirect_uris: uris })
    expect([refusedAs(answer), answer.body.reason]).toEqual([
      [400, 'invalid_redirect_uri'],
      'redirect_uri_unacceptable',
    ])
    expect(await rowsOf(to)).toEqual(before)
  })

  test.each<[string, object]>([
    ['an internal address of keys', { jwks_uri: 'https://169.254.169.254/jwks' }],
    ['a mapped one', { jwks_uri: 'https://[::ffff:169.254.169.254]/jwks' }],
    ['this server’s own machine', { jwks_uri: 'http://127.0.0.1:22/' }],
    ['a file', { jwks_uri: 'file:///etc/passwd' }],
    ['an internal address for sign-outs', { backchannel_logout_uri: 'https://10.0.0.1/logout' }],
    ['keys twice', { jwks: { keys: [] }, jwks_uri: 'https://new.example/jwks' }],
    ['a private key', { jwks: { keys: [{ kty: 'EC', d: 'x' }] } }],
    ['a symmetric key', { jwks: { keys: [{ kty: 'oct', k: 'x' }] } }],
    ['keys that are none', { jwks: { keys: [1] } }],
    ['a key set that is none', { jwks: [] }],
    ['authentication by a key without one', { token_endpoint_auth_method: 'private_key_jwt' }],
    ['authentication that is not supported', { token_endpoint_auth_method: 'client_secret_jwt' }],
    ['authentication by tls', { token_endpoint_auth_method: 'tls_client_auth' }],
    ['a MAC as assertion', { token_endpoint_auth_signing_alg: 'HS256' }],
    ['ID tokens without a signature', { id_token_signed_response_alg: 'none' }],
    ['ID tokens with a MAC', { id_token_signed_response_alg: 'HS256' }],
    ['the implicit grant', { grant_types: ['implicit'], response_types: ['token'] }],
    ['the password grant', { grant_types: ['authorization_code', 'password'] }],
    ['machine tokens', { grant_types: ['authorization_code', 'client_credentials'] }],
    ['token exchange', { grant_types: ['authorization_code', 'urn:ietf:params:oauth:grant-type:token-exchange'] }],
    ['no grant type', { grant_types: [] }],
    ['a response that is not supported', { response_types: ['code id_token'] }],
    ['a grant type without its response', { grant_types: ['refresh_token'], response_types: ['code'] }],
    ['a response without its grant type', { grant_types: ['authorization_code'], response_types: [] }],
    ['a page that is a script', { client_uri: 'javascript:alert(1)' }],
    ['a logo that is data', { logo_uri: 'data:image/png;base64,x' }],
    ['a name that turns round', { client_name: 'a\u202egnp.exe' }],
    ['a name that nobody sees', { client_name: '\u200b\u2060' }],
    ['a name of a letter that is not drawn', { client_name: '\u3164' }],
    ['a name of tags', { client_name: '\u{e0041}' }],
    ['a name of spaces', { client_name: ' \u00a0\u2800' }],
    ['a known name with something unseen in it', { client_name: 'Or\u200bchard\u00ad' }],
    ['a known name with a variation of nothing', { client_name: 'Orchard\ufe0f' }],
    ['a contact that nobody sees', { contacts: ['\u2060'] }],
    ['a name with a line break', { client_name: 'a\nb' }],
    ['a name without end', { client_name: 'a'.repeat(101) }],
    ['a name that is none', { client_name: 7 }],
    ['a scope that is malformed', { scope: 'a"b' }],
    ['a kind of subject that is not', { subject_type: 'secret' }],
    ['a redirect after sign-out that is a script', { post_logout_redirect_uris: ['javascript:1'] }],
    ['an age below zero', { default_max_age: -1 }],
    ['contacts without end', { contacts: Array(21).fill('x') }],
  ])('%s', async (_what, more) => {
    const to = await serverWith()
    const before = await rowsOf(to)
    const answer = await registerAt(to, { redirect_uris, ...more })
    expect([refusedAs(answer), answer.body.reason]).toEqual([
      [400, 'invalid_client_metadata'],
      'client_metadata_invalid',
    ])
    expect(await rowsOf(to)).toEqual(before)
  })
})

describe('who may register', () => {
  test('CVE-2026-41427: by default nobody, and it is not advertised', async () => {
    const to = await given.server()
    expect(refusedAs(await registerAt(to, { redirect_uris }))).toEqual([403, 'access_denied'])
    const { body } = await get(to, '/.well-known/openid-configuration')
    expect([body.registration_endpoint, body.client_id_metadata_document_supported]).toEqual([undefined, undefined])
  })

  test('with tokens: who holds one; such a client may also act for itself', async () => {
    const to = await serverWith({ mode: 'token', tokenHashes: [hashClientSecret(initialToken)] })
    const wanted = { grant_types: ['client_credentials'], scope: 'notes' }
    expect((await get(to, '/.well-known/openid-configuration')).body.registration_endpoint).toBe(`${issuer}/register`)
    const before = await rowsOf(to)
    expect((await registerAt(to, wanted)).body.reason).toBe('token_missing')
    for (const wrong of ['x', `${initialToken}x`, hashClientSecret(initialToken)]) {
      const answer = await registerAt(to, wanted, bearer(wrong))
      expect([answer.status, answer.body.reason]).toEqual([401, 'registration_token_invalid'])
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer error="invalid_token"/)
    }
    expect(await rowsOf(to)).toEqual(before)
    const { status, body } = await registerAt(to, wanted, bearer(initialToken))
    expect([status, body.response_types]).toEqual([201, []])
    const credentials = basic(String(body.client_id), String(body.client_secret))
    expect((await postForm(to, '/token', { grant_type: 'client_credentials' }, credentials)).status).toBe(200)
  })

  test('in the open: anybody, but not with a token that is wrong', async () => {
    const to = await serverWith({ tokenHashes: [hashClientSecret(initialToken)] })
    expect((await registerAt(to, { redirect_uris })).status).toBe(201)
    expect((await registerAt(to, { redirect_uris }, bearer('wrong'))).body.reason).toBe('registration_token_invalid')
    expect((await registerAt(to, { redirect_uris }, { authorization: 'Basic eA==' })).status).toBe(401)
    const grant_types = ['authorization_code', 'client_credentials']
    expect((await registerAt(to, { redirect_uris, grant_types }, bearer(initialToken))).status).toBe(201)
  })

  test('one address so many times an hour', async () => {
    const to = await serverWith({ perHour: 3 })
    for (let index = 0; index < 3; index++) expect((await registerAt(to, { redirect_uris })).status).toBe(201)
    const answer = await registerAt(to, { redirect_uris })
    expect([answer.status, answer.body.reason]).toEqual([429, 'too_many_attempts'])
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
    await to.later(1200)
    expect((await registerAt(to, { redirect_uris })).status).toBe(201)
  })

  test('so many in all, until those that nobody used are forgotten', async () => {
    const to = await serverWith({ clientsAtMost: 2 })
    for (let index = 0; index < 2; index++) expect((await registerAt(to, { redirect_uris })).status).toBe(201)
    const full = await registerAt(to, { redirect_uris })
    expect([full.status, full.body.reason, full.headers['retry-after']]).toEqual([503, 'unavailable', '3600'])
    await to.later(86_400)
    await to.store.sweep({ keepEndedSeconds: 0, rowsAtMost: 100 })
    expect((await registerAt(to, { redirect_uris })).status).toBe(201)
    expect(await to.store.countClients('registered')).toBe(1)
  })
})

describe('a pairwise sector (OpenID Connect Dynamic Registration §5)', () => {
  const several = { redirect_uris: ['https://one.example/cb', 'https://two.example/cb'], subject_type: 'pairwise' }
  const publishing =
    (list: unknown): Outbound =>
    async ({ url }) => ({
      status: url === 'https://sector.example/uris' ? 200 : 404,
      header: () => 'application/json',
      text: JSON.stringify(list),
    })
  const sector_identifier_uri = 'https://sector.example/uris'

  test('is the host of the document that lists every redirect URI', async () => {
    const to = await serverWith({}, publishing([...several.redirect_uris, 'https://three.example/']))
    const { status, body } = await registerAt(to, { ...several, sector_identifier_uri })
    expect([status, body.sector_identifier_uri, body.subject_type]).toEqual([201, sector_identifier_uri, 'pairwise'])
    expect((await to.store.loadClient(String(body.client_id)))?.client.sectorIdentifier).toBe('sector.example')
  })

  test.each([[['https://one.example/cb']], [{}], ['x'], [null]])(
    'is not one that others have listed: %j',
    async list => {
      const to = await serverWith({}, publishing(list))
      const answer = await registerAt(to, { ...several, sector_identifier_uri })
      expect(refusedAs(answer)).toEqual([400, 'invalid_client_metadata'])
      const gone = await registerAt(to, { ...several, sector_identifier_uri: 'https://sector.example/other' })
      expect(refusedAs(gone)).toEqual([400, 'invalid_client_metadata'])
    },
  )

  test('without a document is the host of the redirect URIs, if it is one', async () => {
    const to = await serverWith()
    expect(refusedAs(await registerAt(to, several))).toEqual([400, 'invalid_client_metadata'])
    const one = { redirect_uris: ['https://one.example/a', 'https://one.example/b'], subject_type: 'pairwise' }
    const { status, body } = await registerAt(to, one)
    expect(status).toBe(201)
    expect((await to.store.loadClient(String(body.client_id)))?.client.sectorIdentifier).toBeNull()
  })
})

describe('a pairwise client that could learn of users elsewhere than at its addresses', () => {
  const device = 'urn:ietf:params:oauth:grant-type:device_code'
  const uris = ['https://victim.example/cb']
  const outbound: Outbound = async () => ({
    status: 200,
    header: () => 'application/json',
    text: JSON.stringify([...uris, 'http://127.0.0.1/cb']),
  })
  const sector_identifier_uri = 'https://victim.example/uris'

  test.each([
    ['the device grant alone', { grant_types: [device], redirect_uris: uris }],
    ['the device grant beside codes', { grant_types: ['authorization_code', device], redirect_uris: uris }],
    ['no address', { grant_types: [device] }],
    ['an address of any program', { redirect_uris: ['http://127.0.0.1/cb'] }],
    ['one of these beside a host’s', { redirect_uris: [...uris, 'http://127.0.0.1/cb'] }],
  ])('joins nobody’s sector: %s', async (_, members) => {
    const to = await serverWith({}, outbound)
    const claimed = await registerAt(to, { ...members, subject_type: 'pairwise', sector_identifier_uri })
    expect(refusedAs(claimed)).toEqual([400, 'invalid_client_metadata'])
    const { status, body } = await registerAt(to, { ...members, subject_type: 'pairwise' })
    expect(status).toBe(201)
    const client = (await to.store.loadClient(String(body.client_id)))?.client
    expect(client && sectorOf(client)).toEqual({ clientId: body.client_id })
  })
})

test.each(['ü', '日本語', 'हिन्दी', 'العربية', '7', 'App 🌳 – «Ω»'])(
  'a name may be in any script: %s',
  async client_name => {
    const { status, body } = await registerAt(await serverWith(), {
      redirect_uris: ['https://new.example/cb'],
      client_name,
    })
    expect([status, body.client_name]).toEqual([201, client_name])
  },
)

test('what is no registration at all is refused, and nothing is written', async () => {
  const to = await serverWith()
  const before = await rowsOf(to)
  const send = (payload: string, type: string) =>
    call(to, { method: 'POST', url: '/register', payload, headers: { 'content-type': type } })
  for (const text of ['', '{', '[]', 'null', '"x"', '{"a":1,"a":2}', '{"__proto__":{}}', '{"client_name":"\\ud800"}']) {
    expect([text, (await send(text, 'application/json')).status]).toEqual([text, 400])
  }
  expect((await send('redirect_uris=x', 'application/x-www-form-urlencoded')).status).toBe(415)
  expect((await send(JSON.stringify({ redirect_uris, x: 'x'.repeat(70_000) }), 'application/json')).status).toBe(413)
  expect(await rowsOf(to)).toEqual(before)
})
