import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { VerifierOptions } from './configuration.ts'
import { createVerifier } from './create-verifier.ts'
import { holdTime } from './testing/held-time.ts'
import { startIssuer, type TestIssuer } from './testing/issuer.ts'
import type { Verifier } from './verifier.ts'

const time = holdTime()
let issuer: TestIssuer
let verifier: Verifier | undefined
const token = `cs_at_${'x'.repeat(60)}`

beforeEach(async () => {
  issuer = await startIssuer(time.nowSeconds)
  issuer.introspect = form => (form.get('token')?.startsWith(token) ? active() : { active: false })
})

afterEach(async () => {
  verifier?.close()
  await issuer.close()
})

function active(more: object = {}): object {
  const iat = Math.floor(time.nowSeconds())
  const claims = { iss: issuer.url, sub: 'user-1', aud: [issuer.url, 'urn:notes'], iat, exp: iat + 900, jti: 'jti-1' }
  return { active: true, token_type: 'Bearer', client_id: 'app', scope: 'notes', sid: 'sid-1', ...claims, ...more }
}

async function ready(more: Partial<VerifierOptions> = {}): Promise<Verifier> {
  verifier = createVerifier({
    issuer: issuer.url,
    audience: 'urn:notes',
    revocations: { clientId: 'api', clientSecret: 'secret' },
    opaque: 'introspect',
    ...time.runtime,
    ...more,
  })
  expect(await verifier.ready()).toBe(true)
  return verifier
}

const asked = () => issuer.asked.filter(path => path === '/introspect').length

async function reasonOf(verification: ReturnType<Verifier['verify']>): Promise<string> {
  const settled = await verification
  return settled.refused ? settled.reason : 'good'
}

describe('an opaque token', () => {
  test('is what the issuer says, and is asked about once in a while', async () => {
    const api = await ready()
    const verified = await api.verify(token, { scope: 'notes' })
    expect(verified).toMatchObject({ refused: false, stale: false, claims: { sub: 'user-1', client_id: 'app' } })
    expect(Object.isFrozen(verified.refused ? {} : verified.claims)).toBe(true)
    for (let n = 0; n < 5; n++) expect(await reasonOf(api.verify(token))).toBe('good')
    expect(asked()).toBe(1)
    time.advance(30_000)
    issuer.send('heartbeat')
    expect(await reasonOf(api.verify(token))).toBe('good')
    expect(asked()).toBe(2)
  })

  test('GHSA-qvp4-rpmr-xwrr: is judged anew at each endpoint, though the answer about it is kept', async () => {
    const api = await ready()
    expect(await reasonOf(api.verify(token, { scope: 'notes' }))).toBe('good')
    expect(await reasonOf(api.verify(token, { scope: 'admin' }))).toBe('scope_insufficient')
    expect(await reasonOf(api.verify(token, { scope: 'notes' }))).toBe('good')
    expect(asked()).toBe(1)
  })

  test('fifty at once are one question', async () => {
    const api = await ready()
    const all = await Promise.all(Array.from({ length: 50 }, () => reasonOf(api.verify(token))))
    expect([new Set(all), asked()]).toEqual([new Set(['good']), 1])
  })

  test.each([
    ['its name', { kind: 'token', id: 'jti-1', until: 2e9 }],
    ['its session', { kind: 'session', id: 'sid-1', until: 2e9 }],
  ] as const)('dies at once when the feed says so: %s', async (_name, entry) => {
    const api = await ready()
    expect(await reasonOf(api.verify(token))).toBe('good')
    issuer.send('entries', [entry])
    while (api.status().revocations?.entries === 0) await new Promise(setImmediate)
    expect(await reasonOf(api.verify(token))).toBe('token_revoked')
    expect(asked()).toBe(1)
  })

  test('that is not active is refused, and the issuer is not asked about it again and again', async () => {
    const api = await ready()
    for (let n = 0; n < 10; n++) expect(await reasonOf(api.verify('cs_at_other'))).toBe('token_inactive')
    expect(asked()).toBe(1)
    time.advance(5_000)
    expect(await reasonOf(api.verify('cs_at_other'))).toBe('token_inactive')
    expect(asked()).toBe(2)
  })

  test.each([
    ['for another API', { aud: 'urn:else' }, 'audience_mismatch'],
    ['of another issuer', { iss: 'https://else.example' }, 'issuer_mismatch'],
    ['without an end', { exp: undefined }, 'claims_invalid'],
    ['without a subject', { sub: '' }, 'claims_invalid'],
    ['that is an ID token', { at_hash: 'x' }, 'token_type_unexpected'],
    ['that is bound to a key', { cnf: { jkt: 'x' } }, 'token_bound'],
  ])('%s is judged as a JWT would be', async (_name, more, reason) => {
    const api = await ready()
    issuer.introspect = () => active(more)
    expect(await reasonOf(api.verify(token))).toBe(reason)
  })

  test('that has expired since is refused without a question', async () => {
    const api = await ready({ opaqueKeepSeconds: 3_600 })
    expect(await reasonOf(api.verify(token))).toBe('good')
    time.advance(900_000)
    expect(await reasonOf(api.verify(token))).toBe('token_expired')
    expect(asked()).toBe(1)
  })

  test('cannot be judged while the issuer is away: 503, and the next try asks again', async () => {
    const api = await ready()
    issuer.broken.set('/introspect', response => response.writeHead(500).end())
    expect(await reasonOf(api.verify(token))).toBe('revocations_stale')
    issuer.broken.clear()
    expect(await reasonOf(api.verify(token))).toBe('good')
  })

  test('attack 10 (CVE-2026-27840): cut or prolonged it is another token', async () => {
    const api = await ready()
    issuer.introspect = form => (form.get('token') === token ? active() : { active: false })
    expect(await reasonOf(api.verify(token))).toBe('good')
    for (const wrong of [token.slice(0, -1), token.slice(1), `${token}x`, token.slice(-12), `x${token}`]) {
      expect(await reasonOf(api.verify(wrong))).toBe('token_inactive')
    }
  })
})

describe('what is no token is never asked about', () => {
  test.each(['', ' ', 'a b', 'a\nb', 'ä', 'x'.repeat(8_193), 'a.b', '..', 'a.b.c.d'])('%j', async wrong => {
    const api = await ready()
    expect(await reasonOf(api.verify(wrong))).toMatch(/^(token_malformed|algorithm_not_allowed)$/)
    expect(asked()).toBe(0)
  })

  test('unless it is turned on, an opaque token is malformed', async () => {
    verifier = createVerifier({ issuer: issuer.url, audience: 'urn:notes', ...time.runtime })
    expect(await reasonOf(verifier.verify(token))).toBe('token_malformed')
  })
})

test('it needs a client to ask as, and says what it can be', () => {
  const options = { issuer: 'https://login.example', audience: 'urn:notes' }
  expect(() => createVerifier({ ...options, opaque: 'introspect' })).toThrow(TypeError)
  expect(() => createVerifier({ ...options, opaque: 'yes' as 'introspect' })).toThrow(TypeError)
})
