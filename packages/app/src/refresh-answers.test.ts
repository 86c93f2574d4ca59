import { finalRefreshReasons, type Reason, reasons } from '@countersign/protocol'
import { expect, test } from 'vitest'
import { adopt } from './account.ts'
import { apiUrl, createWorld, credentials, type Fault } from './testing/world.ts'

const echo = `${apiUrl}/api/echo`

function refusal(reason: Reason, { header = true, status = reasons[reason].status as number } = {}): Response {
  const body = { error: reasons[reason].error, error_description: '', reason }
  return Response.json(body, { status, headers: header ? { 'Countersign-Reason': reason } : {} })
}

const text = (status: number, body: string, type = 'text/html') =>
  new Response(body, { status, headers: { 'Content-Type': type } })

/** Answers that say nothing about the login, whoever gave them. */
const passing: Record<string, Fault> = {
  ...Object.fromEntries(
    [408, 425, 429, 500, 502, 503, 520].map(status => [`${status}`, Response.json({ error: 'no' }, { status })]),
  ),
  'an HTML 200 (captive portal)': text(200, '<h1>Welcome to the hotel</h1>'),
  'an HTML 403 (a proxy)': text(403, '<h1>Forbidden</h1>'),
  'broken JSON': text(200, '{"access_token":', 'application/json'),
  'JSON that is no token answer': Response.json({ access_token: 'x' }),
  'a token answer with an unknown type': Response.json({ access_token: 'x', token_type: 'mac', expires_in: 1 }),
  'invalid_grant of somebody else': text(400, '{"error":"invalid_grant"}', 'application/json'),
  'our body without our header': refusal('session_ended', { header: false }),
  'our refusal with another status': refusal('session_ended', { status: 403 }),
  'our header on HTML': new Response('<p>', { status: 400, headers: { 'Countersign-Reason': 'session_ended' } }),
  'a 503 with our reason': refusal('unavailable'),
  'a lost request': 'lose-request',
  'no answer at all': 'hang',
}

for (const [name, fault] of Object.entries(passing)) {
  test(`${name}: still signed in, the token that is left still works, and later all is well`, async () => {
    const world = createWorld({ lifetimeSeconds: 300 })
    const tab = world.tab()
    await world.until(tab.app.signIn(credentials))
    world.fault = ({ path }) => (path === '/token' ? fault : undefined)

    expect((await world.until(tab.app.refresh())).status).toBe('degraded')
    expect((await world.until(tab.app.fetch(echo))).status).toBe(200)

    world.issuer.expireAll()
    expect((await world.until(tab.app.fetch(echo))).status).toBe(401)
    await world.pass(301_000)
    expect(['degraded', 'refreshing']).toContain(tab.app.state.status)
    await expect(world.until(tab.app.fetch(echo))).rejects.toMatchObject({ code: 'unavailable' })

    world.fault = () => undefined
    await world.pass(61_000)
    expect((await world.until(tab.app.fetch(echo))).status).toBe(200)
    expect(tab.app.state).toEqual({ status: 'fresh' })
    expect(world.issuer.counts).toMatchObject({ rotations: 1, reuses: 0, revocations: 0, logins: 1 })
  })
}

for (const reason of finalRefreshReasons) {
  test(`${reason} from the issuer signs out, and says so`, async () => {
    const world = createWorld()
    const tab = world.tab()
    await world.until(tab.app.signIn(credentials))
    world.fault = ({ path }) => (path === '/token' ? refusal(reason) : undefined)
    expect(await world.until(tab.app.refresh())).toEqual({ status: 'signedOut', reason })
    await world.pass(3_600_000)
    expect(world.posts('/token')).toBe(1)
  })
}

test('invalid_client tells the developer, stops, and keeps the login until that is put right', async () => {
  const world = createWorld()
  const tab = world.tab()
  await world.until(tab.app.signIn(credentials))
  world.fault = ({ path }) => (path === '/token' ? refusal('client_authentication_failed') : undefined)
  const state = await world.until(tab.app.refresh())
  expect(state).toEqual({ status: 'degraded', retryAt: Number.POSITIVE_INFINITY })
  expect(tab.reports).toEqual(['Client refused: client_authentication_failed.'])
  await world.pass(3_600_000)
  expect(world.posts('/token')).toBe(1)
  await expect(world.until(tab.app.getToken())).rejects.toMatchObject({ code: 'unavailable' })

  // Put right in the meantime: the page that is looked at again goes on.
  world.fault = () => undefined
  tab.wake()
  await world.pass(1_000)
  expect(tab.app.state).toEqual({ status: 'fresh' })
})

