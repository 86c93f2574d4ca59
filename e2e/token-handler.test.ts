import { EventEmitter, on } from 'node:events'
import type { RequestListener } from 'node:http'
import { DatabaseSync } from 'node:sqlite'
import { createMemorySessions, createSqliteSessions, type TokenHandler } from '@countersign/backend/web'
import { mountFastify } from '@countersign/backend/web/fastify'
import { routes } from '@countersign/backend/web/next'
import { mount } from '@countersign/backend/web/node'
import express from 'express'
import fastify from 'fastify'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { signUp } from './testing/app-install.ts'
import { type CachingProxy, startCachingProxy } from './testing/caching-proxy.ts'
import { createHostedBrowser, type HostedBrowser, signInHosted } from './testing/hosted-browser.ts'
import { type Answer, bearer, call } from './testing/http-call.ts'
import { type Listening, listen } from './testing/listen.ts'
import { givenInstallation, type Installation, startServer } from './testing/server-process.ts'
import { tokenForm } from './testing/token-form.ts'
import {
  createVisitor,
  createWebSite,
  startWebApi,
  type Visitor,
  type WebSite,
  webClients,
} from './testing/web-site.ts'

/*
 * The token handler before a real API, with the real server. Two processes of the site stand side by side, at one address as behind a load
 * balancer: every other request goes to the second one.
 */

const hour = 3_600_000
let installed: Installation
let api: Listening
let door: Listening
let processes: readonly [WebSite, WebSite]
let turn = 0
let visitor: Visitor
/** Tells which process has been told of the end of a session. */
const atDoor = new EventEmitter<{ logout: [WebSite] }>()
/** One person's cookies at the server: they sign in once. */
let atServer: HostedBrowser

beforeAll(async () => {
  door = await listen((request, response) => {
    const process = processes[turn++ % 2] as WebSite
    if (request.url === '/auth/backchannel-logout') {
      // A site whose clock is an hour ahead believes none, and would be told again after ten seconds.
      if (atDoor.listenerCount('logout') === 0) return void response.end()
      response.once('finish', () => atDoor.emit('logout', process))
    }
    process.answer(request, response)
  })
  installed = await givenInstallation({ sign_up: 'open', clients: webClients(door.origin) })
  await startServer(installed)
  await signUp(installed.issuer)
  atServer = createHostedBrowser(installed.issuer)
  api = await startWebApi(installed.issuer)
})

afterAll(async () => {
  await door.close()
  await api.close()
  installed.remove()
})

const stores = {
  'in the cookie': () => undefined,
  'in memory': () => createMemorySessions(),
  'in SQLite': () => createSqliteSessions(new DatabaseSync(':memory:')),
}

