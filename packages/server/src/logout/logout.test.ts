import type { Client } from '@countersign/core'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { afterEach, describe, expect, test } from 'vitest'
import { createServer } from '../create-server.ts'
import { createOutbound, type Outbound } from '../outbound/outbound.ts'
import { apiVerifier } from '../testing/api-verifier.ts'
import { browser } from '../testing/browser.ts'
import { asApi, bearer, call, get, introspect, postForm, redeem, refresh } from '../testing/calls.ts'
import {
  closeGiven,
  type GivenServer,
  given,
  issuer,
  password,
  sampleClients,
  sampleConfig,
  sampleMaster,
} from '../testing/given.ts'
import { type LogoutReceiver, logoutReceiver } from '../testing/logout-receiver.ts'
import { addressOf, claimsOf, openidClients, signInAt } from '../testing/openid-clients.ts'

const receivers: LogoutReceiver[] = []
afterEach(async () => {
  await closeGiven()
  for (const receiver of receivers.splice(0)) await receiver.close()
})

const toLoopback = createOutbound({ allowsLoopback: true })

/** A server whose clients of these ids are told, each by an endpoint of its own. */
async function server(ids: readonly string[], more: { outbound?: Outbound } = {}) {
  const told = new Map<string, LogoutReceiver>()
  for (const id of ids) {
    const receiver = await logoutReceiver()
    receivers.push(receiver)
    told.set(id, receiver)
  }
  const clients: readonly Client[] = [
    ...sampleClients,
    ...openidClients.map(client => ({ ...client, backchannelLogoutUri: told.get(client.id)?.url ?? null })),
  ]
  const to = await given.server({ clients, outbound: more.outbound ?? toLoopback })
  const receiver = (id: string): LogoutReceiver => told.get(id) as LogoutReceiver
  const counts = (): number[] => ids.map(id => receiver(id).tokens.length)
  return { to, clients, receiver, counts }
}

type Login = Awaited<ReturnType<typeof signInAt>>
const accessToken = ({ body }: Login): string => String(body.access_token)
const signOut = ({ page }: Login): Promise<unknown> => page.submit('/account', { command: 'sign_out' })

async function keysOf(to: GivenServer) {
  return createLocalJWKSet((await get(to, '/jwks')).body as unknown as JSONWebKeySet)
}

describe('a logout token (OpenID Connect Back-Channel Logout §2.4)', () => {
  test.each([['portal'], ['rsa'], ['pair'], ['connected']])(
    'to %s names session and user as the ID token did',
    async id => {
      const { to, receiver } = await server([id])
      const login = await signInAt(to, id)
      await signOut(login)
      await to.server.logouts.look()
      const [token = ''] = receiver(id).tokens
      const currentDate = new Date(to.now())
      const options = { issuer, audience: id, typ: 'logout+jwt', currentDate }
      const { payload, protectedHeader } = await jwtVerify(token, await keysOf(to), options)
      expect(protectedHeader.alg).toBe(id === 'rsa' ? 'RS256' : 'ES256')
      const seconds = Math.floor(to.now() / 1000)
      const { sub, sid } = claimsOf(login.body.id_token)
      expect(payload).toEqual({
        iss: issuer,
        sub,
        aud: id,
        iat: seconds,
        exp: seconds + 120,
        jti: expect.stringMatching(/^[\w-]{22}$/),
        events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
        sid,
      })
    },
  )

  test('attack 14: is no access token, and no hint at whose it is', async () => {
    const { to, receiver } = await server(['portal'])
    await signOut(await signInAt(to, 'portal'))
    await to.server.logouts.look()
    const token = receiver('portal').tokens[0] ?? ''
    expect((await get(to, '/userinfo', bearer(token))).status).toBe(401)
    expect((await introspect(to, token)).body).toEqual({ active: false })
    const verifier = await apiVerifier(to)
    expect(await verifier.verify(token)).toMatchObject({ reason: 'token_type_unexpected' })
    verifier.close()
    const again = await signInAt(to, 'portal')
    expect((await again.page.get(`/logout?id_token_hint=${token}`)).text).toContain('name="csrf"')
  })
})

