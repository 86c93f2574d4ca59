import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { fetchJson } from './fetch-json.ts'
import { createOutbound, type OutboundRequest } from './outbound.ts'

const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
})

/** A server on loopback; gives its port. */
async function listen(answer: RequestListener): Promise<number> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const limits = { bytesAtMost: 1_000, timeoutMs: 5_000 }
const ask = (url: string, more: Partial<OutboundRequest> = {}): OutboundRequest => ({ url, ...limits, ...more })
const local = createOutbound({ allowsLoopback: true })
const publicOnly = createOutbound({ allowsLoopback: false })
const resolvingTo = (...addresses: string[]) =>
  createOutbound({
    allowsLoopback: false,
    resolve: async () => addresses.map(address => ({ address, family: address.includes(':') ? 6 : 4 })),
  })

describe('attack 29 (CVE-2026-1180, CVE-2025-67494, CVE-2024-49753): a server on the internet does not call', () => {
  test.each([
    'https://[::ffff:169.254.169.254]/latest/meta-data',
    'https://169.254.169.254/latest/meta-data',
    'https://0.0.0.0/',
    'https://[::]/',
    'https://127.0.0.1/',
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0177.0.0.1/',
    'https://[::1]/',
    'https://[fe80::1]/',
    'https://[64:ff9b::a9fe:a9fe]/',
    'https://10.0.0.1/',
    'https://user@login.example/',
    'https://:password@login.example/',
    'http://login.example/',
    'ftp://login.example/',
    'file:///etc/passwd',
    'data:application/json,{}',
    'javascript:1',
    'no address',
    '',
  ])('%s', async url => {
    const outbound = resolvingTo('93.184.215.14')
    expect(await outbound(ask(url))).toEqual({ failed: 'address_refused' })
  })

  test.each([['127.0.0.1'], ['10.1.2.3'], ['::1'], ['::ffff:169.254.169.254'], ['93.184.215.14', '127.0.0.1']])(
    'a name that leads to %s %s',
    async (...addresses) => {
      expect(await resolvingTo(...addresses)(ask('https://evil.example/'))).toEqual({ failed: 'address_refused' })
    },
  )

  test('localhost', async () => {
    expect(await publicOnly(ask('https://localhost/'))).toEqual({ failed: 'address_refused' })
  })
})

test('attack 29 (CVE-2026-55671): DNS rebinding: the name is looked up once, and the connection goes to the address that was judged', async () => {
  const port = await listen((_request, response) => response.end('{}'))
  const lookups: string[] = []
  const outbound = createOutbound({
    allowsLoopback: true,
    resolve: async host => {
      lookups.push(host)
      return [{ address: '127.0.0.1', family: 4 }]
    },
  })
  expect(await outbound(ask(`http://app.invalid:${port}/`))).toMatchObject({ status: 200 })
  expect(lookups).toEqual(['app.invalid'])
})

test('attack 29 (CVE-2026-4366): a redirect is not followed', async () => {
  let called = 0
  const secret = await listen((_request, response) => {
    called++
    response.end('secret')
  })
  const port = await listen((_request, response) => {
    response.writeHead(302, { location: `http://127.0.0.1:${secret}/` }).end()
  })
  expect(await local(ask(`http://127.0.0.1:${port}/`))).toMatchObject({ status: 302, text: '' })
  expect(await fetchJson(local, `http://127.0.0.1:${port}/`)).toBeUndefined()
  expect(called).toBe(0)
})

