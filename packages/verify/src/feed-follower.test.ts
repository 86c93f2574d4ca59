import type { FeedEntry } from '@countersign/protocol'
import { isRefusal } from '@countersign/protocol'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { RevocationOptions } from './configuration.ts'
import { createVerifier } from './create-verifier.ts'
import type { Policy } from './policy.ts'
import { type HeldTime, holdTime } from './testing/held-time.ts'
import { startIssuer, type TestIssuer } from './testing/issuer.ts'
import { makeSigner } from './testing/signer.ts'
import type { Verifier } from './verifier.ts'

let time: HeldTime
let issuer: TestIssuer
let opened: Verifier[]

beforeEach(async () => {
  time = holdTime()
  issuer = await startIssuer(time.nowSeconds)
  opened = []
})

afterEach(async () => {
  for (const each of opened) each.close()
  await issuer.close()
})

function open(more: Partial<RevocationOptions> = {}): Verifier {
  const revocations = { clientId: 'demo api', clientSecret: 'ge:heim/ü', ...more }
  const made = createVerifier({ issuer: issuer.url, audience: 'api', revocations, ...time.runtime })
  opened.push(made)
  return made
}

function token(more: Record<string, unknown> = {}): string {
  const now = time.nowSeconds()
  const claims = {
    iss: issuer.url,
    sub: 'user-1',
    aud: 'api',
    iat: now,
    exp: now + 90_000,
    jti: 't',
    fam: 'f',
    sid: 's',
  }
  return issuer.signer.sign({ ...claims, client_id: 'app', epo: { all: 1, user: 1, client: 1 }, ...more })
}

async function outcome(by: Verifier, text: string, policy?: Policy): Promise<string> {
  const verification = await by.verify(text, policy)
  if (isRefusal(verification)) return verification.reason
  return verification.stale ? 'stale' : 'current'
}

/** Until what was sent has arrived, or what was cut is noticed. Time goes on slowly if a retry is waited for. */
async function until(condition: () => boolean, stepMilliseconds = 0): Promise<void> {
  while (!condition()) {
    time.advance(stepMilliseconds)
    await new Promise(setImmediate)
  }
}

function position(by: Verifier): string | undefined {
  return by.status().revocations?.position
}

const session: FeedEntry = { kind: 'session', id: 's', until: 4e9 }

test('a token is refused from the moment that the feed has named its session, and no call was made for it', async () => {
  const by = open()
  await by.ready()
  const text = token()
  expect(await outcome(by, text)).toBe('current')
  const { length } = issuer.asked
  issuer.send('entries', [session])
  await until(() => by.status().revocations?.entries === 1)
  expect(by.verify(text)).toMatchObject({ refused: true, reason: 'token_revoked' })
  expect(await outcome(by, token({ sid: 'other' }))).toBe('current')
  expect(issuer.asked.length).toBe(length)
})

test('the key in the header kills whatever the token says', async () => {
  issuer.onFollow = (_request, send) => send('snapshot', [{ kind: 'key', id: 'key-1', until: 4e9 }])
  const by = open()
  await by.ready()
  expect(await outcome(by, token({ kid: 'other', sid: 'x' }))).toBe('token_revoked')
})

test('a key that was retired is told as that, though it has left the key set meanwhile; a key that never was is not', async () => {
  const by = open()
  await by.ready()
  const retired = token()
  issuer.jwks = { keys: [] }
  issuer.send('entries', [{ kind: 'key', id: 'key-1', until: 4e9 }])
  await until(() => by.status().keys?.count === 0)
  expect(await outcome(by, retired)).toBe('token_revoked')
  expect(await outcome(by, makeSigner('ES256', 'made-up').sign({ iss: issuer.url }))).toBe('key_unknown')
})

test('keys that are retired one after another: each time the feed says so the keys are fetched, cool-down or not', async () => {
  const by = open()
  await by.ready()
  await issuer.askedTimes('/jwks', 1)
  for (const times of [2, 3, 4]) {
    issuer.send('entries', [{ kind: 'key', id: `retired-${times}`, until: 4e9 }])
    await issuer.askedTimes('/jwks', times)
  }
  expect(await outcome(by, token())).toBe('current')
})

test('a raised epoch kills older tokens and lets the login right after it live', async () => {
  const by = open()
  await by.ready()
  const [before, after] = [token(), token({ epo: { all: 1, user: 2, client: 1 } })]
  expect([await outcome(by, before), await outcome(by, after)]).toEqual(['current', 'current'])
  issuer.send('entries', [{ kind: 'user', id: 'user-1', below: 2, at: time.nowSeconds(), until: 4e9 }])
  await until(() => by.status().revocations?.entries === 1)
  expect([await outcome(by, before), await outcome(by, after)]).toEqual(['token_revoked', 'current'])
})

