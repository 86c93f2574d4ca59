import { once } from 'node:events'
import { get as httpGet, type IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { afterEach, describe, expect, test } from 'vitest'
import { asApi, basic, bearer, call, get, logIn, postForm, signUp } from '../testing/calls.ts'
import { closeGiven, type GivenServer, given, issuer, secrets } from '../testing/given.ts'
import { revocations } from './revocations.ts'

const open: IncomingMessage[] = []

afterEach(async () => {
  for (const response of open.splice(0)) response.destroy()
  await closeGiven()
})

interface SentEvent {
  readonly id: string
  readonly event: string
  readonly data: { position: string; as_of: number; entries: { kind: string; id: string }[]; snapshot?: boolean }
}

interface Stream {
  readonly response: IncomingMessage
  next(): Promise<SentEvent>
  /** The next event that is no heartbeat. */
  nextEntries(): Promise<SentEvent>
}

/** Follows the feed over a real socket. */
async function follow(address: string, headers: Readonly<Record<string, string>> = {}): Promise<Stream> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const all = { ...asApi, accept: 'text/event-stream', ...headers }
    httpGet(`${address}/revocations`, { headers: all, agent: false }, resolve).on('error', reject)
  })
  open.push(response)
  const events = eventsOf(response)
  const next = async (): Promise<SentEvent> => {
    const { value, done } = await events.next()
    if (done) throw new Error('the stream ended')
    return value
  }
  return {
    response,
    next,
    async nextEntries() {
      for (;;) {
        const one = await next()
        if (one.event !== 'heartbeat') return one
      }
    },
  }
}

async function* eventsOf(response: IncomingMessage): AsyncGenerator<SentEvent, undefined> {
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) {
    text += chunk
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const fields = new Map(
        text
          .slice(0, end)
          .split('\n')
          .map(line => line.split(/: (.*)/) as [string, string]),
      )
      text = text.slice(end + 2)
      yield {
        id: fields.get('id') ?? '',
        event: fields.get('event') ?? '',
        data: JSON.parse(fields.get('data') ?? 'null'),
      }
    }
  }
  return undefined
}

async function listening(): Promise<{ to: GivenServer; address: string }> {
  const to = await given.server()
  return { to, address: await to.server.listen({ host: '127.0.0.1', port: 0 }) }
}