describe.each(Object.entries(stores))('with logins kept %s', (_name, createSessions) => {
  beforeEach(() => {
    const sessions = createSessions()
    const create = (): WebSite =>
      createWebSite({ issuer: installed.issuer, api: api.origin, origin: door.origin, sessions })
    processes = [create(), create()]
    turn = 0
    visitor = createVisitor(door.origin, installed.issuer, atServer)
  })

  test('a person signs in, and the browser has a cookie that no script can read, and no token', async () => {
    expect((await visitor.call('/auth/me')).json).toEqual({ signedIn: false })
    const back = await visitor.signIn('/notes?page=2#top')
    expect([back.status, back.headers.location]).toEqual([303, '/notes?page=2#top'])
    const lines = [back.headers['set-cookie'] ?? []].flat()
    for (const line of lines) {
      expect(line).toMatch(/SameSite=Lax/)
      if (!line.startsWith('XSRF-TOKEN=')) expect(line).toMatch(/HttpOnly/)
    }
    expect(lines.join()).not.toMatch(tokenForm)
    const me = await visitor.call('/auth/me')
    expect(me.json).toMatchObject({ signedIn: true, user: { sub: expect.any(String), email: 'someone@example.com' } })
    expect(me.text).not.toMatch(tokenForm)
    expect(me.text).not.toContain('nonce')
    expect(me.headers).toMatchObject({ 'cache-control': 'private, no-store', vary: 'Cookie, Authorization' })
  })

  test('calls go to the API with a token in place of the cookie', async () => {
    await visitor.signIn()
    const posted = await visitor.call('/api/notes?tag=a%2Fb', { method: 'POST', json: { text: 'hello' } })
    expect(posted.status).toBe(200)
    expect(posted.json).toMatchObject({ method: 'POST', url: '/v2/notes?tag=a%2Fb', body: '{"text":"hello"}' })
    expect(posted.json.cookie).toBeUndefined()
    expect(posted.headers).toMatchObject({ 'cache-control': 'private, no-store' })
    expect(String(posted.headers['set-cookie'] ?? '')).not.toContain('planted')
    // Above the target is nothing of the API's that a path could reach.
    const above = await visitor.call('/api/../admin')
    expect(above.status).toBe(404)
  })

  test('what changes something needs the token that only a page of this origin can read', async () => {
    await visitor.signIn()
    const post = (headers: Record<string, string>) => visitor.call('/api/notes', { method: 'POST', body: '', headers })
    const reasonOf = async (answer: ReturnType<typeof post>): Promise<unknown> => (await answer).json.reason
    expect(await reasonOf(post({ 'x-xsrf-token': '' }))).toBe('csrf_refused')
    expect(await reasonOf(post({ 'sec-fetch-site': 'same-site' }))).toBe('origin_refused')
    expect(await reasonOf(post({ 'sec-fetch-site': 'cross-site' }))).toBe('origin_refused')
    expect(await reasonOf(post({ origin: 'https://elsewhere.example' }))).toBe('origin_refused')
    expect(await reasonOf(post({ origin: 'null' }))).toBe('origin_refused')
    const other = createVisitor(door.origin, installed.issuer, atServer)
    await other.signIn()
    const othersToken = other.site.cookies.get('XSRF-TOKEN') ?? ''
    expect(await reasonOf(post({ 'x-xsrf-token': othersToken }))).toBe('csrf_refused')
    expect((await post({})).status).toBe(200)
    const read = await visitor.call('/api/notes', { headers: { 'sec-fetch-site': 'cross-site' } })
    expect(read.json.reason).toBe('origin_refused')
  })

  test('cookie and token are as good as each other at one endpoint', async () => {
    await visitor.signIn()
    const { user } = (await visitor.call('/auth/me')).json as { user: { sub: string } }
    const token = await processes[0].handler.getAccessToken(requestOf(visitor))
    const accessToken = 'accessToken' in token ? token.accessToken : ''
    expect(accessToken).toMatch(tokenForm)
    for (const path of ['/own', '/api/notes']) {
      expect((await visitor.call(path)).json.sub).toBe(user.sub)
      expect((await call(door.origin + path, { headers: bearer(accessToken) })).json.sub).toBe(user.sub)
      // A program has no cookie that another site could ride on: it needs no anti-forgery token.
      const posted = await call(door.origin + path, { method: 'POST', body: '', headers: bearer(accessToken) })
      expect(posted.status).toBe(200)
      expect((await call(door.origin + path)).status).toBe(401)
    }
  })

  test('fifty calls with an expired token are one rotation, and one request of each process', async () => {
    await visitor.signIn()
    for (const site of processes) site.sleep(hour)
    const answers = await Promise.all(Array.from({ length: 50 }, () => visitor.call('/api/notes')))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    const rows = processes.flatMap(site => site.refreshes.filter(row => row !== null && row !== '1'))
    expect(rows.filter(row => row === '5')).toHaveLength(1)
    expect(rows.length).toBeLessThanOrEqual(2)
  })

  test('an answer that was lost costs nothing, however late the old cookie comes back', async () => {
    await visitor.signIn()
    const before = new Map(visitor.site.cookies)
    for (let expiries = 0; expiries < 3; expiries++) {
      for (const site of processes) site.sleep(hour)
      expect((await visitor.call('/api/notes')).status).toBe(200)
    }
    for (const [name, value] of before) visitor.site.cookies.set(name, value)
    expect((await visitor.call('/api/notes')).status).toBe(200)
    expect((await visitor.call('/auth/me')).json.signedIn).toBe(true)
  })

  test('while the server is away the token is used to its end, then it is 503, and nobody is signed out', async () => {
    await visitor.signIn()
    for (const site of processes) site.cut = true
    expect((await visitor.call('/api/notes')).status).toBe(200)
    for (const site of processes) site.sleep(hour)
    const answer = await visitor.call('/api/notes')
    expect([answer.status, answer.json.reason, answer.headers['retry-after']]).toEqual([503, 'unavailable', '1'])
    expect((await visitor.call('/auth/me')).status).toBe(503)
    for (const site of processes) site.cut = false
    expect((await visitor.call('/api/notes')).status).toBe(200)
  })

  test('a login that was ended elsewhere is refused with the reason, and a new one begins afresh', async () => {
    await visitor.signIn()
    const ended = await visitor.server.submit('/account', { command: 'end_all' })
    expect(ended.status).toBe(200)
    for (const site of processes) site.sleep(hour)
    const answer = await visitor.call('/api/notes')
    expect([answer.status, answer.json.reason]).toEqual([401, 'authorization_revoked'])
    expect((await visitor.call('/auth/me')).json.signedIn).toBe(false)
    await visitor.signIn()
    expect((await visitor.call('/api/notes')).status).toBe(200)
  })

  test('a session that ends at the server ends the login here: the server says so, and nobody else can', async () => {
    await visitor.signIn()
    const before = (await visitor.call('/auth/me')).json as { user: { sid: string } }
    const logouts = on(atDoor, 'logout')
    const tell = (token: string) => call(`${door.origin}/auth/backchannel-logout`, { form: { logout_token: token } })
    for (const forged of ['', 'a.b.c', unsigned({ sid: before.user.sid })]) {
      expect((await tell(forged)).json.reason).toBe('logout_token_invalid')
    }
    // A token of the same server that says something else.
    const token = await processes[0].handler.getAccessToken(requestOf(visitor))
    expect((await tell('accessToken' in token ? token.accessToken : '')).json.reason).toBe('logout_token_invalid')
    expect((await visitor.call('/auth/me')).json.signedIn).toBe(true)
    await visitor.server.submit('/account', { command: 'end_all' })
    // Others of before may be told of late. Where logins are in the cookie, the process that was told knows it.
    for await (const [process] of logouts) {
      turn = processes.indexOf(process)
      const me = await visitor.call('/auth/me')
      turn = processes.indexOf(process)
      if (me.json.signedIn === true) continue
      expect(me.json).toEqual({ signedIn: false })
      expect((await visitor.call('/api/notes')).json.reason).toBe('token_missing')
      break
    }
    await visitor.signIn()
    for (let calls = 0; calls < 2; calls++) expect((await visitor.call('/auth/me')).json.signedIn).toBe(true)
  })

  test('signing out ends the login here and at the server', async () => {
    await visitor.signIn()
    expect((await visitor.call('/auth/logout', { method: 'POST', headers: { 'x-xsrf-token': '' } })).status).toBe(403)
    const before = new Map(visitor.site.cookies)
    expect((await visitor.call('/auth/logout', { method: 'POST' })).json).toEqual({ signedOut: true, ended: true })
    expect([...visitor.site.cookies]).toEqual([])
    for (const [name, value] of before) visitor.site.cookies.set(name, value)
    for (const site of processes) site.sleep(hour)
    expect((await visitor.call('/api/notes')).status).toBe(401)
    expect((await call(`${door.origin}/auth/logout`)).status).toBe(405)
  })

  test('a form signs out without script', async () => {
    await visitor.signIn()
    const csrf = visitor.site.cookies.get('XSRF-TOKEN') ?? ''
    const answer = await visitor.site.open('/auth/logout', { form: { csrf } })
    expect([answer.status, answer.headers.location]).toEqual([303, '/'])
    expect((await visitor.call('/auth/me')).json).toEqual({ signedIn: false })
  })

  test('the way back belongs to the browser that went, and to the server that was asked', async () => {
    const attacker = createVisitor(door.origin, installed.issuer, atServer)
    await attacker.signIn()
    const begun = await attacker.site.open('/auth/login')
    const code = await attacker.server.open(String(begun.headers.location).slice(installed.issuer.length))
    const back = String(code.headers.location).slice(door.origin.length)
    const planted = await visitor.site.open(back)
    expect(planted.status).toBe(400)
    expect(planted.text).toContain('not begun in this browser')
    expect(visitor.site.cookies.size).toBe(0)
    const elsewhere = await attacker.site.open(back.replace(/iss=[^&]+/, 'iss=https%3A%2F%2Felsewhere.example'))
    expect(elsewhere.status).toBe(400)
    // It was used up by that.
    expect((await attacker.site.open(back)).headers.location).toBe('/')
  })

  test('a sign-in that the person breaks off comes back with what was said', async () => {
    const begun = await visitor.site.open('/auth/login?return_to=/notes&prompt=none')
    const answer = await createHostedBrowser(installed.issuer).open(
      String(begun.headers.location).slice(installed.issuer.length),
    )
    const back = await visitor.site.open(String(answer.headers.location).slice(door.origin.length))
    expect([back.status, back.headers.location]).toEqual([303, '/notes?auth_error=login_required'])
  })

  test('CWE-601: nobody is led elsewhere after signing in', async () => {
    const back = await visitor.signIn('//evil.example/notes')
    expect(back.headers.location).toBe('/')
  })

  test('nothing of it is shown inside another page', async () => {
    const framed = { 'sec-fetch-dest': 'iframe', 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'cross-site' }
    expect((await call(`${door.origin}/auth/login`, { headers: framed })).json.reason).toBe('origin_refused')
  })

  test('cookies that somebody has made up or doubled are no login', async () => {
    await visitor.signIn()
    const [[name = '', value = '']] = [...visitor.site.cookies].filter(([one]) =>
      one.startsWith('countersign_web'),
    ) as [[string, string]]
    const tried = [
      `${name}=1~x.y`,
      `${name}=9~${value}`,
      `${name}=${value.slice(0, -4)}AAAA`,
      `${name}=${value}; ${name}=${value}`,
    ]
    for (const cookie of tried) {
      expect((await call(`${door.origin}/auth/me`, { headers: { cookie } })).json.signedIn).toBe(false)
    }
  })
})

