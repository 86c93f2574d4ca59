import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { VerifierOptions } from './configuration.ts'
import { createVerifier } from './create-verifier.ts'
import { type Problem, problemTeller } from './problem.ts'
import { type HeldTime, holdTime } from './testing/held-time.ts'
import { startIssuer, type TestIssuer } from './testing/issuer.ts'
import type { Verifier } from './verifier.ts'

let time: HeldTime
let issuer: TestIssuer
let opened: Verifier[]
let told: Problem[]
const clientSecret = 'a secret that no log may hold'

beforeEach(async () => {
  time = holdTime()
  issuer = await startIssuer(time.nowSeconds)
  opened = []
  told = []
})

afterEach(async () => {
  for (const each of opened) each.close()
  await issuer.close()
})

function open(more: Partial<VerifierOptions> = {}): Verifier {
  const onProblem = (problem: Problem) => void told.push(problem)
  const made = createVerifier({ issuer: issuer.url, audience: 'api', onProblem, ...time.runtime, ...more })
  opened.push(made)
  return made
}

/** Time goes on slowly, so that what is tried again is tried. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) {
    time.advance(50)
    await new Promise(setImmediate)
  }
}

test('a feed that refuses the client is told once, with its name and what it means, and when that is over', async () => {
  issuer.broken.set('/revocations', response => response.writeHead(401).end())
  const by = open({ revocations: { clientId: 'notes-api', clientSecret } })
  await issuer.askedTimes('/revocations', 1)
  await until(() => issuer.asked.filter(path => path === '/revocations').length >= 3)
  const fault = 'the feed refuses client "notes-api" (401): wrong secret, or no scope "revocations"'
  expect(by.status().revocations).toMatchObject({ state: 'starting', fault })
  const message = `${fault}. Revoked tokens are accepted until they expire.`
  expect(told).toEqual([{ about: 'revocations', over: false, message }])
  issuer.broken.clear()
  await until(() => told.length > 1)
  expect(told[1]).toEqual({ about: 'revocations', over: true, message: 'the feed is followed.' })
  expect(JSON.stringify(told)).not.toContain(clientSecret)
})

test('what it means is what the verifier is set to do', async () => {
  issuer.broken.set('/revocations', response => response.writeHead(403).end())
  open({ revocations: { clientId: 'notes-api', clientSecret, whenStale: 'reject' } })
  await until(() => told.length > 0)
  expect(told[0]?.message).toMatch(/\(403\).*\. Every token is refused\.$/)
})

test('a feed that is cut and there again within ten seconds is nobody’s business', async () => {
  const by = open({ revocations: { clientId: 'notes-api', clientSecret } })
  await by.ready()
  issuer.cutFeed()
  await until(() => by.status().revocations?.position === 'life.2')
  expect(told).toEqual([])
})

test('an issuer that goes by another name is told with both names', async () => {
  const by = open({ issuer: `${issuer.url}/` })
  await until(() => told.length > 0)
  const fault = `${issuer.url}/ says that it is ${issuer.url}`
  expect(by.status().keys).toMatchObject({ count: 0, failing: true, fault })
  const message = `no keys from the issuer: ${fault}. Every request with a token is answered 503.`
  expect(told).toEqual([{ about: 'keys', over: false, message }])
})

test('an issuer whose name does not fit on a line is not quoted', async () => {
  const answer = JSON.stringify({ issuer: 'https://evil.example\ncountersign: all is well', jwks_uri: issuer.url })
  for (const path of ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server']) {
    issuer.broken.set(path, response => response.end(answer))
  }
  open()
  await until(() => told.length > 0)
  expect(told[0]?.message).toContain(`${issuer.url} says that it is another issuer.`)
})

test('a port where nobody listens is told with the word of the system, and its keys when they are there', async () => {
  const gone = await startIssuer()
  await gone.close()
  let isDead = true
  const by = open({
    fetch: (input, init) => fetch(isDead ? String(input).replace(issuer.url, gone.url) : input, init),
  })
  await until(() => told.length > 0)
  const asked = `${issuer.url}/.well-known/openid-configuration`
  expect(told[0]?.message).toContain(`no keys from the issuer: ${asked} did not answer (ECONNREFUSED). `)
  isDead = false
  await until(() => told.length > 1)
  expect(told[1]).toEqual({ about: 'keys', over: true, message: 'the keys of the issuer are there.' })
  expect(by.status().keys?.fault).toBeUndefined()
})

test('a fetch that fails while the keys are fresh is not told', async () => {
  const by = open({ jwksUri: `${issuer.url}/jwks` })
  await by.ready()
  issuer.broken.set('/jwks', response => response.writeHead(500).end())
  time.advance(272_000)
  await until(() => by.status().keys?.failing === true)
  expect(told).toEqual([])
  await until(() => told.length > 0)
  expect(told[0]?.message).toBe(`no keys from the issuer: ${issuer.url}/jwks answered 500. Those of before serve.`)
})

test('without a listener the console is told', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  const made = createVerifier({ issuer: `${issuer.url}/`, audience: 'api', ...time.runtime })
  opened.push(made)
  await until(() => warn.mock.calls.length > 0)
  expect(warn.mock.calls[0]?.[0]).toMatch(/^countersign: no keys from the issuer: /)
  warn.mockRestore()
})

test('a listener that throws ends nothing', () => {
  const teller = problemTeller('keys', () => {
    throw new Error('the log is full')
  })
  teller.tell('one')
  teller.end('two')
})

test('a variable that is not set is guessed', () => {
  expect(() => open({ issuer: '' })).toThrow('issuer is empty (is ISSUER set?)')
})
