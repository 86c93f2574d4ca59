import { inspect } from 'node:util'
import { afterEach, describe, expect, test } from 'vitest'
import { CallFailure } from './call-failure.ts'
import { basicAuthorization } from './issuer-call.ts'
import { createMachineTokens, type MachineTokens, type MachineTokensOptions } from './machine-tokens.ts'
import { type Answer, type Arrived, startServer, type TestServer } from './testing/http-server.ts'
import { startIssuer, type TestIssuer } from './testing/issuer.ts'

const secret = 'the secret of this test'
const running: TestServer[] = []

/** Seconds on the clock that the tests hold in their hand. */
let seconds = 0

afterEach(async () => {
  seconds = 0
  for (const server of running.splice(0)) await server[Symbol.asyncDispose]()
})

async function givenIssuer(more: Parameters<typeof startIssuer>[0] = {}): Promise<TestIssuer> {
  const issuer = await startIssuer(more)
  running.push(issuer)
  return issuer
}

async function givenServer(respond: (request: Arrived) => Answer): Promise<TestServer> {
  const server = await startServer(respond)
  running.push(server)
  return server
}

function tokensOf(issuer: { address: string }, more: Partial<MachineTokensOptions> = {}): MachineTokens {
  return createMachineTokens({
    issuer: issuer.address,
    clientId: 'back end',
    clientSecret: secret,
    platform: { monotonicMilliseconds: () => seconds * 1000, random: () => 0.5 },
    ...more,
  })
}

const times = <Value>(count: number, act: () => Promise<Value>): Promise<Value[]> =>
  Promise.all(Array.from({ length: count }, act))

/** An API that accepts the tokens which `accepts` accepts. */
function givenApi(accepts: (token: string) => boolean): Promise<TestServer> {
  return givenServer(({ headers, body }) => {
    const token = headers.authorization?.replace('Bearer ', '') ?? ''
    return accepts(token) ? { status: 200, body: { token, body } } : { status: 401 }
  })
}

describe('one token', () => {
  test('1,000 calls at once ask for one token', async () => {
    const issuer = await givenIssuer()
    const tokens = tokensOf(issuer)
    expect(new Set(await times(1_000, () => tokens.getToken()))).toEqual(new Set(['token-1']))
    expect(issuer.tokenRequests()).toBe(1)
  })

  test('CVE-2025-26620: each scope and resource has its own, also at once', async () => {
    const issuer = await givenIssuer()
    const tokens = tokensOf(issuer, { scope: 'read', resource: 'https://api.example' })
    const write = { scope: 'write' }
    const got = await Promise.all([
      tokens.getToken(),
      tokens.getToken(write),
      tokens.getToken(),
      tokens.getToken(write),
    ])
    expect(new Set(got).size).toBe(2)
    expect(issuer.arrived.map(({ body }) => body).sort()).toEqual([
      'grant_type=client_credentials&scope=read&resource=https%3A%2F%2Fapi.example',
      'grant_type=client_credentials&scope=write',
    ])
  })

  test('client id and secret are form-encoded before they become Basic (RFC 6749 §2.3.1)', async () => {
    const issuer = await givenIssuer()
    await tokensOf(issuer, { clientId: 'a b:c', clientSecret: "p%+ü'~" }).getToken()
    const [scheme, credentials = ''] = issuer.arrived[0]?.headers.authorization?.split(' ') ?? []
    expect(scheme).toBe('Basic')
    expect(Buffer.from(credentials, 'base64').toString()).toBe('a+b%3Ac:p%25%2B%C3%BC%27%7E')
  })
})

