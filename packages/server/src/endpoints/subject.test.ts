import { isRefusal } from '@countersign/protocol'
import { afterEach, describe, expect, test } from 'vitest'
import { declareClients } from '../clients/declare-clients.ts'
import { apiVerifier } from '../testing/api-verifier.ts'
import { browser } from '../testing/browser.ts'
import { asApi, bearer, call, get, introspect, me, postJson, refresh } from '../testing/calls.ts'
import { closeGiven, type GivenServer, given, password, sampleClients } from '../testing/given.ts'
import { claimsOf, openidClients, signInAt } from '../testing/openid-clients.ts'

afterEach(closeGiven)

const server = (): Promise<GivenServer> => given.server({ clients: [...sampleClients, ...openidClients] })
type Login = Awaited<ReturnType<typeof signInAt>>
const accessToken = ({ body }: Login): string => String(body.access_token)

/** Who is signed in there, as only the server knows them. */
async function userId({ store }: GivenServer): Promise<string> {
  return (await store.loadUserByEmail('maria@example.com')).user?.id ?? ''
}
const subOf = ({ body }: Pick<Login, 'body'>): unknown => claimsOf(body.access_token).sub

describe('who a user is to a client (OpenID Connect Core §8)', () => {
  test('is the same in access token, ID token, introspection and after a refresh, whatever kind of subject it is', async () => {
    const to = await server()
    const page = browser(to)
    for (const id of ['portal', 'moved', 'pair', 'connected']) {
      const login = await signInAt(to, id, { page })
      const renewed = await refresh(to, String(login.body.refresh_token), { client: id })
      const sub = subOf(login)
      expect(claimsOf(login.body.id_token).sub).toBe(sub)
      expect(claimsOf(renewed.body.access_token).sub).toBe(sub)
      expect(claimsOf(renewed.body.id_token).sub).toBe(sub)
      expect((await introspect(to, accessToken(login))).body).toMatchObject({ active: true, sub })
    }
  })

  test('pairwise: clients of one host know one user alike, others know another; none knows our id', async () => {
    const to = await server()
    const page = browser(to)
    const logins = []
    for (const id of ['pair', 'twin', 'other', 'portal']) logins.push(await signInAt(to, id, { page }))
    const [pair, twin, other, id] = logins.map(subOf)
    expect(twin).toBe(pair)
    expect(new Set([pair, other, id]).size).toBe(3)
    expect(JSON.stringify(claimsOf(logins[0]?.body.access_token))).not.toContain(String(id))
    expect(claimsOf(logins[0]?.body.access_token).epo).toEqual({ all: 1, client: 1 })
    expect(claimsOf(logins[3]?.body.access_token).epo).toEqual({ all: 1, user: 1, client: 1 })
  })

  test('uuid: our id, in the spelling of a UUID', async () => {
    const to = await server()
    const login = await signInAt(to, 'moved')
    const bytes = Buffer.from(await userId(to), 'base64url').toString('hex')
    expect(subOf(login)).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    expect(String(subOf(login)).replaceAll('-', '')).toBe(bytes)
  })

  test('connection: password and our id, or what a trusted back end calls them', async () => {
    const to = await server()
    const hosted = await signInAt(to, 'connected')
    const { id } = (await me(to, accessToken(hosted))).body
    expect(subOf(hosted)).toBe(`password|${id}`)
    const body = { client_id: 'connected', user: { external_id: 'customer-17' } }
    const trusted = await postJson(to, '/v1/trusted/sessions', body, asApi)
    expect(claimsOf(trusted.body.access_token).sub).toBe('trusted:api|customer-17')
  })

  test('connection: who comes with an identity that was taken off another user is somebody else', async () => {
    const to = await server()
    const body = { client_id: 'connected', user: { external_id: 'customer-17' } }
    const logIn = () => postJson(to, '/v1/trusted/sessions', body, asApi)
    expect(subOf(await logIn())).toBe('trusted:api|customer-17')
    const { now, user, identity } = await to.store.loadUserByIdentity('trusted:api', 'customer-17')
    if (identity === undefined) throw new Error('The identity is missing.')
    const row = { ...identity, unlinkedAt: now }
    await to.store.commit({ writes: [{ table: 'identity', row }], audit: [], entries: [], durable: true, time: now })
    const other = subOf(await logIn())
    const { user: newcomer } = await to.store.loadUserByIdentity('trusted:api', 'customer-17')
    expect(newcomer?.id).not.toBe(user?.id)
    expect(other).toBe(`password|${newcomer?.id}`)
  })

  test('our own endpoints know the user whatever the token calls them', async () => {
    const to = await server()
    const page = browser(to)
    await page.signUp()
    const id = await userId(to)
    for (const client of ['portal', 'moved', 'connected']) {
      expect((await me(to, accessToken(await signInAt(to, client, { page })))).body.id).toBe(id)
    }
  })

  test('pairwise: nothing that two clients are told of one user is the same, and /v1 tells neither anything', async () => {
    const to = await server()
    const page = browser(to)
    const [pair, other] = [await signInAt(to, 'pair', { page }), await signInAt(to, 'other', { page })]
    const session = (await to.store.listSessions(await userId(to)))[0]?.session.id ?? ''
    const toldOf = async ({ body }: Login, client: string): Promise<unknown[]> => {
      const { sub, sid, fam, jti, session_id } = { ...body, ...claimsOf(body.access_token) } as Record<string, unknown>
      const told = (await introspect(to, String(body.refresh_token))).body
      const renewed = (await refresh(to, String(body.refresh_token), { client })).body
      const idToken = claimsOf(renewed.id_token)
      expect([session_id, idToken.sid, claimsOf(renewed.access_token).sid]).toEqual([sid, sid, sid])
      expect(told).toEqual({ active: false })
      return [sub, sid, fam, jti]
    }
    const all = [...(await toldOf(pair, 'pair')), ...(await toldOf(other, 'other'))]
    expect(new Set(all).size).toBe(8)
    expect(JSON.stringify([pair.body, other.body].map(({ access_token }) => claimsOf(access_token)))).not.toContain(
      session,
    )
    const asPair = bearer(accessToken(pair))
    for (const [method, url] of [
      ['GET', '/v1/me'],
      ['GET', '/v1/sessions'],
      ['DELETE', `/v1/sessions/${session}`],
      ['DELETE', '/v1/sessions'],
      ['GET', '/v1/grants'],
      ['DELETE', '/v1/grants/other'],
    ] as const) {
      const { status, body } = await call(to, { method, url, headers: asPair })
      expect([method, url, status, body.reason]).toEqual([method, url, 403, 'scope_insufficient'])
    }
  })

  test('pairwise: a trusted back end ends the session by the name that it was told with the tokens', async () => {
    const to = await server()
    const user = { external_id: 'customer-17' }
    const { body } = await postJson(to, '/v1/trusted/sessions', { client_id: 'pair', user }, asApi)
    const { user: row } = await to.store.loadUserByIdentity('trusted:api', 'customer-17')
    const end = (name: unknown) =>
      call(to, { method: 'DELETE', url: `/v1/trusted/users/${row?.id}/sessions/${name}`, headers: asApi })
    expect((await end('nobody')).body.reason).toBe('session_unknown')
    expect((await end(body.session_id)).status).toBe(204)
    expect((await introspect(to, String(body.access_token))).body).toEqual({ active: false })
  })

  test('an access token that is revoked is audited under the user’s id', async () => {
    const to = await server()
    const login = await signInAt(to, 'pair')
    const payload = new URLSearchParams({ client_id: 'pair', token: accessToken(login) }).toString()
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const id = await userId(to)
    await call(to, { method: 'POST', url: '/revoke', payload, headers })
    expect((await to.audit()).at(-1)?.record).toMatchObject({ event: 'token.revoked', userId: id })
  })
})

