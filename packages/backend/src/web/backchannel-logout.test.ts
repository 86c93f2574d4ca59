import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { createTokenHandler, type TokenHandler } from './token-handler.ts'

const issuer = 'https://login.example'
const clientId = 'shop'
const event = 'http://schemas.openid.net/event/backchannel-logout'

interface TestKey {
  readonly kid: string
  readonly key: KeyObject
  readonly jwk: object
}

function makeKey(kid: string): TestKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { kid, key: privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' } }
}

const [first, second] = [makeKey('first'), makeKey('second')]
let published: TestKey[]
let fetches: number
let now: number
/** What a request for the keys waits for. */
let held: Promise<unknown>
let isAway: boolean
let handler: TokenHandler

beforeEach(() => {
  published = [first]
  fetches = 0
  now = Date.UTC(2026, 10, 2, 9)
  held = Promise.resolve()
  isAway = false
  handler = createTokenHandler({
    issuer,
    clientId,
    clientSecret: 'a secret of the app, of 32 letters and more',
    appUrl: 'https://shop.example',
    secrets: ['another secret of the app, of 32 letters and more'],
    onFailure: () => {},
    platform: {
      now: () => now,
      async fetch() {
        fetches++
        const keys = published.map(({ jwk }) => jwk)
        await held
        if (isAway) throw new TypeError('away')
        return Response.json({ keys })
      },
    },
  })
})

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const claims = (more: object = {}): object => ({
  iss: issuer,
  aud: clientId,
  iat: now / 1000,
  exp: now / 1000 + 120,
  jti: 'j1',
  events: { [event]: {} },
  sid: 's1',
  ...more,
})

function logoutToken(more: { claims?: object; header?: object; by?: TestKey } = {}): string {
  const { by = first } = more
  const text = `${part({ alg: 'ES256', typ: 'logout+jwt', kid: by.kid, ...more.header })}.${part(more.claims ?? claims())}`
  const signature = sign('sha256', Buffer.from(text), { key: by.key, dsaEncoding: 'ieee-p1363' })
  return `${text}.${signature.toString('base64url')}`
}

async function post(body: string | ReadableStream, headers: Record<string, string> = {}): Promise<number> {
  const request = new Request('https://shop.example/auth/backchannel-logout', {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    duplex: 'half',
  } as RequestInit)
  return (await handler.handle(request))?.status ?? 0
}
const tell = (token: string): Promise<number> => post(new URLSearchParams({ logout_token: token }).toString())

describe('the keys of the issuer', () => {
  test('are waited for by everybody who comes while they are fetched: of many logouts at once none is refused', async () => {
    let letGo = (): void => {}
    held = new Promise<void>(resolve => {
      letGo = resolve
    })
    const told = Array.from({ length: 5 }, () => tell(logoutToken()))
    letGo()
    expect(await Promise.all(told)).toEqual([200, 200, 200, 200, 200])
    expect(fetches).toBe(1)
  })

  test('are fetched once for a flood of ids out of the air, also while the issuer is away', async () => {
    expect(await tell(logoutToken())).toBe(200)
    const flood = () => Promise.all(Array.from({ length: 50 }, (_, n) => tell(logoutToken({ by: makeKey(`no ${n}`) }))))
    expect(new Set(await flood())).toEqual(new Set([400]))
    now += 30_000
    expect(new Set(await flood())).toEqual(new Set([400]))
    expect(fetches).toBe(2)
    now += 30_000
    isAway = true
    expect(new Set(await flood())).toEqual(new Set([503]))
    expect(fetches).toBe(3)
  })

  test('are looked at again for one that is not known, after a pause: then it is good', async () => {
    expect(await tell(logoutToken())).toBe(200)
    published = [first, second]
    now += 1_000
    expect(await tell(logoutToken({ by: second }))).toBe(400)
    now += 30_000
    expect(await tell(logoutToken({ by: second }))).toBe(200)
  })

  test('CVE-2025-31123: one that the issuer has retired is good for minutes at most, whether another was needed or not', async () => {
    published = [first, second]
    expect(await tell(logoutToken())).toBe(200)
    published = [second]
    now += 5 * 60_000
    expect(await tell(logoutToken())).toBe(400)
    expect(await tell(logoutToken({ by: second }))).toBe(200)
  })

  test('serve on while the issuer is away', async () => {
    expect(await tell(logoutToken())).toBe(200)
    isAway = true
    now += 10 * 60_000
    expect(await tell(logoutToken())).toBe(200)
  })
})