describe('the life of a token', () => {
  test('until 80 % of it nothing is asked, then a new one comes in the background', async () => {
    const issuer = await givenIssuer({ expiresIn: 100 })
    const tokens = tokensOf(issuer)
    await tokens.getToken()
    seconds = 79
    expect(await tokens.getToken()).toBe('token-1')
    expect(issuer.tokenRequests()).toBe(1)
    seconds = 80
    expect(await times(50, () => tokens.getToken())).toEqual(Array(50).fill('token-1'))
    await expect.poll(() => tokens.getToken()).toBe('token-2')
    expect(issuer.tokenRequests()).toBe(2)
  })

  test('when it is over, calls wait for the new one, and ask once', async () => {
    const issuer = await givenIssuer({ expiresIn: 100 })
    const tokens = tokensOf(issuer)
    await tokens.getToken()
    seconds = 100
    expect(new Set(await times(100, () => tokens.getToken()))).toEqual(new Set(['token-2']))
    expect(issuer.tokenRequests()).toBe(2)
  })

  test('is counted from the sending, however long the answer takes', async () => {
    const issuer = await givenIssuer({ expiresIn: 100, beforeAnswer: () => (seconds += 96) })
    const tokens = tokensOf(issuer)
    expect(await tokens.getToken()).toBe('token-1')
    expect(await tokens.getToken()).toBe('token-2')
  })

  test('a renewal that fails concerns nobody while the token lives', async () => {
    const issuer = await givenIssuer({ expiresIn: 100 })
    let failures = 0
    // Asked for the length of the pause after each failure: by then it is known to the tokens, not to the issuer alone.
    const random = (): number => {
      failures += 1
      return 0.5
    }
    const tokens = tokensOf(issuer, { platform: { monotonicMilliseconds: () => seconds * 1000, random } })
    await tokens.getToken()
    issuer.refuseWith = { status: 500 }
    seconds = 85
    expect(await tokens.getToken()).toBe('token-1')
    await expect.poll(() => failures).toBe(1)
    expect(issuer.tokenRequests()).toBe(2)
    expect(await tokens.getToken()).toBe('token-1')
    issuer.refuseWith = undefined
    seconds = 96
    expect(await tokens.getToken()).toBe('token-3')
  })
})

describe('when an API refuses the token', () => {
  test('a burst of refusals fetches one more token, and every call gets through', async () => {
    const issuer = await givenIssuer()
    const api = await givenApi(token => token !== 'token-1')
    const tokens = tokensOf(issuer)
    const answers = await times(100, () => tokens.fetch(api.address))
    expect(answers.map(({ status }) => status)).toEqual(Array(100).fill(200))
    expect(issuer.tokenRequests()).toBe(2)
  })

  test('an API that always refuses is asked twice, and its 401 is the answer; the next call asks for no token', async () => {
    const issuer = await givenIssuer()
    const api = await givenApi(() => false)
    const tokens = tokensOf(issuer)
    expect((await tokens.fetch(api.address)).status).toBe(401)
    expect([api.arrived.length, issuer.tokenRequests()]).toEqual([2, 2])
    expect((await tokens.fetch(api.address)).status).toBe(401)
    expect([api.arrived.length, issuer.tokenRequests()]).toEqual([3, 2])
  })

  test('while the issuer is away the 401 is the answer, and the token stays for other APIs', async () => {
    const issuer = await givenIssuer()
    const api = await givenApi(() => false)
    const tokens = tokensOf(issuer)
    await tokens.getToken()
    issuer.refuseWith = { status: 503 }
    expect((await tokens.fetch(api.address)).status).toBe(401)
    expect(await tokens.getToken()).toBe('token-1')
  })

  test('a body is sent again, but not one that was used up', async () => {
    const issuer = await givenIssuer()
    const api = await givenApi(token => token === 'token-2')
    const tokens = tokensOf(issuer)
    const stream = new Blob(['hello']).stream()
    const streamed = await tokens.fetch(api.address, { method: 'POST', body: stream, duplex: 'half' })
    expect(streamed.status).toBe(401)
    const answer = await tokens.fetch(api.address, { method: 'POST', body: 'hello', headers: { 'X-Mine': 'yes' } })
    expect(await answer.json()).toEqual({ token: 'token-2', body: 'hello' })
    expect(api.arrived.at(-1)?.headers['x-mine']).toBe('yes')
  })
})