test('failures are tried again with full jitter between nothing and half a second, doubling up to a minute', async () => {
  const world = createWorld()
  const tab = world.tab()
  await world.until(tab.app.signIn(credentials))
  const moments: number[] = []
  world.fault = ({ path }) => {
    if (path !== '/token') return undefined
    moments.push(world.now())
    return 'lose-request'
  }
  await world.until(tab.app.refresh())
  await world.pass(20 * 60_000)
  const pauses = moments.slice(1).map((moment, index) => moment - (moments[index] ?? 0) - world.latency)
  pauses.forEach((pause, index) => {
    expect(pause).toBeLessThanOrEqual(Math.min(60_000, 500 * 2 ** index))
  })
  expect(Math.max(...pauses)).toBeGreaterThan(30_000)
  expect(new Set(pauses).size).toBe(pauses.length)
})

test('Retry-After is kept, by the timer, by a manual refresh, and when the page comes back', async () => {
  const world = createWorld()
  const tab = world.tab()
  await world.until(tab.app.signIn(credentials))
  const busy = Response.json({ error: 'too_many_attempts' }, { status: 429, headers: { 'Retry-After': '120' } })
  world.fault = ({ path }) => (path === '/token' ? busy : undefined)
  await world.until(tab.app.refresh())
  expect(tab.app.state).toMatchObject({ status: 'degraded', retryAt: world.now() + 120_000 })
  world.fault = () => undefined
  await world.pass(60_000)
  await world.until(tab.app.refresh())
  tab.wake()
  await world.pass(59_000)
  expect(world.posts('/token')).toBe(1)
  await world.pass(1_100)
  expect(world.posts('/token')).toBe(2)
  expect(tab.app.state).toEqual({ status: 'fresh' })
})

test('a date in Retry-After is read by the clock of the server, not by a wrong one', async () => {
  const world = createWorld()
  const tab = world.tab()
  tab.clockError = -24 * 3_600_000
  await world.until(tab.app.signIn(credentials))
  const end = new Date(world.now() + 60_000).toUTCString()
  const busy = new Response('', { status: 503, headers: { 'Retry-After': end } })
  world.fault = ({ path }) => (path === '/token' ? busy : undefined)
  await world.until(tab.app.refresh())
  const { retryAt } = tab.app.state as { retryAt: number }
  expect(Math.abs(retryAt - tab.clockError - world.now() - 60_000)).toBeLessThan(1_500)
})

test('degraded, and the network is back: tried at once', async () => {
  const world = createWorld()
  const tab = world.tab()
  await world.until(tab.app.signIn(credentials))
  tab.online = false
  await world.until(tab.app.refresh())
  await world.pass(10 * 60_000)
  expect(['degraded', 'refreshing']).toContain(tab.app.state.status)
  tab.online = true
  tab.wake()
  await world.pass(100)
  expect(tab.app.state).toEqual({ status: 'fresh' })
})

test('a server that asks for a nonce gets it, in one more request, and in the first one from then on', async () => {
  const world = createWorld({ nonce: 'n-1' })
  const tab = world.tab()
  await world.until(tab.app.signIn(credentials))
  expect(world.posts('/v1/sessions')).toBe(2)
  await world.until(tab.app.refresh())
  expect(world.posts('/token')).toBe(1)
})

test('tokens without a refresh token last as long as they last, and cannot be renewed', async () => {
  const world = createWorld()
  const tab = world.tab()
  const tokens = { access_token: 'x', token_type: 'Bearer', expires_in: 60, server_time: world.now() / 1000 } as const
  await world.until(adopt(tab.app, tokens))
  expect(await world.until(tab.app.getToken())).toBe('x')
  expect(tab.app.bound).toBe(false)
  await world.pass(61_000)
  await expect(world.until(tab.app.getToken())).rejects.toMatchObject({ code: 'unavailable' })
  expect(tab.reports).toEqual(['No refresh token.'])
})

test('no report, error, refusal or state holds a token or a password', async () => {
  const world = createWorld({ lifetimeSeconds: 60 })
  const tab = world.tab()
  const said: unknown[] = []
  const hear = (work: Promise<unknown>) =>
    world.until(
      work.then(
        value => said.push(value),
        error => said.push(error),
      ),
    )
  await hear(tab.app.signIn({ ...credentials, password: 'wrong horse' }))
  await hear(tab.app.signIn(credentials))
  world.fault = ({ path }) => (path === '/token' ? refusal('client_authentication_failed') : undefined)
  await hear(tab.app.refresh())
  await world.pass(61_000)
  await hear(tab.app.getToken())
  tab.online = false
  await hear(tab.app.fetch(echo))
  await hear(tab.app.signIn(credentials))
  await hear(tab.app.signOut())
  await hear(tab.app.getToken())
  const everything = [...said, ...tab.reports, ...tab.states].map(one =>
    one instanceof Error ? `${one.stack} ${JSON.stringify(one)}` : JSON.stringify(one),
  )
  expect(everything.length).toBeGreaterThan(10)
  expect(everything.join('\n')).not.toMatch(/cs_rt_|access-\d|horse/)
})
