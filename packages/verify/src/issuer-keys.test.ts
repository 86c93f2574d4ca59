import { isRefusal } from '@countersign/protocol'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { VerifierOptions } from './configuration.ts'
import { createVerifier } from './create-verifier.ts'
import { type HeldTime, holdTime } from './testing/held-time.ts'
import { startIssuer, type TestIssuer } from './testing/issuer.ts'
import { makeSigner, type Signer } from './testing/signer.ts'
import type { Verifier } from './verifier.ts'

let time: HeldTime
let issuer: TestIssuer
let opened: Verifier[]

beforeEach(async () => {
  time = holdTime()
  issuer = await startIssuer(time.nowSeconds)
  opened = []
})

afterEach(async () => {
  for (const each of opened) each.close()
  await issuer.close()
})

function open(more: Partial<VerifierOptions> = {}): Verifier {
  const made = createVerifier({ issuer: issuer.url, audience: 'api', ...time.runtime, ...more })
  opened.push(made)
  return made
}

function token(signer: Signer = issuer.signer, header: Record<string, unknown> = {}): string {
  const now = time.nowSeconds()
  return signer.sign({ iss: issuer.url, sub: 'user-1', aud: 'api', iat: now, exp: now + 90_000 }, header)
}

async function reasonFor(by: Verifier, text: string): Promise<string> {
  const verification = await by.verify(text)
  return isRefusal(verification) ? verification.reason : 'accepted'
}

function jwksFetches(): number {
  return issuer.asked.filter(path => path === '/jwks').length
}

/** Until a fetch that was started in the background has come to its end; time goes on slowly meanwhile. */
async function settled(condition: () => boolean): Promise<void> {
  while (!condition()) {
    time.advance(50)
    await new Promise(setImmediate)
  }
}

test('the first token waits for the keys, and the next ones wait for nothing', async () => {
  const by = open()
  const first = by.verify(token())
  expect(first).toBeInstanceOf(Promise)
  expect(await first).toMatchObject({ refused: false })
  expect(by.verify(token())).toMatchObject({ refused: false })
  expect(jwksFetches()).toBe(1)
})

test('44. ten thousand tokens with made-up key ids cause one fetch per cool-down', async () => {
  const by = open()
  await by.ready()
  const forger = makeSigner('ES256', 'made-up')
  const forged = Array.from({ length: 100 }, (_, i) => token(forger, { kid: `made-up-${i}` }))
  for (let round = 0; round < 100; round++) {
    const reasons = await Promise.all(forged.map(text => reasonFor(by, text)))
    expect(new Set(reasons)).toEqual(new Set(['key_unknown']))
  }
  expect(jwksFetches()).toBe(2)
  expect(await reasonFor(by, token())).toBe('accepted')
  time.advance(30_000)
  await Promise.all(forged.map(text => reasonFor(by, text)))
  expect(jwksFetches()).toBe(3)
})

test('44. who floods while a fetch is under way fills a small room only', async () => {
  const by = open()
  await by.ready()
  let release = () => {}
  issuer.broken.set('/jwks', response => {
    release = () => response.end(JSON.stringify(issuer.jwks))
  })
  const forger = makeSigner('ES256', 'made-up')
  const waiting = Array.from({ length: 1_000 }, () => reasonFor(by, token(forger)))
  await issuer.askedTimes('/jwks', 2)
  expect(await reasonFor(by, token(forger))).toBe('keys_unavailable')
  expect(await reasonFor(by, token())).toBe('accepted')
  release()
  expect(new Set(await Promise.all(waiting))).toEqual(new Set(['key_unknown']))
})

test('a key that is new at the issuer is found at its first token', async () => {
  const by = open()
  await by.ready()
  const next = makeSigner('EdDSA', 'next')
  issuer.jwks = { keys: [issuer.signer.jwk, next.jwk] }
  expect(await reasonFor(by, token(next))).toBe('accepted')
  expect(await reasonFor(by, token())).toBe('accepted')
})

test('keys are fetched again before their max-age is over, in the background', async () => {
  issuer.jwksHeaders = { 'cache-control': 'public, max-age=100', age: '20' }
  const by = open()
  await by.ready()
  time.advance(63_000)
  expect(jwksFetches()).toBe(1)
  time.advance(1_000)
  await issuer.askedTimes('/jwks', 2)
  await settled(() => (by.status().keys?.ageSeconds ?? 99) < 1)
  expect(by.verify(token())).toMatchObject({ refused: false })
})

test('keys whose max-age is over, say after a sleep, are fetched before they are believed', async () => {
  const by = open({ timers: { set: () => undefined, clear: () => undefined } })
  await by.ready()
  time.advance(301_000)
  issuer.jwks = { keys: [makeSigner('ES256', 'other').jwk] }
  expect(await reasonFor(by, token())).toBe('key_unknown')
})