describe('a server on loopback', () => {
  test('calls its own machine, with method, headers and body', async () => {
    const port = await listen((request, response) => {
      let body = ''
      request.on('data', chunk => {
        body += chunk
      })
      request.on('end', () =>
        response.end(`${request.method} ${request.headers.host} ${request.headers['x-a']} ${body}`),
      )
    })
    const url = `http://localhost:${port}/`
    const answer = await local(ask(url, { method: 'POST', headers: { 'x-a': 'b' }, body: 'text' }))
    expect(answer).toMatchObject({ status: 200, text: `POST localhost:${port} b text` })
  })

  test.each(['http://0.0.0.0/', 'http://[::ffff:127.0.0.1]/', 'http://169.254.169.254/', 'http://10.0.0.1/'])(
    'calls nothing else that is not public: %s',
    async url => {
      expect(await local(ask(url))).toEqual({ failed: 'address_refused' })
    },
  )

  test('calls the internet by TLS alone', async () => {
    const outbound = createOutbound({
      allowsLoopback: true,
      resolve: async () => [{ address: '93.184.215.14', family: 4 }],
    })
    expect(await outbound(ask('http://app.example/'))).toEqual({ failed: 'address_refused' })
  })
})

describe('what takes too much is given up', () => {
  test('an answer that is too long', async () => {
    const port = await listen((_request, response) => {
      response.write('x'.repeat(2_000))
    })
    expect(await local(ask(`http://127.0.0.1:${port}/`))).toEqual({ failed: 'too_large' })
  })

  test('an answer that does not come', async () => {
    const port = await listen(() => {})
    expect(await local(ask(`http://127.0.0.1:${port}/`, { timeoutMs: 50 }))).toEqual({ failed: 'timed_out' })
  })

  test('an answer that does not end', async () => {
    const port = await listen((_request, response) => {
      response.write('x')
    })
    expect(await local(ask(`http://127.0.0.1:${port}/`, { timeoutMs: 100 }))).toEqual({ failed: 'timed_out' })
  })

  test('a name that is not resolved', async () => {
    const outbound = createOutbound({ allowsLoopback: false, resolve: () => new Promise(() => {}) })
    expect(await outbound(ask('https://app.example/', { timeoutMs: 50 }))).toEqual({ failed: 'timed_out' })
    const none = createOutbound({ allowsLoopback: false, resolve: () => Promise.reject(new Error('none')) })
    expect(await none(ask('https://app.example/'))).toEqual({ failed: 'unresolved' })
    expect(await resolvingTo()(ask('https://app.example/'))).toEqual({ failed: 'unresolved' })
  })

  test('a port where nobody listens', async () => {
    const port = await listen(() => {})
    const [server] = servers.splice(0)
    server?.close()
    expect(await local(ask(`http://127.0.0.1:${port}/`))).toEqual({ failed: 'unreachable' })
  })

  test('a packed answer, and one that is no UTF-8', async () => {
    const packed = await listen((_request, response) => response.setHeader('content-encoding', 'gzip').end('x'))
    expect(await local(ask(`http://127.0.0.1:${packed}/`))).toEqual({ failed: 'unreadable' })
    const broken = await listen((_request, response) => response.end(Buffer.from([0xff])))
    expect(await local(ask(`http://127.0.0.1:${broken}/`))).toEqual({ failed: 'unreadable' })
  })
})

describe('a JSON document', () => {
  const answering = (type: string, body: string, status = 200): Promise<number> =>
    listen((_request, response) => {
      response.writeHead(status, { 'content-type': type }).end(body)
    })

  test.each<[string, string, unknown]>([
    ['application/json', '{"a":[1]}', { a: [1] }],
    ['application/json; charset=utf-8', '["a"]', ['a']],
    ['application/jwk-set+json', '{}', {}],
  ])('is read: %s %s', async (type, body, value) => {
    expect((await fetchJson(local, `http://127.0.0.1:${await answering(type, body)}/`))?.value).toEqual(value)
  })

  test.each([
    ['text/html', '{}', 200],
    ['', '{}', 200],
    ['application/json', '{', 200],
    ['application/json', '{"a":1,"a":2}', 200],
    ['application/json', '1,"b":2', 200],
    ['application/json', '{}', 404],
  ])('is none: %s %s %i', async (type, body, status) => {
    expect(await fetchJson(local, `http://127.0.0.1:${await answering(type, body, status)}/`)).toBeUndefined()
  })
})
