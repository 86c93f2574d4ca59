import { afterAll, beforeAll, expect, test } from 'vitest'
import { createVerifier } from './create-verifier.ts'
import { holdTime } from './testing/held-time.ts'
import { startIssuer, type TestIssuer } from './testing/issuer.ts'
import type { Verifier } from './verifier.ts'

const time = holdTime()
let issuer: TestIssuer
let verifier: Verifier

beforeAll(async () => {
  issuer = await startIssuer(time.nowSeconds)
  verifier = createVerifier({ issuer: issuer.url, audience: 'api', ...time.runtime })
  await verifier.ready()
})

afterAll(async () => {
  verifier.close()
  await issuer.close()
})

function claims(more: Record<string, unknown> = {}): Record<string, unknown> {
  const now = time.nowSeconds()
  return {
    iss: issuer.url,
    sub: 'user-1',
    aud: ['api'],
    iat: now,
    exp: now + 900,
    jti: 'token-1',
    client_id: 'app',
    ...more,
  }
}

test('a good token is judged without a promise, and its claims are those that were signed', () => {
  const token = issuer.signer.sign(claims({ scope: 'read write' }))
  const verified = verifier.verify(token, { scope: 'read' })
  expect(verified).toMatchObject({ refused: false, stale: false, claims: { sub: 'user-1', scope: 'read write' } })
})

test('scopes are read from scope and, as some issuers have it, from scp', () => {
  for (const held of [{ scope: 'a read b' }, { scp: 'read' }, { scp: ['write', 'read'] }]) {
    expect(verifier.verify(issuer.signer.sign(claims(held)), { scope: ['read'] })).toMatchObject({ refused: false })
  }
  for (const held of [
    {},
    { scope: 'reading' },
    { scope: 'Read' },
    { scope: '' },
    { scp: [['read']] },
    { scp: { 0: 'read' } },
  ]) {
    const refused = verifier.verify(issuer.signer.sign(claims(held)), { scope: 'read' })
    expect(refused).toMatchObject({ refused: true, reason: 'scope_insufficient' })
  }
})

test('a policy that is wrong, misspelt or not there lets nobody in', () => {
  const token = issuer.signer.sign(claims())
  const wrong: Record<string, unknown>[] = [
    { scopes: 'read' },
    { scope: undefined },
    { scope: '' },
    { scope: ['read', undefined] },
    { maxAgeSeconds: undefined },
    { maxAgeSeconds: Number.NaN },
    { acr: [] },
    { whenStale: 'ignore' },
    { introspect: 'yes' },
    { bound: 1 },
  ]
  for (const policy of wrong) expect(() => verifier.verify(token, policy), JSON.stringify(policy)).toThrow(TypeError)
})

test('a little lateness can be allowed for, and no more', async () => {
  const patient = createVerifier({ issuer: issuer.url, audience: 'api', clockToleranceSeconds: 5, ...time.runtime })
  await patient.ready()
  const late = (seconds: number) => issuer.signer.sign(claims({ exp: time.nowSeconds() - seconds }))
  expect(patient.verify(late(4))).toMatchObject({ refused: false })
  expect(patient.verify(late(5))).toMatchObject({ reason: 'token_expired' })
  expect(verifier.verify(late(0))).toMatchObject({ reason: 'token_expired' })
  patient.close()
})

test('an endpoint that wants the issuer asked is closed where there is nobody to ask as', () => {
  const refused = verifier.verify(issuer.signer.sign(claims()), { introspect: true })
  expect(refused).toMatchObject({ reason: 'revocations_stale', detail: expect.stringContaining('client') })
})
