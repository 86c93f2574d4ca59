import { type Client, declareClient } from '@countersign/core'
import { afterEach, expect, test } from 'vitest'
import { introspect, logIn, me, postJson, refresh, signUp } from '../testing/calls.ts'
import { closeGiven, given, issuer, password, sampleClients } from '../testing/given.ts'
import { declareClients, switchOffUndeclared } from './declare-clients.ts'

afterEach(closeGiven)

const own = sampleClients.find(({ id }) => id === 'bearer-app') as Client

test('CVE-2025-64521, CVE-2024-47000: a client that is switched off: its logins, tokens and sign-ins end at once, here and in the feed', async () => {
  const to = await given.server()
  await signUp(to)
  const login = await logIn(to)
  await declareClients(to.store, [{ ...own, disabled: true }])
  expect((await me(to, login.accessToken)).body.reason).toBe('token_revoked')
  expect((await introspect(to, login.accessToken)).body).toEqual({ active: false })
  expect((await refresh(to, login.refreshToken)).body.reason).toBe('client_authentication_failed')
  const credentials = { email: 'maria@example.com', password, client_id: own.id }
  expect((await postJson(to, '/v1/sessions', credentials)).body.reason).toBe('client_authentication_failed')
  expect((await to.store.feed.snapshot()).entries).toMatchObject([{ kind: 'client', id: own.id, below: 2 }])
  await declareClients(to.store, [own])
  expect((await refresh(to, login.refreshToken)).body.reason).toBe('authorization_revoked')
  expect((await me(to, (await logIn(to)).accessToken)).status).toBe(200)
})

test('a client that the configuration names no more gets nothing, and goes on where it was once it is named again', async () => {
  const to = await given.server()
  await signUp(to)
  const login = await logIn(to)
  const others = sampleClients.filter(({ id }) => id !== own.id)
  expect(await switchOffUndeclared(to.store, others)).toEqual([own.id])
  expect(await switchOffUndeclared(to.store, others)).toEqual([])
  expect((await refresh(to, login.refreshToken)).body.reason).toBe('client_authentication_failed')
  await declareClients(to.store, sampleClients)
  expect((await refresh(to, login.refreshToken)).status).toBe(200)
})

test('what has not changed is not written; what has is written and audited once', async () => {
  const to = await given.server()
  const before = (await to.audit()).length
  await declareClients(to.store, sampleClients)
  expect(await to.auditedSince(before)).toEqual([])
  const [first, ...others] = sampleClients
  await declareClients(to.store, [{ ...(first as Client), name: 'Another name' }, ...others])
  await declareClients(to.store, [{ ...(first as Client), name: 'Another name' }, ...others])
  expect(await to.auditedSince(before)).toEqual(['client.changed'])
})

test('the feed keeps entries for the longest access token that was ever configured', async () => {
  const to = await given.server()
  const lifetimes = { ...own.lifetimes, accessTokenSeconds: 7_200 }
  await declareClients(to.store, [{ ...own, lifetimes }])
  await declareClients(to.store, [own])
  expect((await to.store.loadIssuer()).issuer.longestAccessTokenSeconds).toBe(7_200)
})

test('nodes that start together with the same clients agree', async () => {
  const to = await given.server({ clients: [] })
  const many = Array.from({ length: 5 }, (_, index) => declareClient({ id: `c${index}` }))
  await Promise.all(Array.from({ length: 5 }, () => declareClients(to.store, many)))
  expect(await to.store.listClients({ limit: 10 })).toHaveLength(5)
  expect((await to.audit()).filter(({ record }) => record.event === 'client.changed')).toHaveLength(5)
})

test('a start says in the log what it has made otherwise: clients that were declared differently, and another issuer', async () => {
  const first = await given.server()
  const openStore = async () => first.store
  const again = await given.server({ openStore, closesStore: false })
  expect(again.log).toEqual([])
  const other = await given.server({
    openStore,
    closesStore: false,
    clients: sampleClients.map(one => (one.id === own.id ? { ...one, name: 'Another name' } : one)),
    config: { issuer: 'https://other.example' },
  })
  expect(other.log).toEqual([
    {
      level: 'warn',
      text: expect.stringContaining(
        'the issuer is another one now: what was given in the name of the one before is refused',
      ),
    },
    { level: 'info', text: expect.stringMatching(/^clients were made what this configuration says .*"bearer-app"/) },
  ])
  expect(other.log[0]?.text).toContain(issuer)
})

test('two clients of one id stop the start, and name it', async () => {
  await expect(given.server({ clients: [own, { ...own, name: 'Another' }] })).rejects.toThrow(
    "Two clients have the id 'bearer-app'.",
  )
})
