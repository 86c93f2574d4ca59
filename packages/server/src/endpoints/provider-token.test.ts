import { declareClient, hashClientSecret } from '@countersign/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Answer, asApi, basic, get } from '../testing/calls.ts'
import { closeConnected, connectedServer, connectedToOpenid, signInWith } from '../testing/connected.ts'
import { type GivenServer, sampleClients } from '../testing/given.ts'
import type { OpenidUpstream } from '../testing/upstreams/openid.ts'

afterEach(closeConnected)

const secret = 'calendar-secret-0123456789abcdef0123456'
const calendar = declareClient({
  id: 'calendar',
  secretHashes: [hashClientSecret(secret)],
  grantTypes: ['client_credentials'],
  scopes: ['connections:tokens'],
})
let upstream: OpenidUpstream
let to: GivenServer
let userId: string

beforeEach(async () => {
  ;({ upstream, to } = await connectedToOpenid({ keep_tokens: true }, { clients: [...sampleClients, calendar] }))
  await signInWith(to, upstream, 'work')
  userId = (await to.store.loadUserByIdentity('work', 'm-1')).user?.id ?? ''
})

const ask = (from: GivenServer = to): Promise<Answer> =>
  get(from, `/v1/trusted/users/${userId}/connections/work/token`, basic('calendar', secret))
const refreshes = () => upstream.asked.filter(one => one === 'POST /token').length - 1

describe('a back end asks for the provider’s token of a user', () => {
  test('and gets the one that is there, while it lives', async () => {
    const { status, body, headers } = await ask()
    expect(status).toBe(200)
    expect(upstream.given).toContain(body.access_token)
    expect(Object.keys(body)).toEqual(['access_token', 'expires_at', 'scope'])
    expect(headers['cache-control']).toBe('no-store')
    expect(refreshes()).toBe(0)
  })

  test('fifty at once when it is over: one refresh, with the token that the provider gave last; and again the next time', async () => {
    for (const round of [1, 2]) {
      await to.later(300)
      const answers = await Promise.all(Array.from({ length: 50 }, () => ask()))
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
      expect(new Set(answers.map(({ body }) => body.access_token)).size).toBe(1)
      expect(refreshes()).toBe(round)
    }
  })

  test('at two nodes at once: one refreshes, at the other it is 503 or the same token', async () => {
    const { store } = to
    const other = await connectedServer([{ ...upstream.settings, keep_tokens: true }], {
      clients: [...sampleClients, calendar],
      openStore: async () => store,
    })
    await to.later(300)
    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => ask(index % 2 === 0 ? to : other)))
    for (const { status } of answers) expect([200, 503]).toContain(status)
    expect(refreshes()).toBe(1)
  })

  test('while the provider is away it is 503, and nothing is lost', async () => {
    await to.later(300)
    upstream.fault = 'broken'
    expect([(await ask()).status, (await ask()).body.reason]).toEqual([503, 'unavailable'])
    upstream.fault = undefined
    await to.later(30)
    expect((await ask()).status).toBe(200)
  })

  test('that stands no more at the provider is told', async () => {
    await to.later(300)
    upstream.revokeAll()
    expect([(await ask()).status, (await ask()).status]).toContain(404)
  })
})

describe('who may not', () => {
  test('CVE-2026-63203: a back end without the right, a user, nobody', async () => {
    const path = `/v1/trusted/users/${userId}/connections/work/token`
    expect((await get(to, path, asApi)).body.reason).toBe('client_not_allowed')
    expect((await get(to, path)).status).toBe(401)
  })

  test('nor is anything told of others: unknown users, other connections, users who were disabled', async () => {
    const of = (user: string, connection: string) =>
      get(to, `/v1/trusted/users/${user}/connections/${connection}/token`, basic('calendar', secret))
    expect((await of('nobody', 'work')).body.reason).toBe('user_unknown')
    expect((await of(userId, 'none')).body.reason).toBe('connection_unknown')
    await to.server.admin.disableUser(userId)
    expect((await of(userId, 'work')).body.reason).toBe('user_disabled')
  })
})

test('a connection that keeps none has none', async () => {
  to = await connectedServer([upstream.settings], { clients: [...sampleClients, calendar] })
  await signInWith(to, upstream, 'work')
  userId = (await to.store.loadUserByIdentity('work', 'm-1')).user?.id ?? ''
  expect((await ask()).body.reason).toBe('provider_token_missing')
  expect((await to.store.loadUserByIdentity('work', 'm-1')).identity?.sealedTokens).toBeNull()
})
