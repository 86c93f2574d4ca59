import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { cors } from 'hono/cors'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createVerifier } from '../create-verifier.ts'
import { authOf, resourceMetadata as metadataExpress, type Protected, protect as protectExpress } from '../express.ts'
import { claimsOf, resourceMetadata as metadataFastify, protect as protectFastify } from '../fastify.ts'
import { protect as protectFetch } from '../fetch.ts'
import { type AuthVariables, resourceMetadata as metadataHono, protect as protectHono } from '../hono.ts'
import { protect as protectNode } from '../node.ts'
import { call } from '../testing/call.ts'
import { makeProof, thumbprint } from '../testing/dpop.ts'
import { holdTime } from '../testing/held-time.ts'
import { startIssuer, type TestIssuer } from '../testing/issuer.ts'
import { makeSigner } from '../testing/signer.ts'
import type { Verifier } from '../verifier.ts'
import type { ProtectOptions } from './guard.ts'

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

function tokenFor(more: Record<string, unknown> = {}): string {
  const now = time.nowSeconds()
  return issuer.signer.sign({ iss: issuer.url, sub: 'user-1', aud: 'api', iat: now, exp: now + 900, jti: 'a', ...more })
}

function bearer(token: string): { headers: Record<string, string> } {
  return { headers: { authorization: `Bearer ${token}` } }
}

/** A running server, protected by the given options, that answers with the subject it was told. */
interface Running {
  readonly url: string
  close(): Promise<void>
}

const servers: Record<string, (options: ProtectOptions) => Promise<Running>> = {
  async express(options) {
    const app = express()
    app.use('/api', protectExpress(verifier, options))
    if (options.resource !== undefined) app.use(metadataExpress(verifier, options.resource))
    app.all('/api/me', (request, response) => {
      const { auth } = request as typeof request & Protected<{ optional: true }>
      expect(auth).toBe(authOf(request))
      response.json({ sub: auth?.claims.sub ?? null })
    })
    return listen(createServer(app))
  },
  async fastify(options) {
    const app = fastify()
    app.addHook('onRequest', protectFastify(verifier, options))
    app.all('/api/me', async request => ({ sub: authOf(request) === undefined ? null : claimsOf(request).sub }))
    const url = await app.listen({ port: 0, host: '127.0.0.1' })
    return { url, close: () => app.close() }
  },
  async hono(options) {
    const app = new Hono<{ Variables: AuthVariables<{ optional: true }> }>()
    app.use('*', cors({ origin: 'https://app.example', exposeHeaders: ['X-Total'] }))
    app.use('*', protectHono(verifier, options))
    app.all('/api/me', context => context.json({ sub: context.get('auth')?.claims.sub ?? null }))
    return new Promise(resolve => {
      const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) =>
        resolve({
          url: `http://127.0.0.1:${port}`,
          close: () => new Promise(done => void server.close(() => done())),
        }),
      )
    })
  },
  async node(options) {
    const optional = options as ProtectOptions & { optional: true }
    const listener = protectNode(verifier, optional, (_request, response: import('node:http').ServerResponse, auth) => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ sub: auth?.claims.sub ?? null }))
    })
    return listen(createServer(listener))
  },
  async fetch(options) {
    const optional = options as ProtectOptions & { optional: true }
    const handler = protectFetch(verifier, optional, (_request, auth) =>
      Response.json({ sub: auth?.claims.sub ?? null }),
    )
    return new Promise(resolve => {
      const server = serve({ fetch: request => handler(request), port: 0, hostname: '127.0.0.1' }, ({ port }) =>
        resolve({
          url: `http://127.0.0.1:${port}`,
          close: () => new Promise(done => void server.close(() => done())),
        }),
      )
    })
  },
}

async function listen(server: ReturnType<typeof createServer>): Promise<Running> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise(done => void server.close(() => done())),
  }
}