describe('a logout token is refused', () => {
  const macOf = (secret: string): string => {
    const text = `${part({ alg: 'HS256', typ: 'logout+jwt', kid: first.kid })}.${part(claims())}`
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
  }

  test.each<[string, () => string]>([
    ['without signature', () => `${part({ alg: 'none', typ: 'logout+jwt', kid: 'first' })}.${part(claims())}.`],
    ['of alg none beside a kid', () => logoutToken({ header: { alg: 'none' } })],
    ['CVE-2023-48223: by HS256 under the published key', () => macOf(JSON.stringify(first.jwk))],
    ['by another key under the id of ours', () => logoutToken({ by: { ...second, kid: 'first' } })],
    ['with a key of its own', () => logoutToken({ by: second, header: { kid: 'first', jwk: second.jwk } })],
    ['that says something critical', () => logoutToken({ header: { crit: ['b64'], b64: false } })],
    ['of another kind: an access token', () => logoutToken({ header: { typ: 'at+jwt' } })],
    ['of another kind: an ID token', () => logoutToken({ header: { typ: 'JWT' } })],
    ['of another issuer', () => logoutToken({ claims: claims({ iss: 'https://login.example.evil.example' }) })],
    ['of several issuers', () => logoutToken({ claims: claims({ iss: [issuer] }) })],
    ['for another application', () => logoutToken({ claims: claims({ aud: 'other' }) })],
    ['that is old', () => logoutToken({ claims: claims({ iat: now / 1000 - 601 }) })],
    ['of tomorrow', () => logoutToken({ claims: claims({ iat: now / 1000 + 61 }) })],
    ['that has expired', () => logoutToken({ claims: claims({ exp: now / 1000 - 60 }) })],
    ['without time', () => logoutToken({ claims: claims({ iat: undefined }) })],
    ['with nonce', () => logoutToken({ claims: claims({ nonce: 'n' }) })],
    ['without events', () => logoutToken({ claims: claims({ events: undefined }) })],
    ['with another event', () => logoutToken({ claims: claims({ events: { other: {} } }) })],
    ['with events that are text', () => logoutToken({ claims: claims({ events: event }) })],
    ['whose event is none', () => logoutToken({ claims: claims({ events: { [event]: 'yes' } }) })],
    ['without jti', () => logoutToken({ claims: claims({ jti: undefined }) })],
    ['that names no session', () => logoutToken({ claims: claims({ sid: undefined, sub: 'maria' }) })],
    ['that is longer than any', () => logoutToken({ claims: claims({ more: 'x'.repeat(8_192) }) })],
  ])('%s', async (_name, make) => {
    expect(await tell(make())).toBe(400)
  })

  test('CWE-400: in a body without end, which is not read to its end', async () => {
    let sent = 0
    const body = () => {
      sent = 0
      return new ReadableStream({
        pull(controller) {
          sent += 1_024
          if (sent > 1_048_576) controller.close()
          else controller.enqueue(new Uint8Array(1_024).fill(0x61))
        },
      })
    }
    expect(await post(body())).toBe(413)
    expect(sent).toBeLessThan(65_536)
    expect(await post(body(), { 'content-length': '10' })).toBe(413)
    expect(sent).toBeLessThan(65_536)
    expect(await post(body(), { 'content-type': 'application/json' })).toBe(400)
    const signOut = new Request('https://shop.example/auth/logout', {
      method: 'POST',
      body: body(),
      headers: { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' },
      duplex: 'half',
    } as RequestInit)
    expect((await handler.handle(signOut))?.status).toBe(413)
    expect(sent).toBeLessThan(65_536)
  })
})