describe('what ends all of a user reaches tokens that do not name the user: an API refuses them', () => {
  const ends: Readonly<Record<string, (to: GivenServer, login: Login) => Promise<unknown>>> = {
    'log out everywhere': async (to, { page }) => {
      const headers = bearer(accessToken(await signInAt(to, 'portal', { page })))
      expect((await call(to, { method: 'DELETE', url: '/v1/sessions', headers })).status).toBe(204)
    },
    'log out everywhere, on the account page': (_to, { page }) => page.submit('/account', { command: 'end_all' }),
    'a password change elsewhere': async to => {
      const other = browser(to)
      await other.signIn()
      const changed = { command: 'change_password', current_password: password, new_password: 'another horse battery' }
      expect((await other.submit('/account', changed)).status).toBe(303)
    },
    'the end of all other sessions': async to => {
      const other = browser(to)
      await other.signIn()
      await other.submit('/account', { command: 'end_others' })
    },
    'disabling the user': to => to.server.admin.disableUser('maria@example.com'),
    'deleting the user': to => to.server.admin.deleteUser('maria@example.com'),
    'signing out': (_to, { page }) => page.submit('/account', { command: 'sign_out' }),
    'a trusted back end': async to => {
      const id = await userId(to)
      const url = `/v1/trusted/users/${id}/sessions`
      expect((await call(to, { method: 'DELETE', url, headers: asApi })).status).toBe(204)
    },
  }

  test.each(Object.entries(ends))('%s', async (_name, end) => {
    const to = await server()
    const login = await signInAt(to, 'pair')
    await signInAt(to, 'connected', { page: login.page })
    const before = await apiVerifier(to)
    expect(isRefusal(await before.verify(accessToken(login)))).toBe(false)
    await end(to, login)
    const after = await apiVerifier(to)
    expect(await after.verify(accessToken(login))).toMatchObject({ reason: 'token_revoked' })
    for (const verifier of [before, after]) verifier.close()
  })

  test('the session that is kept keeps them', async () => {
    const to = await server()
    const login = await signInAt(to, 'pair')
    await login.page.submit('/account', { command: 'end_others' })
    const verifier = await apiVerifier(to)
    expect(isRefusal(await verifier.verify(accessToken(login)))).toBe(false)
    verifier.close()
  })
})