describe('a change of the secret', () => {
  test('ends no login while the old one is still named', async () => {
    const create = (secrets: readonly string[]): WebSite =>
      createWebSite({ issuer: installed.issuer, api: api.origin, origin: door.origin, secrets })
    const [old, fresh] = [
      'the old secret of the web site, 32 characters',
      'the new secret of the web site, 32 characters',
    ]
    visitor = createVisitor(door.origin, installed.issuer, atServer)
    processes = [create([old]), create([old])]
    await visitor.signIn()
    processes = [create([fresh, old]), create([fresh, old])]
    for (let expiries = 0; expiries < 2; expiries++) {
      for (const site of processes) site.sleep(hour)
      expect((await visitor.call('/api/notes', { method: 'POST', body: '' })).status).toBe(200)
    }
    processes = [create([fresh]), create([fresh])]
    expect((await visitor.call('/auth/me')).json.signedIn).toBe(false)
  })
})

describe('mounted', () => {
  const mounts: Readonly<Record<string, (handler: TokenHandler) => Promise<RequestListener>>> = {
    'in Express': async handler => express().use(mount(handler)),
    'in node:http': async handler => (request, response) => mount(handler)(request, response),
    'in Fastify': async handler => {
      const app = fastify()
      app.addHook('onRequest', mountFastify(handler))
      app.get('/', () => 'the app')
      await app.ready()
      return (request, response) => app.routing(request, response)
    },
    'as route handlers of Next.js': async handler => {
      const { GET, POST } = routes(() => handler)
      const next = { owns: () => true, handle: (request: Request) => (request.method === 'GET' ? GET : POST)(request) }
      return express().use(mount({ ...handler, ...next }))
    },
  }

  test.each(Object.entries(mounts))(
    '%s it signs in, passes bodies on as they come, and leaves the rest alone',
    async (_name, create) => {
      const site = createWebSite({ issuer: installed.issuer, api: api.origin, origin: door.origin })
      const listener = await create(site.handler)
      const answer = express().use((request, response) => listener(request, response))
      processes = [
        { ...site, answer },
        { ...site, answer },
      ]
      visitor = createVisitor(door.origin, installed.issuer, atServer)
      expect((await visitor.signIn('/here')).headers.location).toBe('/here')
      const large = 'x'.repeat(70_000)
      const posted = await visitor.call('/api/notes', {
        method: 'POST',
        body: large,
        headers: { 'content-type': 'text/plain' },
      })
      expect(posted.json.body).toHaveLength(large.length)
      const rest = await visitor.call('/')
      expect(rest.status === 200 ? rest.text : rest.status).toBe(_name === 'in Fastify' ? 'the app' : 404)
    },
  )

  test('after a parser of bodies it says so, in place of waiting for ever', async () => {
    const site = createWebSite({ issuer: installed.issuer, api: api.origin, origin: door.origin })
    let said = ''
    const app = express()
      .use(express.json(), mount(site.handler))
      .use((error: Error, _request: express.Request, response: express.Response, _next: express.NextFunction) => {
        said = error.message
        response.sendStatus(500)
      })
    processes = [
      { ...site, answer: app },
      { ...site, answer: app },
    ]
    await visitor.call('/api/notes', { method: 'POST', json: {} })
    expect(said).toContain('mount the token handler before')
  })
})

