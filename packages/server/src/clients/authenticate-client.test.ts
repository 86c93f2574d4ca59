import { createHmac, createPublicKey, type JsonWebKey } from 'node:crypto'
import { type Client, declareClient, hashClientSecret } from '@countersign/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type AssertionKey, assertionFields, assertionKey } from '../testing/assertion-key.ts'
import { type Answer, basic, postForm, signUp } from '../testing/calls.ts'
import { closeGiven, type GivenServer, given, issuer, sampleClients, secrets } from '../testing/given.ts'
import { declareClients } from './declare-clients.ts'

afterEach(closeGiven)

const machine = {
  grantTypes: ['client_credentials'],
  scopes: ['notes', 'introspection'],
  defaultScopes: ['notes'],
} as const
const ask = { grant_type: 'client_credentials' }

async function serverWith(...clients: Client[]): Promise<GivenServer> {
  return given.server({ clients: [...sampleClients, ...clients] })
}

const reasonOf = ({ status, body }: Answer): unknown => (status === 200 ? 'ok' : body.reason)

describe('with a key of its own (private_key_jwt, RFC 7523 §2.2, §3)', () => {
  let to: GivenServer
  let key: AssertionKey
  let other: AssertionKey
  const jobWith = (assertion: string, more: Readonly<Record<string, string>> = {}) =>
    postForm(to, '/token', { ...ask, ...assertionFields(assertion), ...more })

  beforeEach(async () => {
    let clock = (): number => 0
    key = assertionKey(() => clock())
    other = assertionKey(() => clock())
    to = await serverWith(
      declareClient({ ...machine, id: 'job', jwks: [key.jwk] }),
      declareClient({ ...machine, id: 'other-job', jwks: [other.jwk] }),
    )
    clock = to.now
  })

  test('a client gets its token, with client_id beside the assertion or without', async () => {
    expect(reasonOf(await jobWith(key.assertion('job')))).toBe('ok')
    expect(reasonOf(await jobWith(key.assertion('job'), { client_id: 'job' }))).toBe('ok')
    expect(reasonOf(await jobWith(key.assertion('job', { claims: { aud: `${issuer}/token` } })))).toBe('ok')
  })

  test('at the revocation and the introspection endpoint too', async () => {
    const token = String((await jobWith(key.assertion('job'))).body.access_token)
    const introspected = await postForm(to, '/introspect', { token, ...assertionFields(key.assertion('job')) })
    expect(introspected.body.active).toBe(true)
    expect((await postForm(to, '/revoke', { token, ...assertionFields(key.assertion('job')) })).status).toBe(200)
    const after = await postForm(to, '/introspect', { token, ...assertionFields(key.assertion('job')) })
    expect(after.body.active).toBe(false)
  })

  test('attack 23 (GHSA-3p3g-vpw6-4w66): an assertion is good once, at whichever endpoint', async () => {
    const assertion = key.assertion('job')
    expect(reasonOf(await jobWith(assertion))).toBe('ok')
    expect(reasonOf(await jobWith(assertion))).toBe('client_authentication_failed')
    const elsewhere = await postForm(to, '/introspect', { token: 'x', ...assertionFields(assertion) })
    expect(reasonOf(elsewhere)).toBe('client_authentication_failed')
  })

  test('attack 23: it stays used after the sweep, until nobody would accept it any more', async () => {
    const assertion = key.assertion('job')
    await jobWith(assertion)
    await to.later(100)
    await to.store.sweep({ keepEndedSeconds: 0, rowsAtMost: 100 })
    expect(reasonOf(await jobWith(assertion))).toBe('client_authentication_failed')
    await to.later(30)
    await to.store.sweep({ keepEndedSeconds: 0, rowsAtMost: 100 })
    expect(reasonOf(await jobWith(assertion))).toBe('client_authentication_failed')
  })

  test.each<[string, Readonly<Record<string, unknown>>]>([
    ['attack 23 (CVE-2025-27370, CVE-2025-27371): for two servers', { aud: [issuer, 'https://evil.example'] }],
    ['attack 23: for this server, in a list', { aud: [issuer] }],
    ['attack 23: for the token endpoint of another', { aud: 'https://evil.example/token' }],
    ['of another issuer', { iss: 'other-job' }],
    ['that is over', { exp: 1 }],
    ['that is good for a day', { exp: 4_000_000_000 }],
    ['without an id', { jti: undefined }],
  ])('an assertion %s is refused, and nothing is written', async (_what, claims) => {
    const spoilt = key.assertion('job', { claims })
    const answer = await jobWith(spoilt)
    expect([answer.status, answer.body.error, answer.body.reason]).toEqual([
      401,
      'invalid_client',
      'client_authentication_failed',
    ])
    expect(answer.headers['www-authenticate']).toBeUndefined()
  })

  test('an assertion under another client’s key, or another client’s assertion, is refused', async () => {
    expect(reasonOf(await jobWith(other.assertion('job')))).toBe('client_authentication_failed')
    expect(reasonOf(await jobWith(key.assertion('job'), { client_id: 'other-job' }))).toBe(
      'client_authentication_failed',
    )
    expect(reasonOf(await jobWith(key.assertion('nobody')))).toBe('client_authentication_failed')
    expect(reasonOf(await jobWith(key.assertion('web')))).toBe('client_authentication_failed')
    expect(reasonOf(await jobWith(key.assertion('app')))).toBe('client_authentication_failed')
  })

  test.each<[string, Readonly<Record<string, unknown>>]>([
    ['no algorithm', { alg: undefined }],
    ['none', { alg: 'none' }],
    ['a MAC', { alg: 'HS256' }],
    ['the algorithm of another kind of key', { alg: 'RS256' }],
    ['an extension that must be understood', { crit: ['x'], x: 1 }],
    ['the kind of a DPoP proof', { typ: 'dpop+jwt' }],
    ['a key that the client does not have', { kid: 'k2' }],
    ['a key id that is none', { kid: 7 }],
  ])('a header with %s is refused', async (_what, header) => {
    expect(reasonOf(await jobWith(key.assertion('job', { header })))).toBe('client_authentication_failed')
  })

  test('CVE-2026-11800: a MAC under the public key of the client, in any form, is no signature', async () => {
    const { kid, alg: _, use: __, ...jwk } = key.jwk
    const publicKey = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' })
    const pem = String(publicKey.export({ format: 'pem', type: 'spki' }))
    const forms = [pem, pem.trim(), JSON.stringify(key.jwk), publicKey.export({ format: 'der', type: 'spki' }), '']
    for (const secret of forms) {
      const unsigned = key
        .assertion('job', { header: { alg: 'HS256', kid } })
        .split('.')
        .slice(0, 2)
        .join('.')
      const mac = createHmac('sha256', secret).update(unsigned).digest('base64url')
      expect(reasonOf(await jobWith(`${unsigned}.${mac}`))).toBe('client_authentication_failed')
    }
  })

  test.each(['', '.', '..', 'a.b.c', 'x'.repeat(10_000), `${'.'.repeat(5_000)}`])(
    'rubbish in its place is refused: %#',
    async rubbish => {
      expect((await jobWith(rubbish)).status).toBe(401)
    },
  )

  test('CVE-2026-16093: an assertion beside a secret, or of another type, is refused', async () => {
    const beside = await jobWith(key.assertion('job'), { client_secret: secrets.web })
    expect([beside.status, beside.body.reason]).toEqual([400, 'request_malformed'])
    const fields = { ...ask, ...assertionFields(key.assertion('job')) }
    expect((await postForm(to, '/token', fields, basic('job', 'x'))).status).toBe(400)
    for (const type of ['urn:ietf:params:oauth:client-assertion-type:saml2-bearer', 'jwt-bearer', '']) {
      const answer = await postForm(to, '/token', { ...fields, client_assertion_type: type })
      expect(reasonOf(answer)).toBe('client_authentication_failed')
    }
  })

  test('a client that has a key has no secret, and is not public either', async () => {
    for (const answer of [
      await postForm(to, '/token', { ...ask, client_id: 'job' }),
      await postForm(to, '/token', { ...ask, client_id: 'job', client_secret: secrets.web }),
    ]) {
      expect(reasonOf(answer)).toBe('client_authentication_failed')
    }
  })
})