test('keys that were long under way are as old as the request for them (RFC 9111 §4.2.3)', async () => {
  const by = open({ timers: { set: () => undefined, clear: () => undefined } })
  issuer.broken.set('/jwks', response => {
    time.advance(9_000)
    issuer.broken.clear()
    response.setHeader('cache-control', 'max-age=300').end(JSON.stringify(issuer.jwks))
  })
  await by.ready()
  expect(by.status().keys?.ageSeconds).toBe(9)
  time.advance(292_000)
  issuer.jwks = { keys: [makeSigner('ES256', 'other').jwk] }
  expect(await reasonFor(by, token())).toBe('key_unknown')
})

test('known keys serve on while the issuer does not answer, for a day, and new ones are 503', async () => {
  const by = open()
  await by.ready()
  issuer.broken.set('/jwks', response => response.writeHead(500).end())
  time.advance(250_000)
  await settled(() => by.status().keys?.failing === true)
  time.advance(86_000_000)
  expect(await reasonFor(by, token())).toBe('accepted')
  expect(await reasonFor(by, token(makeSigner('ES256', 'new')))).toBe('keys_unavailable')
  time.advance(900_000)
  expect(await reasonFor(by, token())).toBe('keys_unavailable')
  issuer.broken.clear()
  await settled(() => by.status().keys?.failing === false)
  expect(await reasonFor(by, token())).toBe('accepted')
})

test('before the first keys everything is 503 with Retry-After, and an issuer that starts late is found', async () => {
  issuer.broken.set('/.well-known/openid-configuration', response => response.writeHead(503).end())
  const by = open()
  expect(await by.verify(token())).toMatchObject({ reason: 'keys_unavailable', retryAfterSeconds: expect.any(Number) })
  const { length } = issuer.asked
  expect(by.verify(token())).toMatchObject({ reason: 'keys_unavailable' })
  expect(issuer.asked.length).toBe(length)
  issuer.broken.clear()
  await settled(() => by.status().keys?.count === 1)
  expect(await by.ready()).toBe(true)
  expect(await reasonFor(by, token())).toBe('accepted')
})

test('an issuer that hangs is given up after ten seconds', async () => {
  issuer.broken.set('/jwks', () => {})
  const by = open()
  const verification = by.verify(token())
  await issuer.askedTimes('/jwks', 1)
  time.advance(10_000)
  expect(await verification).toMatchObject({ reason: 'keys_unavailable' })
})

test('metadata are looked for at both places, and must name the issuer letter by letter (RFC 8414 §3.3)', async () => {
  issuer.broken.set('/.well-known/openid-configuration', response => response.writeHead(404).end())
  const metadata = (more: object) => JSON.stringify({ issuer: issuer.url, jwks_uri: `${issuer.url}/jwks`, ...more })
  issuer.broken.set('/.well-known/oauth-authorization-server', response => response.end(metadata({})))
  expect(await reasonFor(open(), token())).toBe('accepted')
  for (const wrong of [
    { issuer: `${issuer.url}/` },
    { issuer: undefined },
    { jwks_uri: 'http://keys.example/' },
    { jwks_uri: 7 },
  ]) {
    issuer.broken.set('/.well-known/oauth-authorization-server', response => response.end(metadata(wrong)))
    expect(await reasonFor(open(), token())).toBe('keys_unavailable')
  }
})

test('an issuer with a path has its metadata where the two standards say', async () => {
  const tenant = `${issuer.url}/tenant`
  const metadata = JSON.stringify({ issuer: tenant, jwks_uri: `${issuer.url}/jwks` })
  for (const path of ['/tenant/.well-known/openid-configuration', '/.well-known/oauth-authorization-server/tenant']) {
    issuer.broken.clear()
    issuer.broken.set(path, response => response.end(metadata))
    expect(await open({ issuer: tenant }).ready()).toBe(true)
  }
})

test('an answer that is too large, no key set, or a redirect is a failure', async () => {
  const answers: ((response: import('node:http').ServerResponse) => unknown)[] = [
    response => response.end(' '.repeat(600 * 1024)),
    response => response.end('[]'),
    response => response.end('{"keys":{}}'),
    response => response.end('<html>'),
    response => response.end(JSON.stringify({ keys: Array.from({ length: 201 }, () => issuer.signer.jwk) })),
    response => response.writeHead(302, { location: '/elsewhere' }).end(),
    response => response.destroy(),
  ]
  for (const answer of answers) {
    issuer.broken.set('/jwks', answer)
    expect(await reasonFor(open(), token())).toBe('keys_unavailable')
  }
  expect(issuer.asked).not.toContain('/elsewhere')
})

test('a closed verifier fetches no more, and whoever waits for it is told', async () => {
  issuer.broken.set('/jwks', () => {})
  const by = open()
  const ready = by.ready()
  by.close()
  expect(await ready).toBe(false)
  const { length } = issuer.asked
  time.advance(100_000)
  expect(await reasonFor(by, token())).toBe('keys_unavailable')
  expect(issuer.asked.slice(length).filter(path => path === '/jwks').length).toBeLessThanOrEqual(1)
})