describe('the event stream', () => {
  test('begins with a snapshot, then tells what is revoked as it happens', async () => {
    const { to, address } = await listening()
    await signUp(to)
    const [first, second] = [await logIn(to), await logIn(to)]
    await postForm(to, '/revoke', { token: first.refreshToken, client_id: 'bearer-app' })
    const stream = await follow(address)
    expect(stream.response.headers).toMatchObject({ 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    const snapshot = await stream.next()
    expect(snapshot).toMatchObject({ event: 'snapshot', id: 'a1.2', data: { position: 'a1.2' } })
    expect(snapshot.data.as_of).toBe(to.now() / 1000)
    expect(snapshot.data.entries.map(({ kind, id }) => [kind, id])).toContainEqual(['session', first.sessionId])
    await postForm(to, '/revoke', { token: second.refreshToken, client_id: 'bearer-app' })
    const told = await stream.nextEntries()
    expect(told).toMatchObject({ event: 'entries', id: 'a1.4' })
    expect(told.data.entries).toContainEqual({
      kind: 'session',
      id: second.sessionId,
      until: Math.ceil(to.now() / 1000) + 900 + 120,
    })
  })

  test('a heartbeat says that the store was just looked at', async () => {
    const { to, address } = await listening()
    const stream = await follow(address)
    await stream.next()
    to.setClock(to.now() + 5_000)
    await to.server.services.feed.look()
    let heartbeat = await stream.next()
    while (heartbeat.data.as_of !== to.now() / 1000) heartbeat = await stream.next()
    expect(heartbeat).toMatchObject({ event: 'heartbeat', id: 'a1.0', data: { entries: [] } })
  })

  test('Last-Event-ID resumes after that place; of another history, too new or malformed: a snapshot', async () => {
    const { to, address } = await listening()
    await signUp(to)
    for (let count = 0; count < 2; count++) {
      const { refreshToken } = await logIn(to)
      await postForm(to, '/revoke', { token: refreshToken, client_id: 'bearer-app' })
    }
    const resumed = await (await follow(address, { 'last-event-id': 'a1.3' })).next()
    expect([resumed.event, resumed.id, resumed.data.entries.length]).toEqual(['entries', 'a1.4', 1])
    const whole = await (await follow(address, { 'last-event-id': 'a1.4' })).next()
    expect([whole.event, whole.data.entries]).toEqual(['heartbeat', []])
    for (const id of ['b2.3', 'a1.5', 'a1.', 'a1', '.3', 'a1.-1', 'a1.1e1', 'x'.repeat(2_000)]) {
      const other = await (await follow(address, { 'last-event-id': id })).next()
      expect([other.event, other.data.entries.length]).toEqual(['snapshot', 4])
    }
  })

  test('a reader that hangs up is forgotten, also one that never waited for the answer', async () => {
    const { to, address } = await listening()
    const { feed } = to.server.services
    const stream = await follow(address)
    await stream.next()
    expect(feed.followers()).toBe(1)
    stream.response.destroy()
    const hasty = httpGet(`${address}/revocations`, {
      headers: { ...asApi, accept: 'text/event-stream' },
      agent: false,
    })
    hasty.on('error', () => {})
    await new Promise(resolve => hasty.on('socket', socket => socket.on('connect', resolve)))
    hasty.destroy()
    await expect.poll(() => feed.followers(), { timeout: 10_000 }).toBe(0)
  })

  test('a reader that does not read is let go, and memory stays bounded; however long its first snapshot was', async () => {
    const { to } = await listening()
    const { services } = to.server
    const entries = Array.from({ length: 20_000 }, (_, index) => ({
      kind: 'token' as const,
      id: `${'x'.repeat(60)}${index}`,
      until: to.now() / 1000 + 900,
    }))
    const revoke = (some: typeof entries) =>
      to.store.commit({ writes: [], audit: [], entries: some, durable: true, time: to.now() })
    await revoke(entries)
    const headers: Record<string, string> = { ...asApi, accept: 'text/event-stream' }
    const request = { method: 'GET', path: '/revocations', query: '', params: {}, body: '', ip: '127.0.0.1' }
    const { body } = await revocations(services)({ ...request, header: name => headers[name] })
    if (!(body instanceof Readable)) throw new Error('no stream')
    expect([body.destroyed, services.feed.followers()]).toEqual([false, 1])
    for (let times = 0; times < 3; times++) {
      await revoke(entries)
      await services.feed.look()
    }
    expect(body.destroyed).toBe(true)
    await expect.poll(() => services.feed.followers(), { timeout: 10_000 }).toBe(0)
  })

  test('a client follows from so many places and no more, and from another one once it has left one; others do not suffer', async () => {
    const { to } = await listening()
    const follows = revocations(to.server.services, 2)
    const request = { method: 'GET', path: '/revocations', query: '', params: {}, body: '', ip: '127.0.0.1' }
    const as = (who: Readonly<Record<string, string>>) => {
      const headers: Record<string, string> = { ...who, accept: 'text/event-stream' }
      return follows({ ...request, header: name => headers[name] })
    }
    const [first] = [await as(asApi), await as(asApi)]
    const refused = await as(asApi)
    expect([refused.status, refused.headers['retry-after'], JSON.parse(String(refused.body)).reason]).toEqual([
      429,
      '60',
      'too_many_attempts',
    ])
    expect((await as(basic('orders', secrets.orders))).status).toBe(200)
    if (!(first?.body instanceof Readable)) throw new Error('no stream')
    const left = once(first.body, 'close')
    first.body.destroy()
    await left
    expect((await as(asApi)).status).toBe(200)
    expect((await as(asApi)).status).toBe(429)
  })

  test('HEAD does not begin to follow', async () => {
    const { to } = await listening()
    const headers = { ...asApi, accept: 'text/event-stream' }
    const answer = await call(to, { method: 'HEAD', url: '/revocations', headers })
    expect([answer.status, answer.text]).toEqual([200, ''])
    await expect.poll(() => to.server.services.feed.followers(), { timeout: 10_000 }).toBe(0)
  })

  test('ends when what opened it does: its token revoked or expired, its client disabled', async () => {
    const { to, address } = await listening()
    const mint = async () => {
      const answer = await postForm(to, '/token', { grant_type: 'client_credentials', scope: 'revocations' }, asApi)
      return String(answer.body.access_token)
    }
    const [revoked, expiring] = [await mint(), await mint()]
    const streams = [await follow(address, bearer(revoked)), await follow(address, bearer(expiring))] as const
    const bySecret = await follow(address)
    const ending = async (stream: Stream) => {
      for (;;) await stream.next()
    }
    await postForm(to, '/revoke', { token: revoked }, asApi)
    await expect(ending(streams[0])).rejects.toThrow('the stream ended')
    expect(to.server.services.feed.followers()).toBe(2)
    await to.later(900)
    await expect(ending(streams[1])).rejects.toThrow('the stream ended')
    expect(to.server.services.feed.followers()).toBe(1)
    const found = await to.store.loadClient('api')
    if (found === undefined) throw new Error('no client')
    const row = { ...found.client, disabled: true }
    await to.store.commit({ writes: [{ table: 'client', row }], audit: [], entries: [], durable: true, time: to.now() })
    await expect(ending(bySecret)).rejects.toThrow('the stream ended')
  })

  test('a server that stops ends its streams and is closed at once', async () => {
    const { to, address } = await listening()
    const stream = await follow(address)
    await stream.next()
    const closed = to.server.close()
    await expect(
      (async () => {
        for (;;) await stream.next()
      })(),
    ).rejects.toThrow('the stream ended')
    await closed
    expect(to.server.services.feed.followers()).toBe(0)
  })
})

describe('as JSON', () => {
  test('the first page is a snapshot; ?after gives what came since; If-None-Match gives 304', async () => {
    const { to } = await listening()
    await signUp(to)
    const first = await get(to, '/revocations', asApi)
    expect(first.body).toEqual({ position: 'a1.0', as_of: to.now() / 1000, entries: [], snapshot: true })
    const { refreshToken } = await logIn(to)
    await postForm(to, '/revoke', { token: refreshToken, client_id: 'bearer-app' })
    const second = await get(to, '/revocations?after=a1.1', asApi)
    expect(second.body).toMatchObject({ position: 'a1.2', entries: [{ kind: 'session' }] })
    expect(second.body).not.toHaveProperty('snapshot')
    const etag = String(second.headers.etag)
    for (const header of [etag, `W/${etag}`, `"x", ${etag}`]) {
      const same = await get(to, '/revocations?after=a1.1', { ...asApi, 'if-none-match': header })
      expect([same.status, same.text, same.headers.etag]).toEqual([304, '', etag])
    }
    expect((await get(to, '/revocations?after=a1.1', { ...asApi, 'if-none-match': '"x"' })).status).toBe(200)
    expect(second.headers['cache-control']).toContain('private')
  })

  test.each(['b2.0', 'a1.99', 'rubbish', '1'])('an unknown position (%s) gives a snapshot', async after => {
    const { to } = await listening()
    expect((await get(to, `/revocations?after=${after}`, asApi)).body.snapshot).toBe(true)
  })
})

test('the feed is for back ends with the right, by secret or by token', async () => {
  const { to } = await listening()
  await signUp(to)
  const { accessToken } = await logIn(to)
  const machine = { grant_type: 'client_credentials', client_id: 'api', client_secret: secrets.api }
  const token = async (scope: string): Promise<string> =>
    String((await postForm(to, '/token', { ...machine, scope })).body.access_token)
  const statusOf = async (headers: Record<string, string>): Promise<unknown> => {
    const { status, body } = await get(to, '/revocations', headers)
    return [status, body.reason]
  }
  expect(await statusOf(bearer(await token('revocations')))).toEqual([200, undefined])
  expect(await statusOf({})).toEqual([401, 'client_authentication_failed'])
  expect(await statusOf(basic('api', 'wrong'))).toEqual([401, 'client_authentication_failed'])
  expect(await statusOf(basic('web', secrets.web))).toEqual([400, 'client_not_allowed'])
  expect(await statusOf(bearer(await token('introspection')))).toEqual([403, 'scope_insufficient'])
  expect(await statusOf(bearer(accessToken))).toEqual([403, 'scope_insufficient'])
  expect(issuer).toBe(to.server.services.config.issuer)
})
