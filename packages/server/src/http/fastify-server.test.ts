import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { errorBody, isReason } from '@countersign/protocol'
import type { InjectOptions } from 'fastify'
import { afterEach, describe, expect, test } from 'vitest'
import { type Answer, call, get, logIn, postForm, postJson, signUp } from '../testing/calls.ts'
import { closeGiven, type GivenServer, given, password } from '../testing/given.ts'

afterEach(closeGiven)

/** Sends bytes over a socket of its own, and gives back all that comes until the other side closes. */
function exchange(port: number, ...parts: (string | Buffer)[]): Promise<string> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    socket.setEncoding('latin1').on('data', chunk => {
      text += chunk
    })
    socket.on('error', () => resolve(text)).on('close', () => resolve(text))
    for (const part of parts) socket.write(part)
  })
}

async function listening(): Promise<{ to: GivenServer; port: number }> {
  const to = await given.server()
  const address = await to.server.listen({ host: '127.0.0.1', port: 0 })
  return { to, port: Number(new URL(address).port) }
}

function expectRefusal(answer: Answer, status: number, reason: string): void {
  expect([answer.status, answer.body.reason]).toEqual([status, reason])
  expect(Object.keys(answer.body)).toEqual(expect.arrayContaining(['error', 'error_description', 'reason']))
  expect(answer.headers['countersign-reason']).toBe(reason)
  expect(answer.headers['cache-control']).toBe('no-store')
}

const json = { 'content-type': 'application/json' }
const form = { 'content-type': 'application/x-www-form-urlencoded' }