test('the client says who it is by Basic authentication, form-encoded (RFC 6749 §2.3.1)', async () => {
  await open().ready()
  const [kind, value = ''] = issuer.feedRequests[0]?.authorization?.split(' ') ?? []
  expect([kind, Buffer.from(value, 'base64').toString()]).toEqual(['Basic', 'demo+api:ge%3Aheim%2F%C3%BC'])
  expect(issuer.feedRequests[0]?.accept).toBe('text/event-stream')
})

test('ready waits for the first snapshot, and tokens before it are stale', async () => {
  issuer.onFollow = () => {}
  const by = open()
  let ready = false
  const waiting = by.ready().then(() => {
    ready = true
  })
  await issuer.askedTimes('/revocations', 1)
  expect([await outcome(by, token()), ready]).toEqual(['stale', false])
  expect(await outcome(by, token(), { whenStale: 'reject' })).toBe('revocations_stale')
  issuer.send('snapshot')
  await waiting
  expect(await outcome(by, token())).toBe('current')
})

test('ten seconds of silence make it stale, a heartbeat makes it current again', async () => {
  const by = open()
  await by.ready()
  const text = token()
  time.advance(9_999)
  expect(await outcome(by, text)).toBe('current')
  issuer.send('heartbeat')
  await until(() => position(by) === 'life.2')
  time.advance(9_999)
  expect(await outcome(by, text)).toBe('current')
  time.advance(1)
  expect(by.status().revocations?.state).toBe('stale')
  expect(await outcome(by, text)).toBe('stale')
  expect(await outcome(by, text, { whenStale: 'reject' })).toBe('revocations_stale')
  expect(await by.verify(text, { whenStale: 'reject' })).toMatchObject({ retryAfterSeconds: expect.any(Number) })
})

test('silence is noticed by the monotonic clock when the wall clock is set back, and by the wall after a sleep', async () => {
  const by = open()
  await by.ready()
  const text = token({ iat: time.nowSeconds() - 5_000 })
  time.setWall(time.nowSeconds() - 3_600)
  time.advance(10_000)
  expect(await outcome(by, text)).toBe('stale')
  issuer.send('heartbeat')
  await until(() => by.status().revocations?.state === 'current', 20)
  time.setWall(time.nowSeconds() + 3_600)
  expect(await outcome(by, text)).toBe('stale')
})

test('after a silence it hangs up, comes back with its position, and goes on from there', async () => {
  const by = open()
  await by.ready()
  issuer.send('entries', [session])
  await until(() => position(by) === 'life.2')
  issuer.onFollow = (request, send) => {
    expect(request.headers['last-event-id']).toBe('life.2')
    send('entries', [{ kind: 'family', id: 'g', until: 4e9 }])
  }
  time.advance(10_000)
  await until(() => by.status().revocations?.entries === 2, 10)
  expect(await outcome(by, token({ sid: 'other', fam: 'g' }))).toBe('token_revoked')
  expect(await outcome(by, token())).toBe('token_revoked')
  expect(issuer.feedRequests.length).toBe(2)
})

test('what was revoked while it was away is known before it counts as current again', async () => {
  const by = open({ whenStale: 'reject' })
  await by.ready()
  issuer.onFollow = () => {}
  issuer.cutFeed()
  time.advance(10_000)
  await until(() => issuer.feedRequests.length === 2, 10)
  expect(await outcome(by, token())).toBe('revocations_stale')
  issuer.send('entries', [session])
  await until(() => by.status().revocations?.state === 'current')
  expect(await outcome(by, token())).toBe('token_revoked')
})

test('a snapshot of another incarnation replaces everything at once', async () => {
  issuer.onFollow = (_request, send) => send('snapshot', [session])
  const by = open()
  await by.ready()
  const text = token()
  expect(await outcome(by, text)).toBe('token_revoked')
  issuer.onFollow = (_request, send) => send('snapshot', [{ kind: 'family', id: 'g', until: 4e9 }], 'reborn.1')
  issuer.cutFeed()
  await until(() => position(by) === 'reborn.1', 10)
  expect(await outcome(by, text)).toBe('current')
  expect(await outcome(by, token({ fam: 'g' }))).toBe('token_revoked')
})

test('a feed that goes on in another incarnation, or without any snapshot, is asked for one', async () => {
  const by = open()
  await by.ready()
  issuer.onFollow = (request, send) => {
    expect(request.headers['last-event-id']).toBeUndefined()
    send('snapshot', [session], 'reborn.2')
  }
  issuer.send('entries', [], 'reborn.1')
  await until(() => position(by) === 'reborn.2', 10)
  expect(await outcome(by, token())).toBe('token_revoked')
})