describe('a login beside the end of all', () => {
  test('of fifteen that redeem their codes while everything ends, none has a token that an API accepts', async () => {
    const to = await server()
    const first = await signInAt(to, 'portal')
    const page = browser(to)
    await page.signIn()
    const tries = Array.from({ length: 15 }, () => signInAt(to, 'pair', { page }).catch(() => undefined))
    const [answers] = await Promise.all([
      Promise.all(tries),
      call(to, { method: 'DELETE', url: '/v1/sessions', headers: bearer(accessToken(first)) }),
    ])
    const verifier = await apiVerifier(to)
    for (const answer of answers) {
      if (answer) expect(await verifier.verify(accessToken(answer))).toMatchObject({ reason: 'token_revoked' })
    }
    verifier.close()
  })

  test('of fifteen that redeem their codes while their session ends, none has a token that an API accepts', async () => {
    const to = await server()
    const { page } = await signInAt(to, 'portal')
    const tries = Array.from({ length: 15 }, () => signInAt(to, 'pair', { page }).catch(() => undefined))
    const [answers] = await Promise.all([Promise.all(tries), page.submit('/account', { command: 'sign_out' })])
    const verifier = await apiVerifier(to)
    for (const answer of answers) {
      if (answer) expect(await verifier.verify(accessToken(answer))).toMatchObject({ reason: 'token_revoked' })
    }
    verifier.close()
  })

  test('of ten direct logins at once all succeed, though each writes the user’s row', async () => {
    const to = await given.server({
      clients: [...sampleClients, ...openidClients.map(client => ({ ...client, directLogin: true }))],
    })
    await postJson(to, '/v1/users', { email: 'maria@example.com', password })
    const body = { email: 'maria@example.com', password, client_id: 'pair' }
    const answers = await Promise.all(Array.from({ length: 10 }, () => postJson(to, '/v1/sessions', body)))
    expect(answers.map(({ status }) => status)).toEqual(new Array(10).fill(201))
  })
})

test('a client that changes how it knows its users starts anew: what it holds speaks of strangers', async () => {
  const to = await server()
  const login = await signInAt(to, 'portal')
  const { store } = to
  const changed = openidClients.map(client =>
    client.id === 'portal' ? { ...client, subjectType: 'pairwise' as const } : client,
  )
  await declareClients(store, changed)
  const again = await refresh(to, String(login.body.refresh_token), { client: 'portal' })
  expect(again.body.reason).toBe('authorization_revoked')
  expect((await get(to, '/v1/me', bearer(accessToken(login)))).body.reason).toBe('token_revoked')
})

test('a pairwise client with several hosts and no sector is refused at the start', async () => {
  const clients = openidClients.map(client => ({
    ...client,
    redirectUris: ['https://a.example/', 'https://b.example/'],
  }))
  await expect(given.server({ clients })).rejects.toThrow(/sector/)
})
