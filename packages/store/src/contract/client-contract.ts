import { type Client, makeId } from '@countersign/core'
import * as given from '../given.ts'
import type { Store } from '../store.ts'
import type { Contract } from './contract.ts'

const day = 86_400
const limits = { keepEndedSeconds: 30 * day, rowsAtMost: 100 }

/** Clients: there may be very many, most of them registered by nobody in particular. */
export function clientContract({ it, expect }: Contract): void {
  it('they are listed a page at a time, all or those that came in one way', async ({ store }) => {
    for (const id of ['e', 'a', 'd', 'https://app.example/client']) await registered(store, { id, expiresAt: null })
    await given.client(store, { id: 'b' })
    await given.client(store, { id: 'c', origin: 'operator' })
    const ids = async (page: Parameters<Store['listClients']>[0]) => (await store.listClients(page)).map(({ id }) => id)
    expect(await ids({ limit: 3 })).toEqual(['a', 'b', 'c'])
    expect(await ids({ limit: 3, after: 'c' })).toEqual(['d', 'e', 'https://app.example/client'])
    expect(await ids({ limit: 3, after: 'https://app.example/client' })).toEqual([])
    expect(await ids({ limit: 2, origin: 'registered' })).toEqual(['a', 'd'])
    expect(await ids({ limit: 2, origin: 'registered', after: 'd' })).toEqual(['e', 'https://app.example/client'])
    expect(await ids({ limit: 9, origin: 'metadata' })).toEqual([])
    expect(await store.countClients('registered')).toBe(4)
    expect(await store.countClients('declared')).toBe(1)
    expect(await store.countClients('metadata')).toBe(0)
  })

  it('an id can be an address of 2,000 characters, in whatever refers to it', async ({ store }) => {
    const id = `https://app.example/${'x'.repeat(1_980)}`
    const client = await given.client(store, { id })
    expect((await store.loadClient(id))?.client).toEqual(client)
    const user = await given.user(store)
    await given.grant(store, { user, client })
    expect((await store.loadGrant(user.id, id)).grant?.clientId).toBe(id)
  })

  it('CVE-2026-33504: where a page begins is a value, and never a part of the statement', async ({ store }) => {
    for (const id of ['a', 'b', "c' OR '1'='1"]) await registered(store, { id, expiresAt: null })
    const ids = async (after: string) => (await store.listClients({ limit: 9, after })).map(({ id }) => id)
    expect(await ids("' OR '1'='1")).toEqual(['a', 'b', "c' OR '1'='1"])
    expect(await ids("b'; DELETE FROM client; --")).toEqual(["c' OR '1'='1"])
    expect(await ids("c' OR '1'='1")).toEqual([])
    expect(await ids('\u{10ffff}')).toEqual([])
    expect(await store.countClients('registered')).toBe(3)
  })

  it('the origin of a redirect URI is known while a client that has it is switched on', async ({ store }) => {
    const uris = ['https://app.example:8443/cb', 'https://app.example:8443/other', 'com.example.app:/cb']
    const one = await given.client(store, { id: 'one', redirectUris: uris })
    const other = await given.client(store, { id: 'other', redirectUris: ['https://app.example:8443/x'] })
    expect(await store.knowsWebOrigin('https://app.example:8443')).toBe(true)
    for (const origin of ['https://app.example', 'null', '', 'com.example.app:', 'https://APP.example:8443']) {
      expect([origin, await store.knowsWebOrigin(origin)]).toEqual([origin, false])
    }
    await store.commit(given.change([{ table: 'client', row: { ...one, disabled: true } }]))
    expect(await store.knowsWebOrigin('https://app.example:8443')).toBe(true)
    const moved = { ...other, redirectUris: ['https://moved.example/'] }
    await store.commit(given.change([{ table: 'client', row: moved }]))
    expect(await store.knowsWebOrigin('https://app.example:8443')).toBe(false)
    expect(await store.knowsWebOrigin('https://moved.example')).toBe(true)
  })

  it('a registration that nobody has used goes when its time has come, and its origin with it', async ({
    store,
    clock,
  }) => {
    await registered(store, { id: 'unused', redirectUris: ['https://unused.example/'] })
    await registered(store, { id: 'kept', expiresAt: null })
    clock.advance(day - 1)
    expect(await store.sweep(limits)).toBe(0)
    clock.advance(1)
    expect(await store.sweep(limits)).toBe(1)
    expect(await store.loadClient('unused')).toBeUndefined()
    expect(await store.knowsWebOrigin('https://unused.example')).toBe(false)
    expect(await store.loadClient('kept')).toBeDefined()
    expect(await store.countClients('registered')).toBe(1)
    expect((await registered(store, { id: 'unused' })).version).toBe(1)
  })

  it('one that a login, a session or a grant was written for stays for good', async ({ store, clock }) => {
    const login = await registered(store, { id: 'login' })
    const allowed = await registered(store, { id: 'allowed' })
    await given.login(store, { client: login })
    await given.grant(store, { user: await given.user(store), client: allowed })
    for (const id of ['login', 'allowed']) {
      const stored = (await store.loadClient(id))?.client
      expect([stored?.expiresAt, (stored?.version ?? 0) > 1]).toEqual([null, true])
    }
    clock.advance(2 * day)
    await store.sweep(limits)
    expect(await store.loadClient('login')).toBeDefined()
    expect(await store.loadClient('allowed')).toBeDefined()
  })

  it('who has read it before it was used cannot write that it was not', async ({ store, clock }) => {
    const client = await registered(store, { id: 'app' })
    await given.login(store, { client })
    expect(await store.commit(given.change([{ table: 'client', row: { ...client, name: 'New' } }]))).toBe('conflict')
    clock.advance(2 * day)
    await store.sweep(limits)
    expect(await store.loadClient('app')).toBeDefined()
  })

  it('a commit that fails has not used it', async ({ store }) => {
    const client = await registered(store, { id: 'app' })
    const user = await given.user(store)
    const stale = { ...user, version: 7 }
    const grant = { userId: user.id, clientId: client.id, scopes: [], audiences: [], createdAt: 1, allowedAt: 1 }
    const row = { ...grant, withdrawnAt: null, epoch: 1, version: 0 }
    const writes = [
      { table: 'grant', row },
      { table: 'user', row: stale },
    ] as const
    expect(await store.commit(given.change(writes))).toBe('conflict')
    expect((await store.loadClient('app'))?.client).toEqual(client)
  })

  it('nobody logs in at one that was forgotten', async ({ store, clock }) => {
    const client = await registered(store, { id: 'app' })
    clock.advance(2 * day)
    await store.sweep(limits)
    const { id: userId } = await given.user(store)
    const row = {
      userId,
      clientId: client.id,
      scopes: [],
      audiences: [],
      createdAt: 1,
      allowedAt: 1,
      withdrawnAt: null,
    }
    const change = given.change([{ table: 'grant', row: { ...row, epoch: 1, version: 0 } }])
    await expect(store.commit(change)).rejects.toThrow(TypeError)
    expect(await store.loadFamily(makeId(1, given.random))).toBeUndefined()
  })

  it('of very many each sweep takes its share', async ({ store, clock }) => {
    for (let index = 0; index < 30; index++) await registered(store, { id: `unused-${index}` })
    clock.advance(2 * day)
    const few = { ...limits, rowsAtMost: 10 }
    for (const left of [20, 10, 0]) {
      expect(await store.sweep(few)).toBe(10)
      expect(await store.countClients('registered')).toBe(left)
    }
  })
}

async function registered(store: Store, more: Pick<Client, 'id'> & Partial<Client>): Promise<Client> {
  const { now } = await store.loadIssuer()
  return given.client(store, { origin: 'registered', createdAt: now, expiresAt: now + day * 1000, ...more })
}