test('rubbish in the feed ends the connection and never the entries that are known', async () => {
  const texts = [
    'data: {}\nevent: entries\n\n',
    'data: not json\nevent: snapshot\n\n',
    'data: null\nevent: heartbeat\n\n',
    'data: {"position":"life.9","as_of":1,"entries":[{"kind":"session","id":7,"until":1}]}\nevent: entries\n\n',
    'data: {"position":"life.9","as_of":1,"entries":[{"kind":"user","id":"u","until":1}]}\nevent: snapshot\n\n',
    'data: {"position":"life.9","as_of":1,"entries":{}}\nevent: snapshot\n\n',
    'data: {"position":9,"as_of":1,"entries":[]}\nevent: heartbeat\n\n',
  ]
  issuer.onFollow = (_request, send) => send('snapshot', [session])
  const by = open()
  await by.ready()
  for (const text of texts) {
    const follows = issuer.feedRequests.length
    issuer.sendText(text)
    await until(() => issuer.feedRequests.length === follows + 1 && by.status().revocations?.fault === undefined, 10)
    expect(await outcome(by, token())).toBe('token_revoked')
  }
})

test('events and kinds of entry that are not known here are passed over, and counted', async () => {
  issuer.onFollow = (_request, send) => {
    issuer.sendText('event: advertisement\ndata: buy\n\n')
    send('snapshot', [{ kind: 'device', id: 'd', until: 4e9 } as unknown as FeedEntry, session])
  }
  const by = open()
  await by.ready()
  expect(by.status().revocations).toMatchObject({ entries: 1, unknownEntries: 1 })
})

test('a refused client waits and tries again, ever more slowly, and says why', async () => {
  issuer.broken.set('/revocations', response => response.writeHead(401).end())
  const by = open()
  await until(
    () =>
      by.status().revocations?.fault ===
      'the feed refuses client "demo api" (401): wrong secret, or no scope "revocations"',
  )
  let attempts = 0
  for (let second = 0; second < 120; second++) {
    time.advance(1_000)
    for (let i = 0; i < 20; i++) await new Promise(setImmediate)
    attempts = issuer.asked.filter(path => path === '/revocations').length
  }
  expect(attempts).toBeGreaterThan(5)
  expect(attempts).toBeLessThan(30)
  issuer.broken.clear()
  await until(() => by.status().revocations?.state === 'current', 10)
})

test('Retry-After of a busy server is respected', async () => {
  issuer.broken.set('/revocations', response => response.writeHead(503, { 'retry-after': '30' }).end())
  const by = open()
  await until(() => by.status().revocations?.fault === 'the feed answered 503')
  time.advance(29_000)
  for (let i = 0; i < 50; i++) await new Promise(setImmediate)
  expect(issuer.asked.filter(path => path === '/revocations').length).toBe(1)
  time.advance(1_001)
  await issuer.askedTimes('/revocations', 2)
})

test('entries are forgotten after their time by the clock of the feed', async () => {
  issuer.onFollow = (_request, send) => send('snapshot', [{ ...session, until: time.nowSeconds() + 60 }])
  const by = open()
  await by.ready()
  for (let second = 0; second < 80; second += 5) {
    time.advance(5_000)
    issuer.send('heartbeat')
    const place = `life.${2 + second / 5}`
    await until(() => position(by) === place)
  }
  expect(by.status().revocations?.entries).toBe(0)
  expect(by.status().revocations?.state).toBe('current')
})

test('more entries than it may hold make it stale, and what kills most stays in force', async () => {
  const many = Array.from({ length: 10 }, (_, i): FeedEntry => ({ kind: 'token', id: `${i}`, until: 4e9 }))
  issuer.onFollow = (_request, send) => send('snapshot', [session])
  const by = open({ mostEntries: 10 })
  await by.ready()
  expect(await outcome(by, token({ sid: 'other' }))).toBe('current')
  issuer.onFollow = (_request, send) => send('snapshot', [...many, session])
  issuer.send('entries', many)
  await until(() => by.status().revocations?.state === 'stale')
  expect(by.status().revocations).toMatchObject({ entries: 10, fault: expect.stringContaining('more') })
  expect(await outcome(by, token())).toBe('token_revoked')
  expect(await outcome(by, token({ sid: 'other' }), { whenStale: 'reject' })).toBe('revocations_stale')
  for (let second = 0; second < 60; second++) {
    time.advance(1_000)
    for (let i = 0; i < 20; i++) await new Promise(setImmediate)
  }
  expect(issuer.feedRequests.length).toBeLessThan(25)
  issuer.onFollow = (_request, send) => send('snapshot', many)
  await until(() => by.status().revocations?.state === 'current', 10)
  expect(await outcome(by, token())).toBe('current')
})

