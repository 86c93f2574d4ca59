import { expect, test, vi } from 'vitest'
import { apiUrl, createWorld, credentials, issuerUrl, type Tab, type World } from './testing/world.ts'

const echo = `${apiUrl}/api/echo`

async function signedIn(options: Parameters<typeof createWorld>[0] = {}): Promise<{ world: World; tab: Tab }> {
  const world = createWorld(options)
  const tab = world.tab()
  await world.until(tab.app.signIn(credentials))
  return { world, tab }
}

test('the token goes to the listed origins and to the issuer, and nowhere else', async () => {
  const { world, tab } = await signedIn()
  const elsewhere = [
    'https://evil.example',
    'http://api.example.com',
    'https://api.example.com.evil.example',
    'https://api.example.com:444',
  ]
  for (const origin of [apiUrl, issuerUrl, ...elsewhere]) {
    await world.until(tab.app.fetch(`${origin}/api/public`))
    expect(world.sent.at(-1)?.headers.has('Authorization')).toBe(!elsewhere.includes(origin))
  }
})

test('a relative address is meant as the browser means it, by <base>: what was checked is what is called', async () => {
  const { world, tab } = await signedIn()
  const called = async (base: string) => {
    vi.stubGlobal('document', { baseURI: base })
    vi.stubGlobal('location', { href: `${apiUrl}/app` })
    await world.until(tab.app.fetch('/api/public'))
    vi.unstubAllGlobals()
    return world.sent.at(-1)
  }
  const own = await called(`${apiUrl}/app`)
  expect([own?.url, own?.headers.has('Authorization')]).toEqual([`${apiUrl}/api/public`, true])
  const foreign = await called('https://evil.example/').catch(() => undefined)
  expect(foreign?.headers.has('Authorization') ?? false).toBe(false)
})

test('a request with its own Authorization is left alone, whatever is answered', async () => {
  const { world, tab } = await signedIn()
  const answer = await world.until(tab.app.fetch(echo, { headers: { authorization: 'Bearer of somebody else' } }))
  expect(answer.status).toBe(401)
  expect(world.sent.at(-1)?.headers.get('Authorization')).toBe('Bearer of somebody else')
  expect(world.posts('/token')).toBe(0)
})

test('signed out, calls go out without a token', async () => {
  const world = createWorld()
  const tab = world.tab()
  expect((await world.until(tab.app.fetch(`${apiUrl}/api/public`))).status).toBe(200)
  expect((await world.until(tab.app.fetch(echo))).status).toBe(401)
  expect(world.posts('/token')).toBe(0)
})

test('a stale 401, after a rotation, does not refresh again', async () => {
  const { world, tab } = await signedIn()
  world.issuer.expireAll()
  // Two calls leave with the old token; the answer of one of them comes long after the other has renewed.
  world.latency = 2_000
  const slow = tab.app.fetch(echo)
  await world.pass(1)
  world.latency = 20
  expect((await world.until(tab.app.fetch(echo))).status).toBe(200)
  expect((await world.until(slow)).status).toBe(200)
  expect(world.issuer.counts.posts).toBe(1)
})

test('an API that always says 401: one refresh, two requests; and not one more for the token that it refused', async () => {
  const { world, tab } = await signedIn()
  const call = () => world.until(tab.app.fetch(`${apiUrl}/api/forbidden`))
  expect((await call()).status).toBe(401)
  expect(world.posts('/api/forbidden')).toBe(2)
  expect(world.posts('/token')).toBe(1)
  expect((await call()).status).toBe(401)
  expect(world.posts('/api/forbidden')).toBe(3)
  expect(world.posts('/token')).toBe(1)
  await world.pass(31_000)
  await call()
  expect(world.posts('/token')).toBe(2)
})

test('a wrong password is a 401 that refreshes nothing', async () => {
  const { world, tab } = await signedIn()
  const answer = await world.until(
    tab.app.fetch(`${issuerUrl}/v1/password`, { method: 'POST', body: '{"current_password":"x"}' }),
  )
  expect(answer.status).toBe(401)
  expect(world.posts('/v1/password')).toBe(1)
  expect(world.posts('/token')).toBe(0)
})

function form(): FormData {
  const fields = new FormData()
  fields.set('greeting', 'hello')
  return fields
}