describe('whoever has a login in a session that ends is told, once, whatever ends it', () => {
  const ends: Readonly<Record<string, (to: GivenServer, login: Login) => Promise<unknown>>> = {
    'signing out on the account page': (_to, login) => signOut(login),
    'signing out at an application': (_to, { page, body }) => page.get(`/logout?id_token_hint=${body.id_token}`),
    'ending it from another device': async (_to, { page, body }) => {
      await page.submit('/account', { command: 'end_session', session_id: String(body.session_id) })
    },
    'logging out everywhere': (to, login) =>
      call(to, { method: 'DELETE', url: '/v1/sessions', headers: bearer(accessToken(login)) }),
    'the end of all other sessions': async to => {
      const other = browser(to)
      await other.signIn()
      await other.submit('/account', { command: 'end_others' })
    },
    'a password change elsewhere': async to => {
      const other = browser(to)
      await other.signIn()
      const changed = { command: 'change_password', current_password: password, new_password: 'another horse battery' }
      await other.submit('/account', changed)
    },
    'disabling the user': to => to.server.admin.disableUser('maria@example.com'),
    'a trusted back end': async (to, login) => {
      const { id } = (await get(to, '/v1/me', bearer(accessToken(login)))).body
      await call(to, { method: 'DELETE', url: `/v1/trusted/users/${id}/sessions`, headers: asApi })
    },
    'somebody else’s sign-in in the same browser': async (_to, { page }) => {
      await page.signUp('other@example.com')
    },
  }

  test.each(Object.entries(ends))('%s', async (_name, end) => {
    const { to, receiver, counts } = await server(['portal', 'pair', 'rsa'])
    const login = await signInAt(to, 'portal')
    const pair = await signInAt(to, 'pair', { page: login.page })
    await signInAt(to, 'edwards', { page: login.page })
    await to.server.logouts.look()
    expect(counts()).toEqual([0, 0, 0])
    await end(to, login)
    await to.server.logouts.look()
    await to.server.logouts.look()
    expect(counts()).toEqual([1, 1, 0])
    expect(claimsOf(receiver('portal').tokens[0]).sid).toBe(login.body.session_id)
    expect(claimsOf(receiver('pair').tokens[0]).sid).toBe(pair.body.session_id)
  })

  test('deleting the user: the token names the session alone, since nobody is known any more', async () => {
    const { to, receiver } = await server(['portal'])
    const login = await signInAt(to, 'portal')
    await to.server.admin.deleteUser('maria@example.com')
    await to.server.logouts.look()
    const claims = claimsOf(receiver('portal').tokens[0])
    expect([claims.sub, claims.sid]).toEqual([undefined, login.body.session_id])
  })

  test('of two sessions the one that is kept is not told of', async () => {
    const { to, receiver } = await server(['portal'])
    const [mine, other] = [await signInAt(to, 'portal'), await signInAt(to, 'portal')]
    await mine.page.submit('/account', { command: 'end_others' })
    await to.server.logouts.look()
    expect(receiver('portal').tokens.map(token => claimsOf(token).sid)).toEqual([other.body.session_id])
  })

  test('reuse of a refresh token: its client is told where that was its last login in the session', async () => {
    const { to, counts } = await server(['portal', 'pair'])
    const login = await signInAt(to, 'portal')
    await signInAt(to, 'pair', { page: login.page })
    const steal = async (first: Login): Promise<void> => {
      let token = String(first.body.refresh_token)
      for (let rotations = 0; rotations < 2; rotations++) {
        await to.later(60)
        token = String((await refresh(to, token, { client: 'portal' })).body.refresh_token)
      }
      await to.later(60)
      const reused = await refresh(to, String(first.body.refresh_token), { client: 'portal' })
      expect(reused.body.reason).toBe('refresh_token_reused')
      await to.server.logouts.look()
    }
    const second = await signInAt(to, 'portal', { page: login.page })
    await steal(login)
    expect(counts()).toEqual([0, 0])
    await steal(second)
    expect(counts()).toEqual([1, 0])
    await signInAt(to, 'portal', { page: login.page })
    await signOut(login)
    await to.server.logouts.look()
    expect(counts()).toEqual([2, 1])
  })

  test('reuse of a code', async () => {
    const { to, counts } = await server(['portal'])
    const { page } = await signInAt(to, 'edwards')
    const { code, verifier } = await page.code({ client_id: 'portal', redirect_uri: addressOf('portal') })
    const fields = { code, code_verifier: verifier, client_id: 'portal', redirect_uri: addressOf('portal') }
    await redeem(to, fields)
    await to.later(11)
    expect((await redeem(to, fields)).body.reason).toBe('code_reused')
    await to.server.logouts.look()
    expect(counts()).toEqual([1])
  })

  test('a client that gives its refresh token back knows it, and is not told; nor of what was over before', async () => {
    const { to, counts } = await server(['portal'])
    const login = await signInAt(to, 'portal')
    await postForm(to, '/revoke', { client_id: 'portal', token: String(login.body.refresh_token) })
    await signOut(login)
    await to.server.logouts.look()
    expect(counts()).toEqual([0])
  })
})