describe.each(Object.keys(servers))('behind %s', name => {
  const running: Running[] = []
  async function start(options: ProtectOptions = {}): Promise<string> {
    const server = await (servers[name] as (typeof servers)[string])(options)
    running.push(server)
    return `${server.url}/api/me`
  }
  afterAll(() => Promise.all(running.map(server => server.close())))

  test('a good token reaches the handler with its claims (RFC 6750 §2.1), and the answer is marked as private', async () => {
    const url = await start({ scope: 'read' })
    const answer = await call(url, bearer(tokenFor({ scope: 'read' })))
    expect([answer.status, answer.json()]).toEqual([200, { sub: 'user-1' }])
    expect(answer.headers['cache-control']).toBe('private, no-store')
    expect(answer.headers.vary).toContain('Authorization')
  })

  test('without a token the challenge names no error, only the reason (RFC 6750 §3.1), and pages may read it', async () => {
    const answer = await call(await start())
    expect(answer.status).toBe(401)
    expect(answer.headers['www-authenticate']).toBe('Bearer reason="token_missing"')
    expect(answer.headers['countersign-reason']).toBe('token_missing')
    expect(answer.headers['access-control-expose-headers']).toMatch(
      /Countersign-Reason, WWW-Authenticate, Retry-After$/,
    )
    expect(answer.headers['cache-control']).toBe('private, no-store')
    expect(answer.headers['content-type']).toContain('application/json')
    expect(answer.json()).toMatchObject({ error: 'invalid_token', reason: 'token_missing' })
  })

  test('a refused token is told why, by the standard challenge and by one stable word', async () => {
    const answer = await call(await start(), bearer(tokenFor({ exp: time.nowSeconds() - 1 })))
    expect(answer.status).toBe(401)
    expect(answer.headers['www-authenticate']).toBe(
      'Bearer error="invalid_token", error_description="The token has expired.", reason="token_expired"',
    )
    expect(answer.json()).toEqual({
      error: 'invalid_token',
      error_description: 'The token has expired.',
      reason: 'token_expired',
    })
  })

  test('a token that lacks a scope is told which ones the endpoint needs', async () => {
    const answer = await call(await start({ scope: ['read', 'write'] }), bearer(tokenFor({ scope: 'read' })))
    expect([answer.status, answer.headers['countersign-reason']]).toEqual([403, 'scope_insufficient'])
    expect(answer.headers['www-authenticate']).toContain('error="insufficient_scope"')
    expect(answer.headers['www-authenticate']).toContain('scope="read write"')
  })

  test('a login that is too old or too weak is asked for again (RFC 9470 §3)', async () => {
    const url = await start({ maxAuthenticationAgeSeconds: 60, acr: ['gold'] })
    const answer = await call(url, bearer(tokenFor({ auth_time: time.nowSeconds() - 61, acr: 'gold' })))
    expect([answer.status, answer.headers['countersign-reason']]).toEqual([401, 'authentication_insufficient'])
    expect(answer.headers['www-authenticate']).toContain('error="insufficient_user_authentication"')
    expect(answer.headers['www-authenticate']).toContain('acr_values="gold", max_age="60"')
  })

  test('the API describes itself to clients that know its address alone (RFC 9728 §3, §5.1), in challenges and at its well-known path', async () => {
    const url = await start({
      scope: 'read',
      resource: { resource: 'https://api.example/mcp', name: 'Notes', scopes: ['read', 'write'] },
    })
    const metadata = 'resource_metadata="https://api.example/.well-known/oauth-protected-resource/mcp"'
    const bare = await call(url)
    expect(bare.status).toBe(401)
    expect(bare.headers['www-authenticate']).toBe(`Bearer reason="token_missing", scope="read", ${metadata}`)
    for (const token of [tokenFor({ scope: 'write' }), tokenFor({ exp: 1 })]) {
      expect((await call(url, bearer(token))).headers['www-authenticate']).toContain(metadata)
    }
    expect((await call(url, bearer(tokenFor({ scope: 'read' })))).status).toBe(200)
    const described = await call(`${new URL(url).origin}/.well-known/oauth-protected-resource/mcp`)
    expect([described.status, described.headers['content-type']?.split(';')[0]]).toEqual([200, 'application/json'])
    expect(described.headers['access-control-allow-origin']).toBeDefined()
    expect(described.json()).toEqual({
      resource: 'https://api.example/mcp',
      authorization_servers: [issuer.url],
      scopes_supported: ['read', 'write'],
      bearer_methods_supported: ['header'],
      dpop_signing_alg_values_supported: expect.arrayContaining(['ES256']),
      dpop_bound_access_tokens_required: false,
      resource_name: 'Notes',
    })
    const other = await call(`${new URL(url).origin}/.well-known/oauth-protected-resource`)
    expect(other.status).toBeGreaterThanOrEqual(400)
  })

  test('what cannot be judged now is 503 with Retry-After and no challenge', async () => {
    const answer = await call(await start({ introspect: true }), bearer(tokenFor()))
    expect([answer.status, answer.headers['countersign-reason']]).toEqual([503, 'revocations_stale'])
    expect(answer.headers['retry-after']).toMatch(/^\d+$/)
    expect(answer.headers['www-authenticate']).toBeUndefined()
  })

  test('GHSA-xmf8-cvqr-rfgj: a malformed Authorization header is refused, and the server lives on', async () => {
    const url = await start()
    const token = tokenFor()
    for (const value of [
      '',
      ' ',
      'Bearer',
      'Bearer ',
      `Bearer ${token} ${token}`,
      'Bearer =',
      'Bearer \u00ff',
      'bEaReR ..',
    ]) {
      const answer = await call(url, { headers: { authorization: value } })
      expect([value, answer.status]).toEqual([value, 401])
    }
    for (const value of [token, 'Basic YTpi', `Bearer${token}`, 'Negotiate']) {
      const answer = await call(url, { headers: { authorization: value } })
      expect([value === token, answer.headers['countersign-reason']]).toEqual([value === token, 'token_missing'])
    }
    expect((await call(url, { headers: { authorization: `bearer   ${token}` } })).status).toBe(200)
  })

  test('two tokens in one request are refused, whichever of them is good (RFC 6750 §2)', async () => {
    const url = await start({ cookie: { name: 'token' } })
    const [one, other] = [tokenFor(), tokenFor({ sub: 'user-2' })]
    const twice = [
      { headers: { authorization: [`Bearer ${one}`, `Bearer ${other}`] } },
      { headers: { authorization: [`Bearer ${one}`, `Bearer ${one}`] } },
      { headers: { authorization: `Bearer ${one}, Bearer ${other}` } },
      { headers: { authorization: `Bearer ${one}`, cookie: `token=${other}` } },
      { headers: { cookie: `token=${one}; token=${other}` } },
    ]
    for (const request of twice) {
      const answer = await call(url, request)
      expect([answer.status, answer.headers['countersign-reason']]).toEqual([400, 'token_ambiguous'])
    }
    expect((await call(`${url}?access_token=${other}`, bearer(one))).headers['countersign-reason']).toBe(
      'token_ambiguous',
    )
    expect((await call(url, { headers: { authorization: `Bearer ${one}`, cookie: `token=${one}` } })).status).toBe(200)
  })

  test('a token in the URL is not taken', async () => {
    const answer = await call(`${await start()}?access_token=${tokenFor()}`)
    expect([answer.status, answer.headers['countersign-reason']]).toEqual([401, 'token_missing'])
  })

  test('an optional route passes without a token, and refuses a bad one all the same', async () => {
    const url = await start({ optional: true })
    const anonymous = await call(url)
    expect([anonymous.status, anonymous.json()]).toEqual([200, { sub: null }])
    expect(anonymous.headers.vary).toContain('Authorization')
    expect(anonymous.headers['cache-control']).toBeUndefined()
    expect((await call(url, bearer(tokenFor()))).json()).toEqual({ sub: 'user-1' })
    expect((await call(url, bearer(tokenFor({ aud: 'other' })))).headers['countersign-reason']).toBe(
      'audience_mismatch',
    )
    expect((await call(url, bearer('rubbish'))).status).toBe(401)
  })

  test('CVE-2025-54576, CVE-2026-41059, CVE-2026-33494, CVE-2026-74909: a public path needs no token, and nothing that only looks like it is public', async () => {
    const url = await start({ public: ['/api/me', '/api/open/*'] })
    expect((await call(url)).json()).toEqual({ sub: null })
    expect((await call(`${url}?page=2`)).status).toBe(200)
    for (const path of [
      '/api/me/',
      '/api/mee',
      '/api/ME',
      '/api//me',
      '/api/open',
      '/api/open/../me2',
      '/api/open/%2e%2e/me2',
      '/api/open/%2E%2E/me2',
      '/api/open/.%2e/me2',
      '/api/open/..%2fme2',
      '/api/open//x',
      '/api/open/..;/me2',
      '/api/open/..;x=1/me2',
      '/api/open/..%3b/me2',
      '/api/open/..%3B/me2',
      '/api/open/.;/x',
      '/api/me2?/api/open/x',
      '/api/me2#/api/open/x',
      '/api/me2?x=/api/me',
    ]) {
      expect([path, (await call(new URL(url).origin + path)).status]).toEqual([path, 401])
    }
  })

  test('a browser that navigates is sent to sign in and back to a path of this origin only', async () => {
    const url = await start({ signIn: to => `https://id.example/sign-in?to=${encodeURIComponent(to)}` })
    const html = { headers: { accept: 'text/html,*/*', 'sec-fetch-mode': 'navigate' } }
    const answer = await call(`${url}?page=2`, html)
    expect([answer.status, answer.headers.location]).toEqual([
      303,
      'https://id.example/sign-in?to=%2Fapi%2Fme%3Fpage%3D2',
    ])
    expect(answer.headers['cache-control']).toBe('private, no-store')
    expect((await call(url, { headers: { accept: 'application/json' } })).status).toBe(401)
    expect((await call(url, { headers: { accept: 'text/html', 'sec-fetch-mode': 'cors' } })).status).toBe(401)
    expect((await call(url, { ...html, method: 'POST' })).status).toBe(401)
  })

  test('CVE-2026-25748: a broken cookie lets nobody through, on an optional route neither', async () => {
    const cookie = { name: '__Host-token', origins: [] }
    const [strict, optional] = [await start({ cookie }), await start({ cookie, optional: true })]
    const good = tokenFor()
    for (const value of ['x', 'a.b.c', `"${good}"`, `${good.slice(0, -3)}AAA`, `${good} x`, '%00', '=', `${good}=x`]) {
      const headers = { cookie: `__Host-token=${value}` }
      expect([value, (await call(strict, { headers })).status]).toEqual([value, 401])
      expect([value, (await call(optional, { headers })).status]).toEqual([value, 401])
    }
    for (const broken of ['__Host-token', '__Host-token=', ';;;', `=${good}`, `x__Host-token=${good}`]) {
      const headers = { cookie: broken }
      expect([broken, (await call(strict, { headers })).status]).toEqual([broken, 401])
      expect([broken, (await call(optional, { headers })).json()]).toEqual([broken, { sub: null }])
    }
  })

  test('a token from a cookie passes unsafe methods from this origin only', async () => {
    const url = await start({ cookie: { name: '__Host-token', origins: ['https://app.example'] } })
    const cookie = `theme=dark; __Host-token=${tokenFor()}`
    const { origin } = new URL(url)
    const good: Record<string, string>[] = [
      { 'sec-fetch-site': 'same-origin' },
      { 'sec-fetch-site': 'none' },
      { origin },
      { origin: 'https://app.example', 'sec-fetch-site': 'same-site' },
    ]
    for (const headers of good)
      expect((await call(url, { method: 'POST', headers: { cookie, ...headers } })).status).toBe(200)
    const forged: Record<string, string>[] = [
      {},
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'cross-site', origin },
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: `${origin}.evil.example` },
    ]
    for (const headers of forged) {
      const answer = await call(url, { method: 'POST', headers: { cookie, ...headers } })
      expect([headers, answer.status, answer.headers['countersign-reason']]).toEqual([headers, 403, 'csrf_refused'])
    }
    const read = await call(url, { headers: { cookie, 'sec-fetch-site': 'cross-site' } })
    expect([read.status, read.headers.vary]).toEqual([200, expect.stringContaining('Cookie')])
  })

  test('a bound token passes with its proof for the address that the outside calls', async () => {
    const url = await start({ baseUrl: 'https://api.example' })
    const key = makeSigner('ES256')
    const token = tokenFor({ cnf: { jkt: thumbprint(key) } })
    const request = { method: 'GET', url: 'https://api.example/api/me', token, nowSeconds: time.nowSeconds() }
    const proof = makeProof(key, request)
    const headers = { authorization: `DPoP ${token}`, dpop: proof }
    expect((await call(`${url}?page=2`, { headers })).json()).toEqual({ sub: 'user-1' })

    const replayed = await call(url, { headers })
    expect([replayed.status, replayed.headers['countersign-reason']]).toEqual([401, 'proof_replayed'])
    expect(replayed.headers['www-authenticate']).toMatch(/^DPoP error="invalid_dpop_proof".* algs="ES256/)
    expect(replayed.json().server_time).toEqual(expect.any(Number))
    expect((await call(url, bearer(token))).headers['countersign-reason']).toBe('token_bound')
    const two = { authorization: `DPoP ${token}`, dpop: [makeProof(key, request), makeProof(key, request)] }
    expect((await call(url, { headers: two })).status).toBe(401)
  })

  test('GHSA-3529-5m8x-rpv3, CVE-2026-40575, CVE-2025-64484: forwarded headers count only where they are trusted', async () => {
    const key = makeSigner('ES256')
    const token = tokenFor({ cnf: { jkt: thumbprint(key) } })
    const proofFor = (url: string) => makeProof(key, { method: 'GET', url, token, nowSeconds: time.nowSeconds() })
    const forwarded = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'other.example' }
    const headersFor = (url: string) => ({ authorization: `DPoP ${token}`, dpop: proofFor(url), ...forwarded })

    const untrusting = await start()
    expect(
      (await call(untrusting, { headers: headersFor('https://other.example/api/me') })).headers['countersign-reason'],
    ).toBe('token_bound')
    expect((await call(untrusting, { headers: headersFor(untrusting) })).headers['countersign-reason']).toBe(
      'token_bound',
    )

    expect((await call(untrusting, { headers: headersFor(untrusting) })).text).toContain('set baseUrl or trustProxy')

    const fixed = await start({ baseUrl: 'https://api.example' })
    expect(
      (await call(fixed, { headers: headersFor('https://other.example/api/me') })).headers['countersign-reason'],
    ).toBe('proof_invalid')

    const trusting = await start({ trustProxy: true })
    expect((await call(trusting, { headers: headersFor('https://other.example/api/me') })).status).toBe(200)
    const underscored = { ...headersFor('https://third.example/api/me'), X_Forwarded_Host: 'third.example' }
    expect((await call(trusting, { headers: underscored })).headers['countersign-reason']).toBe('proof_invalid')
  })

  test('the first request waits for the keys, and without them it is 503', async () => {
    const before = verifier
    try {
      verifier = createVerifier({ issuer: issuer.url, audience: 'api', ...time.runtime })
      const late = await start({ scope: 'read' })
      expect((await call(late, bearer(tokenFor({ scope: 'read' })))).json()).toEqual({ sub: 'user-1' })
      expect((await call(late, bearer(tokenFor()))).headers['countersign-reason']).toBe('scope_insufficient')
      verifier.close()
      issuer.broken.set('/gone', response => response.writeHead(500).end())
      verifier = createVerifier({ issuer: issuer.url, audience: 'api', jwksUri: `${issuer.url}/gone`, ...time.runtime })
      const answer = await call(await start(), bearer(tokenFor()))
      expect([answer.status, answer.headers['countersign-reason']]).toEqual([503, 'keys_unavailable'])
      verifier.close()
    } finally {
      verifier = before
    }
  })

  test('a wrong option stops the server from starting', async () => {
    await expect(start({ scopes: 'read' } as ProtectOptions)).rejects.toThrow(TypeError)
    await expect(start({ maxAgeSeconds: 0 })).rejects.toThrow(TypeError)
    await expect(start({ whenStale: 'ignore' as 'accept' })).rejects.toThrow(TypeError)
  })

  test('a function in the options that throws lets nobody pass', async () => {
    const url = await start({
      onRefusal: () => {
        throw new Error('the log is full')
      },
    })
    expect((await call(url)).status).toBeGreaterThanOrEqual(500)
  })
})