test('a closed verifier follows no more and says so', async () => {
  const by = open()
  await by.ready()
  by.close()
  expect(by.status().revocations?.state).toBe('closed')
  expect(await outcome(by, token())).toBe('stale')
  time.advance(100_000)
  expect(issuer.feedRequests.length).toBe(1)
})

test('when stale it asks the issuer if so told, once for the same token at the same time', async () => {
  const by = open({ whenStale: 'introspect' })
  await by.ready()
  const text = token()
  expect(by.verify(text)).toMatchObject({ refused: false })
  time.advance(10_000)
  let asked = 0
  issuer.introspect = (form, request) => {
    asked++
    expect([form.get('token') === text, form.get('token_type_hint')]).toEqual([true, 'access_token'])
    expect(request.headers.authorization).toMatch(/^Basic /)
    return { active: true }
  }
  const outcomes = await Promise.all(Array.from({ length: 20 }, () => outcome(by, text)))
  expect([new Set(outcomes), asked]).toEqual([new Set(['current']), 1])
  issuer.introspect = () => ({ active: false })
  expect(await outcome(by, text)).toBe('token_revoked')
})

test('an introspection that fails is 503, never a yes', async () => {
  const by = open({ whenStale: 'introspect' })
  await by.ready()
  time.advance(10_000)
  const text = token()
  for (const body of [{}, [], null, 'true', { active: 'true' }, { active: 1 }]) {
    issuer.introspect = () => body
    expect(await outcome(by, text)).toBe('revocations_stale')
  }
  for (const status of [401, 403, 500, 503]) {
    issuer.broken.set('/introspect', response => response.writeHead(status).end('{"active":true}'))
    expect(await outcome(by, text)).toBe('revocations_stale')
  }
  issuer.broken.set('/introspect', () => {})
  const asked = issuer.asked.filter(path => path === '/introspect').length
  const hanging = outcome(by, text)
  await issuer.askedTimes('/introspect', asked + 1)
  time.advance(5_000)
  expect(await hanging).toBe('revocations_stale')
})

test('D12: an endpoint that always asks refuses what was forged with the stolen signing key', async () => {
  const by = open()
  await by.ready()
  const [real, forged] = [token(), token({ sub: 'admin' })]
  issuer.introspect = form => ({ active: form.get('token') === real })
  expect(await outcome(by, forged)).toBe('current')
  expect(await outcome(by, real, { introspect: true })).toBe('current')
  expect(await outcome(by, forged, { introspect: true })).toBe('token_revoked')
})

test('D13: beside a foreign issuer the feed comes from elsewhere, and tokens without epochs die by their iat', async () => {
  const feed = await startIssuer(time.nowSeconds)
  const by = createVerifier({
    issuer: issuer.url,
    audience: 'api',
    types: ['JWT'],
    revocations: { clientId: 'a', clientSecret: 'b', url: `${feed.url}/revocations` },
    ...time.runtime,
  })
  opened.push(by)
  await by.ready()
  const now = time.nowSeconds()
  const foreign = (iat: number) =>
    issuer.signer.sign({ iss: issuer.url, sub: 'user-1', aud: 'api', iat, exp: now + 900, azp: 'app' }, { typ: 'JWT' })
  feed.send('entries', [{ kind: 'user', id: 'user-1', below: 1, at: now - 5, until: 4e9 }])
  await until(() => by.status().revocations?.entries === 1)
  expect(await outcome(by, foreign(now - 5))).toBe('token_revoked')
  expect(await outcome(by, foreign(now - 4))).toBe('current')
  expect(issuer.asked).not.toContain('/revocations')
  await feed.close()
})

test('a feed whose clock is ahead for a while makes no revoked token good: not while, and not after', async () => {
  const by = open()
  await by.ready()
  const text = token()
  const ended: FeedEntry = { kind: 'session', id: 's', until: time.nowSeconds() + 900 }
  issuer.send('entries', [ended])
  await until(() => by.status().revocations?.entries === 1)
  const right = issuer.asOf
  issuer.asOf = () => right() + 1_200
  issuer.send('heartbeat')
  await until(() => position(by) === 'life.3')
  expect(await outcome(by, text)).toBe('token_revoked')

  // One that begins to follow then is told nothing of what seems to be past, and everything once the clock is right.
  const late = open()
  await late.ready()
  issuer.asOf = right
  issuer.onFollow = (_request, send) => send('snapshot', [ended])
  issuer.send('heartbeat')
  await until(() => late.status().revocations?.entries === 1, 100)
  expect(await outcome(late, text)).toBe('token_revoked')
  await until(() => by.status().revocations?.entries === 1, 100)
  expect(await outcome(by, text)).toBe('token_revoked')
})