describe('a client that does not answer as it should', () => {
  test('is tried again, later and later, with a fresh token; and no more once it has (OpenID Connect Back-Channel Logout §2.5)', async () => {
    const { to, receiver } = await server(['portal'])
    receiver('portal').answersWith(503)
    await signOut(await signInAt(to, 'portal'))
    await to.server.logouts.look()
    await to.server.logouts.look()
    expect(receiver('portal').tokens).toHaveLength(1)
    await to.later(20)
    await to.server.logouts.look()
    expect(receiver('portal').tokens).toHaveLength(2)
    receiver('portal').answersWith(204)
    await to.later(60)
    await to.server.logouts.look()
    await to.later(86_400)
    await to.server.logouts.look()
    const { tokens } = receiver('portal')
    expect(tokens).toHaveLength(3)
    expect(new Set(tokens.map(token => claimsOf(token).jti)).size).toBe(3)
    expect(claimsOf(tokens[2]).iat).toBe(Number(claimsOf(tokens[0]).iat) + 80)
  })

  test('is given up after seven attempts, and the operator hears of each', async () => {
    const { to, receiver } = await server(['portal'])
    receiver('portal').answersWith(400)
    await signOut(await signInAt(to, 'portal'))
    for (let tries = 0; tries < 12; tries++) {
      await to.server.logouts.look()
      await to.later(7 * 3600)
    }
    expect(receiver('portal').tokens).toHaveLength(7)
    const lines = to.log.filter(({ text }) => text.startsWith('a client '))
    expect(lines).toHaveLength(7)
    expect(lines.at(-1)?.text).toBe(
      'a client was not told of the end of a session {"client":"portal","outcome":400,"attempts":7}',
    )
    expect(JSON.stringify(lines)).not.toContain('eyJ')
  })

  test('attack 29: by a redirect it sends the token nowhere else', async () => {
    const { to, receiver } = await server(['portal', 'rsa'])
    receiver('portal').answersWith(307, { location: receiver('rsa').url })
    await signOut(await signInAt(to, 'portal'))
    await to.server.logouts.look()
    expect([receiver('portal').tokens.length, receiver('rsa').tokens.length]).toEqual([1, 0])
  })

  test('attack 29: on the internet no address of this machine is called', async () => {
    const { to, receiver } = await server(['portal'], { outbound: createOutbound({ allowsLoopback: false }) })
    await signOut(await signInAt(to, 'portal'))
    await to.server.logouts.look()
    expect(receiver('portal').tokens).toEqual([])
    expect(to.log.at(-1)?.text).toContain('address_refused')
  })

  test('holds up neither the sign-out nor the others', async () => {
    let answer = (): void => {}
    const held = new Promise<void>(done => {
      answer = done
    })
    const calls: string[] = []
    const outbound: Outbound = async request => {
      calls.push(new URL(request.url).port)
      if (calls.length === 1) await held
      return { status: 200, header: () => undefined, text: '' }
    }
    const { to, receiver } = await server(['portal', 'rsa'], { outbound })
    const [first, second] = [await signInAt(to, 'portal'), await signInAt(to, 'rsa')]
    await signOut(first)
    const looking = to.server.logouts.look()
    await expect.poll(() => calls.length).toBe(1)
    await signOut(second)
    await expect.poll(() => calls.length).toBe(2)
    expect(calls[1]).toBe(new URL(receiver('rsa').url).port)
    answer()
    await looking
  })

  test('a thousand sessions of one that is dead do not keep the others waiting', async () => {
    const { to, receiver, counts } = await server(['portal', 'rsa'])
    receiver('portal').answersWith(500)
    const login = await signInAt(to, 'rsa')
    const { now } = await to.store.loadIssuer()
    const rows = Array.from({ length: 1_000 }, (_, index) => ({
      hash: `dead ${index}`,
      clientId: 'portal',
      sessionId: String(login.body.session_id),
      userId: String(claimsOf(login.body.id_token).sub),
      attempts: 0,
      dueAt: now - 1_000,
      expiresAt: now + 86_400_000,
      version: 0,
    }))
    const writes = rows.map(row => ({ table: 'logoutDelivery' as const, row }))
    await to.store.commit({ writes, audit: [], entries: [], durable: true, time: now })
    await signOut(login)
    await to.server.logouts.look()
    expect(counts()[1]).toBe(1)
    expect(counts()[0]).toBeLessThan(1_000)
  })
})

