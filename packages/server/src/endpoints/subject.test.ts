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
const subOf = (login: Login): unknown => claimsOf(login.body.access_token).sub

describe('who a user is to a client (OpenID Connect Core §8)', () => {
  test('is the same in access token, ID token, introspection and after a refresh, whatever kind of subject it is', async () => {
    const to = await server()
    const page = browser(to)
    for (const id of ['portal', 'pair', 'connected']) {
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

  test('connection: password and our id, or what a trusted back end calls them', async () => {
    const to = await server()
    const hosted = await signInAt(to, 'connected')
    const { id } = (await me(to, accessToken(hosted))).body
    expect(subOf(hosted)).toBe(`password|${id}`)
    const body = { client_id: 'connected', user: { external_id: 'customer-17' } }
    const trusted = await postJson(to, '/v1/trusted/sessions', body, asApi)
    expect(claimsOf(trusted.body.access_token).sub).toBe('trusted:api|customer-17')
  })

  test('our own endpoints know the user whatever the token calls them', async () => {
    const to = await server()
    const page = browser(to)
    const ids = []
    for (const id of ['portal', 'pair', 'connected']) {
      ids.push((await me(to, accessToken(await signInAt(to, id, { page })))).body.id)
    }
    expect(new Set(ids).size).toBe(1)
    expect(ids[0]).toBeDefined()
  })

  test('an access token that is revoked is audited under the user’s id', async () => {
    const to = await server()
    const login = await signInAt(to, 'pair')
    const payload = new URLSearchParams({ client_id: 'pair', token: accessToken(login) }).toString()
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const { id } = (await me(to, accessToken(login))).body
    await call(to, { method: 'POST', url: '/revoke', payload, headers })
    expect((await to.audit()).at(-1)?.record).toMatchObject({ event: 'token.revoked', userId: id })
  })
})

describe('what ends all of a user reaches tokens that do not name the user: an API refuses them', () => {
  const ends: Readonly<Record<string, (to: GivenServer, login: Login) => Promise<unknown>>> = {
    'log out everywhere': (to, login) =>
      call(to, { method: 'DELETE', url: '/v1/sessions', headers: bearer(accessToken(login)) }),
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
    'a trusted back end': async (to, login) => {
      const { id } = (await me(to, accessToken(login))).body
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
    const first = await signInAt(to, 'pair')
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