const bodies: Record<string, () => [input: string | URL | Request, init?: RequestInit]> = {
  'a string': () => [echo, { method: 'POST', body: 'hello' }],
  FormData: () => [echo, { method: 'POST', body: form() }],
  URLSearchParams: () => [new URL(echo), { method: 'POST', body: new URLSearchParams({ greeting: 'hello' }) }],
  'a Blob': () => [echo, { method: 'POST', body: new Blob(['hello'], { type: 'text/plain' }) }],
  'a Request': () => [new Request(echo, { method: 'POST', body: 'hello' })],
  'a Request with another body': () => [new Request(echo, { method: 'POST', body: 'x' }), { body: 'hello' }],
  'a Request with a FormData body': () => [new Request(echo, { method: 'POST', body: form() })],
}

for (const [name, build] of Object.entries(bodies)) {
  test(`a POST with ${name} is sent again, complete, after a refresh`, async () => {
    const { world, tab } = await signedIn()
    world.issuer.expireAll()
    const answer = await world.until(tab.app.fetch(...build()))
    expect(answer.status).toBe(200)
    expect((await world.until(answer.json())).body).toContain('hello')
    expect(world.posts('/api/echo')).toBe(2)
    expect(world.issuer.counts.posts).toBe(1)
  })
}

test('a stream cannot be sent again: the caller gets the 401', async () => {
  const { world, tab } = await signedIn()
  world.issuer.expireAll()
  const body = new Blob(['hello']).stream()
  const answer = await world.until(tab.app.fetch(echo, { method: 'POST', body, duplex: 'half' } as RequestInit))
  expect(answer.status).toBe(401)
  expect(world.posts('/api/echo')).toBe(1)
})

test('a Request that was used before is refused, as fetch does', async () => {
  const { world, tab } = await signedIn()
  const used = new Request(echo, { method: 'POST', body: 'hello' })
  await world.until(used.text())
  await expect(world.until(tab.app.fetch(used))).rejects.toThrow(TypeError)
})

test('a call that is aborted while it waits for a token ends at once', async () => {
  const { world, tab } = await signedIn()
  world.issuer.expireAll()
  world.fault = ({ path }) => (path === '/token' ? 'hang' : undefined)
  const abort = new AbortController()
  const call = tab.app.fetch(echo, { signal: abort.signal })
  call.catch(() => {})
  await world.pass(1_000)
  const before = world.now()
  abort.abort(new Error('changed my mind'))
  await expect(world.until(call)).rejects.toThrow('changed my mind')
  expect(world.now()).toBe(before)
})

test('a request of one login is never sent again under another', async () => {
  const { world, tab } = await signedIn()
  world.issuer.endAll('session_ended')
  world.latency = 2_000
  const call = tab.app.fetch(echo, { method: 'POST', body: 'from the first login' })
  await world.pass(1)
  world.latency = 20
  await world.until(world.tab().app.signIn(credentials))
  expect((await world.until(call)).status).toBe(401)
  expect(world.posts('/api/echo')).toBe(1)
})

test('tokens of type DPoP go with a proof for each request that names method, address and token (RFC 9449 §7.1)', async () => {
  const { world, tab } = await signedIn({ tokenType: 'DPoP' })
  const answer = await world.until(tab.app.fetch(`${issuerUrl}/api/echo?query#fragment`, { method: 'put', body: 'x' }))
  expect(answer.status).toBe(200)
  expect(world.sent.at(-1)?.headers.get('Authorization')).toMatch(/^DPoP access-/)
  world.issuer.expireAll()
  expect((await world.until(tab.app.fetch(`${issuerUrl}/api/echo`))).status).toBe(200)
  expect(world.issuer.counts.posts).toBe(1)
})

test('an API that asks for a nonce gets it, without a refresh (RFC 9449 §9)', async () => {
  const { world, tab } = await signedIn({ tokenType: 'DPoP' })
  const challenge = new Response(null, {
    status: 401,
    headers: { 'DPoP-Nonce': 'n-1', 'WWW-Authenticate': 'DPoP error="use_dpop_nonce"' },
  })
  world.fault = ({ headers }) => (claimsOf(headers).nonce === 'n-1' ? undefined : challenge)
  expect((await world.until(tab.app.fetch(`${issuerUrl}/api/echo`))).status).toBe(200)
  expect(world.posts('/api/echo')).toBe(2)
  expect(world.posts('/token')).toBe(0)
})

function claimsOf(headers: Headers): { nonce?: string } {
  return JSON.parse(Buffer.from(headers.get('DPoP')?.split('.')[1] ?? 'e30', 'base64url').toString())
}