describe('durable, and at least once', () => {
  const log = { info() {}, warn() {}, error() {} }
  const another = (to: GivenServer, clients: readonly Client[], outbound: Outbound = toLoopback) =>
    createServer({ config: sampleConfig, store: to.store, master: sampleMaster, clients, log, clock: to.now, outbound })

  test('what ended before the server went down is told after the start', async () => {
    const silent: Outbound = async () => ({ failed: 'unreachable' })
    const { to, clients, counts } = await server(['portal', 'rsa'], { outbound: silent })
    const login = await signInAt(to, 'portal')
    await signInAt(to, 'rsa', { page: login.page })
    await to.server.logouts.stop()
    await signOut(login)
    expect(counts()).toEqual([0, 0])
    await to.later(86_400)
    const next = await another(to, clients)
    await next.logouts.look()
    expect(counts()).toEqual([1, 1])
    await next.close()
  })

  test('an attempt over which a node died is made again by another', async () => {
    const dying: Outbound = () => Promise.reject(new Error('the machine is gone'))
    const { to, clients, counts } = await server(['portal'], { outbound: dying })
    await signOut(await signInAt(to, 'portal'))
    await to.server.logouts.look()
    await to.server.logouts.stop()
    const next = await another(to, clients)
    await next.logouts.look()
    expect(counts()).toEqual([0])
    await to.later(10)
    await next.logouts.look()
    expect(counts()).toEqual([1])
    await next.close()
  })

  test('of ten nodes that look at once, each client is told by one', async () => {
    const { to, clients, counts } = await server(['portal', 'rsa'])
    await to.server.logouts.stop()
    const nodes = await Promise.all(Array.from({ length: 10 }, () => another(to, clients)))
    const login = await signInAt(to, 'portal')
    await signInAt(to, 'rsa', { page: login.page })
    await signOut(login)
    await Promise.all(nodes.map(node => node.logouts.look()))
    expect(counts()).toEqual([1, 1])
    for (const node of nodes) await node.close()
  })

  test('a long log is read once: the place moves on though nobody is to be told', async () => {
    const { to, clients } = await server(['portal'])
    const record = { event: 'token.revoked' as const, time: to.now() }
    const audit = new Array(1_500).fill(record)
    await to.store.commit({ writes: [], audit, entries: [], durable: true, time: to.now() })
    await to.server.logouts.look()
    let rowsRead = 0
    const store = {
      ...to.store,
      readAudit: async (after: number, limit: number) => {
        const rows = await to.store.readAudit(after, limit)
        rowsRead += rows.length
        return rows
      },
    }
    const next = await createServer({ config: sampleConfig, store, master: sampleMaster, clients, log, clock: to.now })
    await next.logouts.look()
    expect(rowsRead).toBeLessThan(1_000)
    await next.close()
  })

  test('where the place in the log is behind rows that were removed, it goes on behind them', async () => {
    const { to, clients, counts } = await server(['portal'])
    await to.server.logouts.stop()
    const before = to.now()
    const record = { event: 'token.revoked' as const, time: before }
    await to.store.commit({ writes: [], audit: new Array(10).fill(record), entries: [], durable: true, time: before })
    await to.later(8 * 86_400)
    const login = await signInAt(to, 'portal')
    await to.server.admin.pruneAudit({ before: before + 1 })
    expect((await to.server.admin.deletePrunedAudit()).deleted).toBeGreaterThan(10)
    await signOut(login)
    const next = await another(to, clients)
    await next.logouts.look()
    expect(counts()).toEqual([1])
    await next.close()
  })
})
