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
