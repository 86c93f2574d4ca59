import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { cors } from 'hono/cors'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createVerifier } from '../create-verifier.ts'
import { authOf, type Protected, protect as protectExpress } from '../express.ts'
import { claimsOf, protect as protectFastify } from '../fastify.ts'
import { protect as protectFetch } from '../fetch.ts'
import { type AuthVariables, protect as protectHono } from '../hono.ts'
import { protect as protectNode } from '../node.ts'
import { holdTime } from '../testing/held-time.ts'
import { startIssuer, type TestIssuer } from '../testing/issuer.ts'
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

/** A running server, protected by the given options, that answers with the subject it was told. */
interface Running {
  readonly url: string
  close(): Promise<void>
}

const servers: Record<string, (options: ProtectOptions) => Promise<Running>> = {
  async express(options) {
    const app = express()
    app.use('/api', protectExpress(verifier, options))
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

  test('a good token reaches the handler with its claims, and the answer is marked as private', async () => {
    const url = await start({ scope: 'read' })
    const response = await fetch(url, { headers: { authorization: `Bearer ${tokenFor({ scope: 'read' })}` } })
    expect([response.status, await response.json()]).toEqual([200, { sub: 'user-1' }])
    expect(response.headers.get('cache-control')).toBe('private, no-store')
    expect(response.headers.get('vary')).toContain('Authorization')
  })
})