describe('what cannot be read', () => {
  const post = (to: GivenServer, url: string, payload: string | Buffer, headers: Record<string, string>) =>
    call(to, { method: 'POST', url, payload, headers })

  test('an unknown path is 404 with our JSON', async () => {
    const to = await given.server()
    for (const url of ['/nothing', '/v1', '/token/', '/TOKEN', '/.env', '/v1/sessions/a/b']) {
      expectRefusal(await get(to, url), 404, 'not_found')
    }
  })

  test.each([
    ['GET', '/token', 'POST, OPTIONS'],
    ['PUT', '/v1/users', 'POST, OPTIONS'],
    ['PATCH', '/v1/sessions', 'GET, HEAD, POST, DELETE, OPTIONS'],
    ['DELETE', '/sign-in', 'GET, HEAD, POST, OPTIONS'],
    ['POST', '/jwks', 'GET, HEAD, OPTIONS'],
    ['TRACE', '/health', 'GET, HEAD, OPTIONS'],
    ['HEAD', '/token', 'POST, OPTIONS'],
    ['POST', '/v1/sessions/some-id', 'DELETE, OPTIONS'],
    ['DELETE', '/v1/sessions/connection', 'POST, OPTIONS'],
    ['PATCH', '/register/some-client?x=/', 'GET, HEAD, PUT, DELETE, OPTIONS'],
  ] as const)('%s %s is 405 with Allow', async (method, url, allow) => {
    const to = await given.server()
    const answer = await call(to, { method, url } as InjectOptions)
    if (method === 'HEAD') expect([answer.status, answer.text]).toEqual([405, ''])
    else expectRefusal(answer, 405, 'method_not_allowed')
    expect(answer.headers.allow).toBe(allow)
  })

  test('OPTIONS tells the methods of a path, and is 404 where there is none', async () => {
    const to = await given.server()
    const ask = (url: string) => call(to, { method: 'OPTIONS', url })
    for (const [url, allow] of [
      ['/introspect', 'POST, OPTIONS'],
      ['/authorize?client_id=app', 'GET, HEAD, POST, OPTIONS'],
    ] as const) {
      const answer = await ask(url)
      expect([answer.status, answer.headers.allow, answer.text]).toEqual([204, allow, ''])
    }
    for (const url of ['/register/', '/v1/sessions/a/b', '/Token']) expectRefusal(await ask(url), 404, 'not_found')
  })

  test.each(['/token', '/revoke', '/introspect'])('%s takes forms and nothing else', async url => {
    const to = await given.server()
    for (const type of ['application/json', 'text/plain', 'multipart/form-data; boundary=x', 'x', '']) {
      expectRefusal(await post(to, url, 'a=b', { 'content-type': type }), 415, 'content_type_unsupported')
    }
    expectRefusal(await call(to, { method: 'POST', url }), 415, 'content_type_unsupported')
  })

  test.each(['/v1/users', '/v1/sessions', '/v1/password'])('%s takes JSON and nothing else', async url => {
    const to = await given.server()
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'text/json', 'application/jsonp']) {
      expectRefusal(await post(to, url, '{}', { 'content-type': type }), 415, 'content_type_unsupported')
    }
  })

  test('compressed bodies are 415, whatever they would unpack to', async () => {
    const to = await given.server()
    const bomb = gzipSync(Buffer.alloc(20_000_000))
    for (const coding of ['gzip', 'br', 'deflate', 'GZIP', 'identity, gzip']) {
      const headers = { ...json, 'content-encoding': coding }
      expectRefusal(await post(to, '/v1/sessions', bomb, headers), 415, 'content_type_unsupported')
    }
    const plain = await post(to, '/v1/sessions', '{}', { ...json, 'content-encoding': 'identity' })
    expect(plain.body.reason).toBe('parameter_invalid')
  })

  test.each([
    ['nothing', ''],
    ['half an object', '{"email":'],
    ['a list', '[]'],
    ['null', 'null'],
    ['a number', '1'],
    ['a text', '"x"'],
    ['two objects', '{}{}'],
    ['a byte order mark', '\ufeff{}'],
    ['a comment', '{/**/}'],
    ['single quotes', "{'a':1}"],
    ['attack 46: __proto__', '{"__proto__":{"admin":true}}'],
    ['attack 46: __proto__ deeper', '{"email":{"__proto__":1}}'],
    ['attack 46: duplicate members', '{"email":"a@b.example","email":"c@d.example","password":"x","client_id":"app"}'],
    ['attack 46: duplicate members by an escape', '{"email":"a","\\u0065mail":"b"}'],
    ['attack 46: NUL', '{"email":"a\\u0000@b.example"}'],
    ['attack 46: a lone surrogate', '{"email":"\\ud800@b.example"}'],
    ['attack 46: a lone surrogate as a name', '{"\\udfff":1}'],
    ['attack 46: overlong UTF-8', Buffer.from([0x7b, 0x22, 0xc0, 0xaf, 0x22, 0x3a, 0x31, 0x7d])],
    ['attack 46: bytes that are no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ['attack 46: a surrogate in UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ['attack 47: depth', '['.repeat(30_000)],
    ['attack 47: depth, closed', `{"a":${'['.repeat(30_000)}${']'.repeat(30_000)}}`],
    ['attack 47: depth of objects', `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`],
  ])('broken JSON: %s is 400, and nothing is written', async (_name, payload) => {
    const to = await given.server()
    const before = (await to.audit()).length
    for (const url of ['/v1/users', '/v1/sessions']) {
      expectRefusal(await post(to, url, payload, json), 400, 'request_malformed')
    }
    expect(await to.auditedSince(before)).toEqual([])
  })

  test.each([
    ['a broken escape', 'client_id=%zz', 'request_malformed'],
    ['half an escape', 'client_id=%', 'request_malformed'],
    ['attack 46: NUL', 'client_id=a%00', 'request_malformed'],
    ['attack 46: overlong UTF-8', 'client_id=%c0%af', 'request_malformed'],
    ['attack 46: a surrogate', 'client_id=%ed%a0%80', 'request_malformed'],
    ['attack 45: 10,000 parameters', 'a=b&'.repeat(10_000), 'request_malformed'],
    ['attack 27: a parameter twice', 'client_id=app&client_id=app', 'parameter_duplicated'],
    ['a parameter twice, once empty', 'client_id=app&client_id=', 'parameter_duplicated'],
    ['a parameter twice, once escaped', 'client_id=app&client%5fid=x', 'parameter_duplicated'],
  ])('a broken form: %s is 400', async (_name, payload, reason) => {
    const to = await given.server()
    for (const url of ['/token', '/revoke', '/introspect']) {
      expectRefusal(await post(to, url, payload, form), 400, reason)
    }
  })

  test('__proto__ and its like as form parameters are unknown ones', async () => {
    const to = await given.server()
    const fields = { __proto__: 'x', constructor: 'y', toString: 'z', client_id: 'app', grant_type: '__proto__' }
    const payload = `${new URLSearchParams(fields)}&__proto__=x`
    expectRefusal(await post(to, '/token', payload, form), 400, 'grant_type_unsupported')
    expect(({} as Record<string, unknown>).admin).toBeUndefined()
  })

  test('attack 45, 47: a body beyond 64 KiB is 413, at once or in pieces', async () => {
    const { to, port } = await listening()
    for (const [url, headers] of [
      ['/token', form],
      ['/v1/users', json],
    ] as const) {
      expectRefusal(await post(to, url, 'x'.repeat(65_537), headers), 413, 'body_too_large')
    }
    const head = 'POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n'
    expect(await exchange(port, `${head}Content-Length: 50000000\r\n\r\n`)).toMatch(/^HTTP\/1.1 413 /)
    const chunks = Array.from({ length: 200 }, () => `4000\r\n${'x'.repeat(0x4000)}\r\n`)
    const chunked = await exchange(port, `${head}Transfer-Encoding: chunked\r\n\r\n`, ...chunks)
    expect(chunked).toMatch(/^HTTP\/1.1 413 /)
    expect(chunked).toContain('"reason":"body_too_large"')
  })

  test('a path with broken escapes is 400', async () => {
    const to = await given.server()
    for (const url of ['/v1/sessions/%zz', '/%', '/v1/trusted/users/%c0%af/sessions']) {
      expectRefusal(await get(to, url), 400, 'request_malformed')
    }
    const long = await get(to, `/v1/trusted/users/${'x'.repeat(5_000)}/sessions`)
    expect([400, 401, 404]).toContain(long.status)
    expect(isReason(String(long.body.reason))).toBe(true)
  })
})