test.each(['ES256', 'EdDSA', 'RS256', 'PS256'] as const)('assertions may be signed with %s', async alg => {
  let clock = (): number => 0
  const key = assertionKey(() => clock(), alg)
  const to = await serverWith(declareClient({ ...machine, id: 'job', jwks: [key.jwk] }))
  clock = to.now
  const good = await postForm(to, '/token', { ...ask, ...assertionFields(key.assertion('job')) })
  expect(reasonOf(good)).toBe('ok')
})

test('where the client has named one algorithm, no other of the same key is accepted', async () => {
  let clock = (): number => 0
  const key = assertionKey(() => clock(), 'RS256')
  const { alg: _, ...jwk } = key.jwk
  const pss = declareClient({ ...machine, id: 'job', jwks: [jwk], assertionAlgorithm: 'PS256' })
  const to = await serverWith(pss, { ...pss, id: 'any-job', assertionAlgorithm: null })
  clock = to.now
  const by = async (id: string) =>
    reasonOf(await postForm(to, '/token', { ...ask, ...assertionFields(key.assertion(id)) }))
  expect(await by('job')).toBe('client_authentication_failed')
  expect(await by('any-job')).toBe('ok')
})

describe('a client that has chosen its method', () => {
  const secret = 'a-secret-0123456789abcdef0123456789abcdef'
  const secretHashes = [hashClientSecret(secret)]
  const basicOnly = declareClient({ ...machine, id: 'b', secretHashes, authenticationMethod: 'client_secret_basic' })
  const postOnly = declareClient({ ...machine, id: 'p', secretHashes, authenticationMethod: 'client_secret_post' })

  test('is refused in any other', async () => {
    const to = await serverWith(basicOnly, postOnly)
    const inForm = (id: string) => postForm(to, '/token', { ...ask, client_id: id, client_secret: secret })
    const inHeader = (id: string) => postForm(to, '/token', ask, basic(id, secret))
    expect(reasonOf(await inHeader('b'))).toBe('ok')
    expect(reasonOf(await inForm('b'))).toBe('client_authentication_failed')
    expect(reasonOf(await inForm('p'))).toBe('ok')
    expect(reasonOf(await inHeader('p'))).toBe('client_authentication_failed')
  })
})

