import { type Change, type Client, declareClient } from '@countersign/core'
import type { Store } from '@countersign/store'
import { afterEach, describe, expect, test } from 'vitest'
import { introspect, logIn, me, postJson, refresh, signUp } from '../testing/calls.ts'
import { closeGiven, type GivenServer, given, issuer, password, sampleClients } from '../testing/given.ts'
import { declareClients } from './declare-clients.ts'

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
  expect((await declareClients(to.store, others, { areComplete: true })).switchedOff).toEqual([own.id])
  expect((await declareClients(to.store, others, { areComplete: true })).switchedOff).toEqual([])
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

test.each<[string, Partial<Client>, 'warn' | 'info']>([
  ['a scope', { scopes: ['account'], defaultScopes: ['account'] }, 'warn'],
  ['an address', { redirectUris: [] }, 'warn'],
  ['a secret for another', { secretHashes: ['another'] }, 'warn'],
  ['an audience', { audiences: [] }, 'warn'],
  ['part of its lifetime', { lifetimes: { ...own.lifetimes, idleSeconds: 60 } }, 'warn'],
  ['a way to sign in', { directLogin: false }, 'warn'],
  ['the liberty to come without a proof', { requiresDpop: true }, 'warn'],
  ['what it learns of as an API', { serves: [] }, 'warn'],
  ['the name that it knows users by', { subjectType: 'uuid' }, 'warn'],
  ['everything', { disabled: true }, 'warn'],
  ['nothing, and gives it a scope', { scopes: [...own.scopes, 'more'] }, 'info'],
  ['nothing, and gives it a longer life', { lifetimes: { ...own.lifetimes, idleSeconds: 9_000_000 } }, 'info'],
])('a start that takes from a client %s says so, louder than one that only adds', async (_what, other, level) => {
  const secretHashes = ['one']
  const first = await given.server({ clients: [{ ...own, secretHashes }] })
  const again = await given.server({
    openStore: async () => first.store,
    closesStore: false,
    clients: [{ ...own, secretHashes, ...other }],
  })
  expect(again.log).toEqual([{ level, text: expect.stringMatching(/^(clients lose|clients were made).*"bearer-app"/) }])
})

describe('a file that says which of several it is (clients_version)', () => {
  const older = [own]
  const newer = [{ ...own, scopes: [...own.scopes, 'offline_access'] }, declareClient({ id: 'only-newer' })]
  const start = (first: GivenServer, clients: readonly Client[], clientsVersion?: number): Promise<GivenServer> =>
    given.server({
      openStore: async () => first.store,
      closesStore: false,
      clients,
      clientsAreComplete: true,
      ...(clientsVersion !== undefined && { clientsVersion }),
    })
  const storedIds = async ({ store }: GivenServer): Promise<string[]> =>
    (await store.listClients({ limit: 10 })).filter(({ disabled }) => !disabled).map(({ id }) => id)
  const storedVersion = async ({ store }: GivenServer): Promise<number | undefined> =>
    (await store.loadIssuer()).issuer.clientsVersion

  test('the one with the lower number starts and changes no client, and the log has both numbers', async () => {
    const first = await given.server({ clients: newer, clientsVersion: 7 })
    const before = (await first.audit()).length
    const late = await start(first, older, 6)
    expect(await first.auditedSince(before)).toEqual([])
    expect(await storedIds(first)).toEqual(['bearer-app', 'only-newer'])
    expect(late.server.switchedOff).toEqual([])
    expect(late.log).toEqual([
      {
        level: 'warn',
        text: 'the clients stay as they are stored: a configuration with a higher clients_version was declared before {"clientsVersion":6,"stored":7}',
      },
    ])
    expect(await storedVersion(first)).toBe(7)
    expect((await first.store.loadClient(own.id))?.client.scopes).toContain('offline_access')
  })

  test('one without a number is as one with a lower', async () => {
    const first = await given.server({ clients: newer, clientsVersion: 1 })
    const late = await start(first, older)
    expect(await storedIds(first)).toEqual(['bearer-app', 'only-newer'])
    expect(late.log).toEqual([
      { level: 'warn', text: expect.stringContaining('before {"clientsVersion":null,"stored":1}') },
    ])
  })

  test('one with the same number counts as the last, as without any; one with a higher does, and its number is the one from then on', async () => {
    const first = await given.server({ clients: newer, clientsVersion: 7 })
    expect((await start(first, older, 7)).server.switchedOff).toEqual(['only-newer'])
    expect(await storedIds(first)).toEqual(['bearer-app'])
    await start(first, newer, 8)
    expect(await storedIds(first)).toEqual(['bearer-app', 'only-newer'])
    expect(await storedVersion(first)).toBe(8)
  })

  test('a higher number is noted where nothing else has changed, and the first one over files that had none', async () => {
    const first = await given.server({ clients: older })
    expect(await storedVersion(first)).toBeUndefined()
    await start(first, older, 3)
    expect(await storedVersion(first)).toBe(3)
    expect((await start(first, newer, 2)).log).toHaveLength(1)
    expect(await storedIds(first)).toEqual(['bearer-app'])
  })

  test.each([undefined, 1])(
    'of two starts at once the higher number stands (against %s), whichever is overtaken between reading and writing',
    async lower => {
      const first = await given.server({ clients: [] })
      const { store } = first
      const overtakenBy = (other: () => Promise<unknown>): Store => {
        let waits = true
        return {
          ...store,
          async commit(change) {
            if (waits) {
              waits = false
              await other()
            }
            return store.commit(change)
          },
        }
      }
      const declareOlder = (to: Store) =>
        declareClients(to, older, { areComplete: true, ...(lower !== undefined && { version: lower }) })
      const declareNewer = (to: Store, version: number) => declareClients(to, newer, { areComplete: true, version })
      expect(await declareOlder(overtakenBy(() => declareNewer(store, 2)))).toMatchObject({ storedVersion: 2 })
      expect(await storedIds(first)).toEqual(['bearer-app', 'only-newer'])

      await declareClients(store, [], { areComplete: true, version: 3 })
      expect(await declareOlder(store)).toMatchObject({ storedVersion: 3 })
      await store.commit(await withoutVersion(store))
      await declareNewer(
        overtakenBy(() => declareOlder(store)),
        4,
      )
      expect(await storedIds(first)).toEqual(['bearer-app', 'only-newer'])
      expect((await store.loadClient(own.id))?.client.scopes).toContain('offline_access')
    },
  )
})

/** As before any file had a number. */
async function withoutVersion(store: Store): Promise<Change> {
  const { issuer, now } = await store.loadIssuer()
  const { clientsVersion: _, ...row } = issuer
  return { writes: [{ table: 'issuer', row }], audit: [], entries: [], durable: true, time: now }
}

test('two clients of one id stop the start, and name it', async () => {
  await expect(given.server({ clients: [own, { ...own, name: 'Another' }] })).rejects.toThrow(
    "Two clients have the id 'bearer-app'.",
  )
})