describe('behind an nginx that caches', () => {
  let cache: CachingProxy
  let behind: Listening

  beforeAll(async () => {
    behind = await listen((request, response) => processes[0].answer(request, response))
    cache = await startCachingProxy(behind.origin)
  })
  afterAll(async () => {
    await cache.close()
    await behind.close()
  })

  test('nobody is shown what is another’s, and what is for all comes from the cache', async () => {
    const site = createWebSite({ issuer: installed.issuer, api: api.origin, origin: door.origin })
    site.answer.get('/public', (_request, response) => {
      response.set('Cache-Control', 'public, max-age=600').send('for all')
    })
    processes = [site, site]
    await call(`${installed.issuer}/v1/users`, { json: { ...someoneElse } })
    const others = createHostedBrowser(installed.issuer)
    await signInHosted(others, someoneElse)
    // They have signed in elsewhere; what they do now goes through the cache.
    const [one, other] = [
      createVisitor(cache.origin, installed.issuer, atServer),
      createVisitor(cache.origin, installed.issuer, others),
    ]
    await one.signIn()
    await other.signIn()
    const asPage = { headers: { origin: door.origin } }
    for (const path of ['/auth/me', '/api/notes']) {
      const first = await one.call(path, asPage)
      const second = await other.call(path, asPage)
      expect([first.status, second.status]).toEqual([200, 200])
      const nobody = await call(cache.origin + path)
      expect(nobody.text).not.toContain('sub')
      expect([first, second, nobody].map(({ headers }) => headers['x-cache'])).toEqual(['MISS', 'MISS', 'MISS'])
      expect(subOf(first)).not.toBe(subOf(second))
    }
    expect((await call(`${cache.origin}/public`)).headers['x-cache']).toBe('MISS')
    expect((await call(`${cache.origin}/public`)).headers['x-cache']).toBe('HIT')
  })
})

const someoneElse = { email: 'someone.else@example.com', password: 'another horse, another battery' }

/** A request with the cookies of a visitor. */
function requestOf({ site }: Visitor): Request {
  const cookie = [...site.cookies].map(pair => pair.join('=')).join('; ')
  return new Request(`${door.origin}/own`, { headers: { cookie } })
}

/** A logout token that says what it should, by nobody. */
function unsigned(claims: object): string {
  const header = { alg: 'none', typ: 'logout+jwt', kid: 'x' }
  const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }
  const iat = Math.floor(Date.now() / 1000)
  const payload = { iss: installed.issuer, aud: 'site', iat, exp: iat + 60, jti: 'x', events, ...claims }
  return `${[header, payload].map(part => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`
}

function subOf({ json }: Answer): unknown {
  return (json.user as { sub?: string } | undefined)?.sub ?? json.sub
}