test("Hono's CORS and ours both have their say", async () => {
  const server = await (servers.hono as NonNullable<typeof servers.hono>)({})
  for (const headers of [
    { origin: 'https://app.example' },
    { origin: 'https://app.example', ...bearer(tokenFor()).headers },
  ]) {
    const answer = await call(`${server.url}/api/me`, { headers })
    expect(answer.headers['access-control-allow-origin']).toBe('https://app.example')
    expect(answer.headers['access-control-expose-headers']).toContain('X-Total')
    expect(answer.headers.vary?.split(', ').sort()).toEqual(['Authorization', 'Origin'])
  }
  await server.close()
})

test('the handler is told by its type whether there is always a token', async () => {
  const strict = protectFetch(verifier, { scope: 'read' }, (_request, auth) => Response.json(auth.claims.sub))
  const lenient = protectFetch(verifier, { optional: true }, (_request, auth, greeting: string) =>
    Response.json(`${greeting} ${auth?.claims.sub ?? 'stranger'}`),
  )
  const request = new Request('https://api.example/', bearer(tokenFor({ scope: 'read' })))
  expect(await (await strict(request)).json()).toBe('user-1')
  expect(await (await lenient(new Request('https://api.example/'), 'hello')).json()).toBe('hello stranger')
})

test('where protect stands before single routes, the description is served by itself (RFC 9728)', async () => {
  const resource = { resource: 'https://api.example' }
  const path = '/.well-known/oauth-protected-resource'
  const app = fastify()
  app.addHook('onRequest', metadataFastify(verifier, resource))
  app.get('/me', { onRequest: protectFastify(verifier, { resource }) }, async () => ({ sub: 'x' }))
  const served = await app.inject({ url: path })
  expect([served.statusCode, served.json().resource]).toEqual([200, 'https://api.example'])
  const refused = await app.inject({ url: '/me' })
  expect(refused.headers['www-authenticate']).toContain(`resource_metadata="https://api.example${path}"`)
  await app.close()

  const hono = new Hono()
  hono.use('*', metadataHono(verifier, resource))
  hono.get('/me', protectHono(verifier, { resource }), context => context.json({}))
  const answer = await hono.request(path)
  expect([answer.status, ((await answer.json()) as { resource: string }).resource]).toEqual([
    200,
    'https://api.example',
  ])
  expect((await hono.request('/me')).headers.get('www-authenticate')).toContain('resource_metadata=')
  expect((await hono.request('/else')).status).toBe(404)
})