test('a secret that has ended is none', async () => {
  const secret = 'a-secret-0123456789abcdef0123456789abcdef'
  const hash = hashClientSecret(secret)
  const to = await given.server()
  const ends = declareClient({
    ...machine,
    id: 'ends',
    secretHashes: [hash],
    secretEnds: { [hash]: to.now() + 60_000 },
  })
  await declareClients(to.store, [...sampleClients, ends])
  expect(reasonOf(await postForm(to, '/token', ask, basic('ends', secret)))).toBe('ok')
  await to.later(60)
  expect(reasonOf(await postForm(to, '/token', ask, basic('ends', secret)))).toBe('client_authentication_failed')
})

test('attack 22 (GHSA-pw9m-5jxm-xr6h): a confidential client does not refresh without its secret', async () => {
  const to = await given.server()
  await signUp(to)
  const fields = { grant_type: 'refresh_token', refresh_token: 'cs_rt_x', client_id: 'web' }
  expect(reasonOf(await postForm(to, '/token', fields))).toBe('client_authentication_failed')
  expect(reasonOf(await postForm(to, '/token', { ...fields, client_secret: 'wrong' }))).toBe(
    'client_authentication_failed',
  )
  expect(reasonOf(await postForm(to, '/token', { ...fields, client_secret: secrets.web }))).toBe(
    'refresh_token_invalid',
  )
})

test('attack 30: a Basic header with rubbish behind it, bad padding, or not form-decoded, is refused', async () => {
  const secret = 'a secret/with:100% of +everything+ in it 0123456789'
  const odd = declareClient({ ...machine, id: 'odd:id', secretHashes: [hashClientSecret(secret)] })
  const to = await serverWith(odd)
  const send = async (credentials: string) =>
    reasonOf(await postForm(to, '/token', ask, { authorization: credentials }))
  const encoded = Buffer.from(`${encodeURIComponent('odd:id')}:${encodeURIComponent(secret)}`).toString('base64')
  expect(await send(`Basic ${encoded}`)).toBe('ok')
  expect(await send(`basic  ${encoded}`)).toBe('ok')
  const plus = Buffer.from(`odd%3Aid:${encodeURIComponent(secret).replaceAll('%20', '+')}`).toString('base64')
  expect(await send(`Basic ${plus}`)).toBe('ok')
  const raw = Buffer.from(`odd:id:${secret}`).toString('base64')
  const unpadded = encoded.replace(/=+$/, '')
  for (const wrong of [
    `Basic ${encoded} x`,
    `Basic ${encoded}, Basic ${encoded}`,
    `Basic ${encoded}x`,
    `Basic ${encoded}\u00a0`,
    `Basic ${encoded}====`,
    ...(unpadded === encoded ? [] : [`Basic ${unpadded}`]),
    `Basic ${raw}`,
    `Basic ${Buffer.from('odd%3Aid:%zz').toString('base64')}`,
    `Basic ${Buffer.from('odd%3Aid').toString('base64')}`,
    `Basic ${Buffer.from([0xff, 0x3a, 0x61]).toString('base64')}`,
    `Basic ${Buffer.from('odd%3Aid%00:x').toString('base64')}`,
    'Basic',
    'Basic ',
    'Digest x',
    '',
  ]) {
    expect([wrong, await send(wrong)]).toEqual([wrong, 'client_authentication_failed'])
  }
})