describe('over a real socket', () => {
  const bodyOf = (text: string): unknown => JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4))

  test.each([
    ['a header of 1 MB', `GET /jwks HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(1_048_576)}\r\n\r\n`],
    ['attack 45: a cookie of 1 MB', `GET /account HTTP/1.1\r\nHost: x\r\nCookie: a=${'x'.repeat(1_048_576)}\r\n\r\n`],
    ['a path of 1 MB', `GET /${'x'.repeat(1_048_576)} HTTP/1.1\r\nHost: x\r\n\r\n`],
    ['100,000 headers', `GET /jwks HTTP/1.1\r\nHost: x\r\n${'a: b\r\n'.repeat(100_000)}\r\n`],
  ])('%s is 431 with our JSON', async (_name, request) => {
    const { port } = await listening()
    const text = await exchange(port, request)
    expect(text).toMatch(/^HTTP\/1.1 431 /)
    expect(text).toMatch(/\r\ncountersign-reason: headers_too_large\r\n/)
    expect(bodyOf(text)).toEqual(errorBody({ reason: 'headers_too_large' }))
  })

  test.each([
    ['rubbish', 'rubbish\r\n\r\n'],
    ['TLS to a plain port', Buffer.from('16030100f1010000ed0303', 'hex')],
    ['an unknown method', 'BREW /token HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['two lengths', 'POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    [
      'length and chunks',
      'POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['no host', 'GET /jwks HTTP/1.1\r\nConnection: close\r\n\r\n'],
    [
      'two authorizations',
      'GET /v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a\r\nAUTHORIZATION: Bearer b\r\nConnection: close\r\n\r\n',
    ],
    ['a tunnel', 'CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['a header folded', 'GET /jwks HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\nConnection: close\r\n\r\n'],
    ['a control character in a header', 'GET /jwks HTTP/1.1\r\nHost: x\r\nA: b\x01\r\n\r\n'],
  ])('%s is 400 with our JSON', async (_name, request) => {
    const { port } = await listening()
    const text = await exchange(port, request)
    expect(text).toMatch(/^HTTP\/1.1 400 /)
    expect(bodyOf(text)).toEqual(errorBody({ reason: 'request_malformed' }))
  })

  test('an expectation that nobody has is ignored', async () => {
    const { port } = await listening()
    const text = await exchange(port, 'GET /jwks HTTP/1.1\r\nHost: x\r\nExpect: tea\r\nConnection: close\r\n\r\n')
    expect(text).toMatch(/^HTTP\/1.1 200 /)
  })

  test('attack 45: headers have 10 s and whole requests 15 s', async () => {
    const { to } = await listening()
    expect(to.http.server).toMatchObject({ headersTimeout: 10_000, requestTimeout: 15_000 })
  })

  test.each([
    ['headers', 'GET /jwks HTTP/1.1\r\nHost: x\r\nA: '],
    ['a body', 'POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\nContent-Type: application/json\r\n\r\n{'],
  ])('attack 45: slow %s are 408, and the connection ends', async (_name, beginning) => {
    const { to, port } = await listening()
    Object.assign(to.http.server, { headersTimeout: 50, requestTimeout: 50 })
    const text = await exchange(port, beginning)
    expect(text).toMatch(/^HTTP\/1.1 408 /)
    expect(bodyOf(text)).toMatchObject({ reason: 'request_malformed' })
  })

  test('who breaks off in the middle of a body is no failure of ours', async () => {
    const { to, port } = await listening()
    const head = 'POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n'
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
    const { promise: ended, resolve: end } = Promise.withResolvers<void>()
    to.http.server.once('request', (_request, response) => {
      begin()
      response.once('close', end)
    })
    const socket = connect(port, '127.0.0.1')
    socket.write(`${head}Content-Length: 100\r\n\r\na=b`)
    await begun
    socket.resetAndDestroy()
    await ended
    expect(to.log.filter(({ level }) => level === 'error')).toEqual([])
  })

  test('draining: a request whose header was half there is answered too', async () => {
    const { to, port } = await listening()
    let received = (): number => 0
    to.http.server.once('connection', socket => {
      received = () => socket.bytesRead
    })
    const socket = connect(port, '127.0.0.1').setEncoding('latin1')
    let text = ''
    socket.on('data', chunk => {
      text += chunk
    })
    const ended = new Promise(resolve => socket.on('close', resolve))
    socket.write('GET /jwks HTTP/1.1\r\nHo')
    await expect.poll(() => received(), { timeout: 10_000 }).toBeGreaterThan(0)
    const closed = to.server.close()
    socket.write('st: x\r\n\r\n')
    await Promise.all([ended, closed])
    expect(text).toMatch(/^HTTP\/1.1 200 /)
    expect(text.toLowerCase()).toContain('connection: close')
  })

  test('a stop does not wait for who never sends the rest', async () => {
    const to = await given.server({ config: { drainSeconds: 0.05 } })
    const port = Number(new URL(await to.server.listen({ host: '127.0.0.1', port: 0 })).port)
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
    to.http.server.once('request', () => begin())
    const text = exchange(port, 'POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\nContent-Type: a/b\r\n\r\na')
    await begun
    await to.server.close()
    expect(await text).toBe('')
  })

  test('a stop does not wait for a connection that was opened ahead of need and never said a word', async () => {
    const to = await given.server({ config: { drainSeconds: 3600 } })
    const port = Number(new URL(await to.server.listen({ host: '127.0.0.1', port: 0 })).port)
    const { promise: accepted, resolve: accept } = Promise.withResolvers<void>()
    to.http.server.once('connection', () => accept())
    const text = exchange(port, '')
    await accepted
    await to.server.close()
    expect(await text).toBe('')
  })

  test('draining: what was begun is answered, its connection closed, and nobody new is let in', async () => {
    const { to, port } = await listening()
    await signUp(to)
    const body = JSON.stringify({ email: 'maria@example.com', password, client_id: 'bearer-app' })
    const head = `POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
    to.http.server.once('request', () => begin())
    const socket = connect(port, '127.0.0.1').setEncoding('latin1')
    let text = ''
    socket.on('data', chunk => {
      text += chunk
    })
    const ended = new Promise(resolve => socket.on('close', resolve))
    socket.write(head)
    await begun
    const closed = to.server.close()
    socket.write(body)
    await Promise.all([ended, closed])
    expect(text).toMatch(/^HTTP\/1.1 201 /)
    expect(text.toLowerCase()).toContain('connection: close')
    expect(await exchange(port, 'GET /jwks HTTP/1.1\r\nHost: x\r\n\r\n')).toBe('')
  })
})

describe('from where a request comes', () => {
  const from = (remoteAddress: string, headers: Record<string, string> = {}) => ({
    method: 'GET' as const,
    url: '/health',
    remoteAddress,
    headers,
  })

  test('I5: plain HTTP is for loopback', async () => {
    const to = await given.server()
    for (const address of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1']) {
      expect((await call(to, from(address))).status).toBe(200)
    }
    for (const address of ['192.0.2.1', '10.0.0.1', '2001:db8::1', '::ffff:192.0.2.1']) {
      expectRefusal(await call(to, from(address)), 400, 'transport_insecure')
      const claimed = from(address, { 'x-forwarded-proto': 'https', 'x-forwarded-for': '127.0.0.1' })
      expectRefusal(await call(to, claimed), 400, 'transport_insecure')
    }
  })

  test('I5: a trusted proxy is believed when its client came by TLS, and only then', async () => {
    const to = await given.server({ config: { trustedProxies: ['10.0.0.1'] } })
    expect((await call(to, from('10.0.0.1', { 'x-forwarded-proto': 'https' }))).status).toBe(200)
    for (const proto of ['http', 'http, https', 'https, http', 'HTTPS ', '']) {
      const refused = await call(to, from('10.0.0.1', { 'x-forwarded-proto': proto }))
      expectRefusal(refused, 400, 'transport_insecure')
    }
    expectRefusal(await call(to, from('10.0.0.1')), 400, 'transport_insecure')
    expectRefusal(await call(to, from('10.0.0.2', { 'x-forwarded-proto': 'https' })), 400, 'transport_insecure')
  })

  const ipOf = async (to: GivenServer, peer: string, headers: Record<string, string>): Promise<unknown> => {
    const login = { email: 'maria@example.com', password, client_id: 'bearer-app' }
    const payload = JSON.stringify(login)
    const request = { method: 'POST' as const, url: '/v1/sessions', payload, remoteAddress: peer }
    const answer = await call(to, { ...request, headers: { ...json, ...headers } })
    const session = await to.store.loadSession(String(answer.body.session_id))
    return session?.session.device.ip
  }

  test('attack 40 (GHSA-3529-5m8x-rpv3, CVE-2026-40575, CVE-2025-64484, GHSA-3q45-2fh7-66cj, GHSA-5wcc-hf24-rf5h): X-Forwarded-* of others changes nothing', async () => {
    const to = await given.server()
    await signUp(to)
    const headers = {
      'x-forwarded-for': '192.0.2.9',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-uri': '/health',
      x_forwarded_user: 'admin',
      'x-forwarded-user': 'admin',
      'x-original-url': '/admin',
      'x-original-uri': '/health',
      'x-real-ip': '192.0.2.9',
      forwarded: 'for=192.0.2.9;host=evil.example',
      host: 'evil.example',
    }
    expect(await ipOf(to, '127.0.0.1', headers)).toBe('127.0.0.1')
    const discovery = await get(to, '/.well-known/openid-configuration', headers)
    expect(discovery.text).not.toContain('evil')
    expect((await get(to, '/account', headers)).headers.location).toBe('/sign-in?return_to=/account')
    expect((await get(to, '/v1/me', headers)).status).toBe(401)
  })

  test.each(['a', '', ',', '999.1.1.1', '192.0.2.9:port', '[::1', '\u00e9', '192.0.2.9, '.repeat(500)])(
    'CVE-2024-47070, CVE-2023-36456: %j as X-Forwarded-For lets nobody in, and guesses are counted all the same',
    async forwarded => {
      const to = await given.server({ config: { trustedProxies: ['127.0.0.1'] } })
      await signUp(to)
      const headers = { ...json, 'x-forwarded-proto': 'https', 'x-forwarded-for': forwarded }
      const wrong = JSON.stringify({ email: 'maria@example.com', password: 'wrong', client_id: 'bearer-app' })
      const attempt = () => call(to, { method: 'POST', url: '/v1/sessions', payload: wrong, headers })
      for (let n = 0; n < 10; n++) expectRefusal(await attempt(), 401, 'login_failed')
      expectRefusal(await attempt(), 429, 'too_many_attempts')
    },
  )

  test('attack 40: behind trusted proxies the last address that is none of them counts', async () => {
    const to = await given.server({ config: { trustedProxies: ['127.0.0.1', '10.0.0.1'] } })
    await signUp(to)
    const https = { 'x-forwarded-proto': 'https' }
    const from = (chain: string) => ipOf(to, '127.0.0.1', { ...https, 'x-forwarded-for': chain })
    expect(await from('192.0.2.9')).toBe('192.0.2.9')
    expect(await from('198.51.100.1, 192.0.2.9, 10.0.0.1')).toBe('192.0.2.9')
    expect(await from('192.0.2.9, rubbish')).toBe('127.0.0.1')
    expect(await from('')).toBe('127.0.0.1')
    expect(await from('::ffff:192.0.2.9')).toBe('192.0.2.9')
    expect(await from('203.0.113.7:51234')).toBe('203.0.113.7')
    expect(await from('[2001:db8::1]:443, 10.0.0.1:8080')).toBe('2001:db8::1')
    expect(await from('[2001:db8::1]')).toBe('2001:db8::1')
    expect(await from('2001:db8::1')).toBe('2001:db8::1')
    // What comes from others cannot be read either, and is not asked.
    expect(await from('rubbish, 192.0.2.9')).toBe('192.0.2.9')
  })

  test('a trusted proxy whose header cannot be read is told of once, with nothing of what it said', async () => {
    const to = await given.server({ config: { trustedProxies: ['127.0.0.1', '10.0.0.1'] } })
    await signUp(to)
    const headers = { 'x-forwarded-proto': 'https' }
    const told = () => to.log.filter(({ text }) => text.includes('X-Forwarded-For')).map(({ text }) => text)
    await ipOf(to, '127.0.0.1', { ...headers, 'x-forwarded-for': '192.0.2.9' })
    await ipOf(to, '127.0.0.1', headers)
    expect(told()).toEqual([])
    for (let times = 0; times < 3; times++) {
      await ipOf(to, '127.0.0.1', { ...headers, 'x-forwarded-for': 'unknown' })
      await ipOf(to, '127.0.0.1', { ...headers, 'x-forwarded-for': 'unknown, 10.0.0.1' })
    }
    expect(told()).toEqual([expect.stringContaining('127.0.0.1'), expect.stringContaining('10.0.0.1')])
    expect(told().join()).not.toContain('unknown')
  })
})

test.each([
  'https://login.example/',
  'https://login.example/x',
  'http://login.example',
  'login.example',
  '',
  'ftp://127.0.0.1',
])('GHSA-8fpg-xm3f-6cx3: closed, not open: with %j as issuer the server does not start', async issuer => {
  await expect(given.server({ config: { issuer } })).rejects.toThrow(/^The issuer must be/)
})

describe('CORS', () => {
  const origin = 'https://app.example'

  test('lets the origins of registered redirect URIs read, and tells which headers', async () => {
    const to = await given.server()
    for (const url of ['/token', '/revoke', '/v1/me', '/v1/users']) {
      const preflight = await call(to, {
        method: 'OPTIONS',
        url,
        headers: { origin, 'access-control-request-method': 'POST' },
      })
      expect(preflight.status).toBe(204)
      expect(preflight.headers).toMatchObject({
        'access-control-allow-origin': origin,
        'access-control-allow-headers': 'authorization, content-type, dpop',
        vary: 'Origin',
      })
      expect(preflight.headers).not.toHaveProperty('access-control-allow-credentials')
    }
    const answer = await get(to, '/v1/me', { origin })
    expect(answer.headers['access-control-expose-headers']).toMatch(/countersign-reason.*retry-after.*dpop-nonce/)
  })

  test('lets everybody read what is public, and register: who does has no origin yet', async () => {
    const to = await given.server()
    for (const url of ['/jwks', '/.well-known/openid-configuration', '/register', '/register/x']) {
      const headers = { origin: 'https://new.example', 'access-control-request-method': 'POST' }
      const preflight = await call(to, { method: 'OPTIONS', url, headers })
      expect([url, preflight.headers['access-control-allow-origin']]).toEqual([url, '*'])
      expect(preflight.headers).not.toHaveProperty('access-control-allow-credentials')
    }
  })

  test('every refusal can be read from there, whatever stage it comes from', async () => {
    const to = await given.server()
    const headers = { origin, ...json }
    const answers = [
      await call(to, { method: 'POST', url: '/v1/users', payload: 'x'.repeat(70_000), headers }),
      await call(to, { method: 'POST', url: '/v1/users', payload: '{', headers }),
      await call(to, { method: 'PUT', url: '/v1/users', headers: { origin } }),
      await call(to, { method: 'PATCH', url: '/v1/users', payload: 'x'.repeat(70_000), headers }),
      await call(to, { method: 'POST', url: '/token', payload: '{}', headers }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([413, 400, 405, 413, 415])
    for (const answer of answers) expect(answer.headers['access-control-allow-origin']).toBe(origin)
  })

  test('the log names an origin once whose pages were kept away, so that its developer learns why', async () => {
    const to = await given.server()
    const other = 'https://dev.example:5173'
    for (const url of ['/v1/me', '/token', '/v1/users']) {
      await call(to, { method: 'OPTIONS', url, headers: { origin: other } })
      await call(to, { method: 'OPTIONS', url, headers: { origin } })
    }
    for (const nonsense of ['null', `${other}/path`, 'x'.repeat(300)]) await get(to, '/v1/me', { origin: nonsense })
    const text = `a page of ${other} was refused: no client has a redirect URI there`
    const warnings = to.log.filter(({ level }) => level === 'warn')
    expect(warnings.map(line => line.text)).toEqual([expect.stringContaining(text)])
  })

  test('CVE-2026-37977, CVE-2024-41657: lets nobody else, and nobody at all where back ends and pages are', async () => {
    const to = await given.server()
    for (const other of [
      'https://evil.example',
      'null',
      'https://app.example.evil.example',
      'http://app.example',
      'https://APP.example',
      `${origin}, ${origin}`,
    ]) {
      const answer = await get(to, '/v1/me', { origin: other })
      expect(answer.headers).not.toHaveProperty('access-control-allow-origin')
      expect(answer.headers.vary).toBe('Origin')
    }
    for (const url of ['/introspect', '/revocations', '/v1/trusted/sessions', '/sign-in', '/account', '/authorize']) {
      const answer = await call(to, { method: 'OPTIONS', url, headers: { origin } })
      expect(answer.headers).not.toHaveProperty('access-control-allow-origin')
    }
  })
})

test('attack 41 (CVE-2025-48947, CVE-2025-64762): whatever holds a token or sets a cookie is not stored', async () => {
  const to = await given.server()
  await signUp(to)
  const login = await logIn(to)
  const answers = [
    login.answer,
    await postForm(to, '/token', {
      grant_type: 'refresh_token',
      refresh_token: login.refreshToken,
      client_id: 'bearer-app',
    }),
    await get(to, '/sign-in'),
    await get(to, '/v1/me', { authorization: `Bearer ${login.accessToken}` }),
    await postJson(to, '/v1/users', {}),
    await get(to, '/health'),
  ]
  for (const answer of answers) expect(answer.headers['cache-control']).toBe('no-store')
})