describe('when there is no token to be had', () => {
  test('50 calls that fail are one request, and 50 more at once are none', async () => {
    const issuer = await givenIssuer()
    issuer.refuseWith = { status: 500 }
    const tokens = tokensOf(issuer)
    const failing = (): Promise<unknown> => tokens.getToken().catch((error: unknown) => error)
    for (const failure of await times(50, failing)) expect(failure).toBeInstanceOf(CallFailure)
    await times(50, failing)
    expect(issuer.tokenRequests()).toBe(1)
  })

  test('pauses grow: an hour of calls every second is some 160 requests, and then it works again', async () => {
    const issuer = await givenIssuer()
    issuer.refuseWith = { status: 502 }
    const tokens = tokensOf(issuer)
    for (; seconds < 3_600; seconds += 1) await tokens.getToken().catch(() => undefined)
    expect(issuer.tokenRequests()).toBeGreaterThan(100)
    expect(issuer.tokenRequests()).toBeLessThan(200)
    issuer.refuseWith = undefined
    seconds += 30
    expect(await tokens.getToken()).toMatch(/^token-/)
  })

  test('Retry-After is honoured', async () => {
    const issuer = await givenIssuer()
    issuer.refuseWith = { status: 429, headers: { 'Retry-After': '120' }, body: { error: 'slow' } }
    const tokens = tokensOf(issuer)
    await expect(tokens.getToken()).rejects.toMatchObject({ status: 429, retryAfterSeconds: 120 })
    issuer.refuseWith = undefined
    seconds = 119
    await expect(tokens.getToken()).rejects.toThrow(CallFailure)
    expect(issuer.tokenRequests()).toBe(1)
    seconds = 122
    expect(await tokens.getToken()).toBe('token-2')
  })

  test('a refusal says its reason', async () => {
    const issuer = await givenIssuer()
    const body = { error: 'invalid_client', error_description: 'No.', reason: 'client_authentication_failed' }
    issuer.refuseWith = { status: 401, body }
    const failure = await tokensOf(issuer)
      .getToken()
      .catch((error: unknown) => error)
    expect(failure).toMatchObject({ refusal: { refused: true, reason: 'client_authentication_failed', detail: 'No.' } })
    expect(inspect(failure)).not.toContain(secret)
  })

  test('an issuer that is not there is a failure that names what happened and nothing secret', async () => {
    const gone = await startServer(() => ({ status: 200 }))
    await gone[Symbol.asyncDispose]()
    const failure = await tokensOf(gone)
      .getToken()
      .catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(CallFailure)
    expect((failure as CallFailure).message).toMatch(
      /^token request of back end to http:\/\/\S+\/token: no answer \(ECONNREFUSED\)$/,
    )
    const credentials = basicAuthorization('back end', secret).slice('Basic '.length)
    expect(inspect(failure, { depth: 9, showHidden: true })).not.toContain(credentials)
  })

  test.each([
    ['no JSON', '<html>'],
    ['no token', {}],
    [
      'a token that is no header value, which it does not quote',
      { access_token: 'se\ncret', token_type: 'Bearer', expires_in: 9 },
    ],
    ['a token bound to a key', { access_token: 'secret', token_type: 'DPoP', expires_in: 9 }],
    ['a life that is none', { access_token: 'secret', token_type: 'Bearer', expires_in: -1 }],
  ])('an answer with %s is a failure', async (_what, body) => {
    const issuer = await givenIssuer()
    issuer.refuseWith = { status: 200, body }
    const failure = await tokensOf(issuer)
      .getToken()
      .catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(CallFailure)
    expect(inspect(failure)).not.toMatch(/se\s*cret/)
  })

  test('a redirect of the token endpoint is not followed: the secret goes to the issuer only', async () => {
    const elsewhere = await givenServer(() => ({ status: 200 }))
    const issuer = await givenIssuer()
    issuer.refuseWith = { status: 307, headers: { Location: elsewhere.address } }
    await expect(tokensOf(issuer).getToken()).rejects.toThrow(CallFailure)
    expect(elsewhere.arrived).toEqual([])
  })

  test('plain HTTP off loopback is refused from the start', () => {
    expect(() => tokensOf({ address: 'http://id.example' })).toThrow('https is required')
    expect(() => tokensOf({ address: 'http://127.0.0.1.example' })).toThrow('https is required')
    expect(() => tokensOf({ address: 'id.example' })).toThrow('issuer must be an http or https URL')
    expect(() => tokensOf({ address: '' })).toThrow('issuer is empty (is ISSUER set?)')
    expect(() => tokensOf({ address: 'https://id.example' }, { clientSecret: '' })).toThrow(
      'clientSecret is empty (is CLIENT_SECRET set?)',
    )
    expect(() => tokensOf({ address: 'http://id.internal' }, { allowPlainHttp: true })).not.toThrow()
  })
})
