import { type Client, emailKey, type Family, makeId, newIdentity, type Session, type User } from '@countersign/core'
import * as given from '../given.ts'
import type { Contract } from './contract.ts'

const nowhere = makeId(1, given.random)

/** Every row comes back as it was written, one version later. */
export function loadContract({ it, expect }: Contract): void {
  it('a new store has an issuer and an empty key ring', async ({ store, clock }) => {
    const snapshot = await store.loadIssuer()
    expect(snapshot).toEqual({
      now: clock.now(),
      issuer: {
        epoch: 1,
        incarnation: 'first-history',
        restoredAt: null,
        longestAccessTokenSeconds: 900,
        version: 1,
      },
      keyRing: { signing: [], refresh: [], version: 1 },
    })
    expect(store.feed.incarnation).toMatch(/^first-history(-|$)/)
  })

  it('a new store holds nothing else', async ({ store }) => {
    expect(await store.listClients({ limit: 10 })).toEqual([])
    expect(await store.loadClient('demo')).toBeUndefined()
    expect((await store.loadUser(nowhere)).user).toBeUndefined()
    expect((await store.loadUserByEmail('a@example.org')).user).toBeUndefined()
    expect((await store.loadUserByIdentity('google', '1')).user).toBeUndefined()
    expect(await store.loadFamily(nowhere)).toBeUndefined()
    expect(await store.loadSession(nowhere)).toBeUndefined()
    expect(await store.loadSessionOnly(nowhere)).toBeUndefined()
    expect(await store.loadCode('x')).toBeUndefined()
    expect(await store.listSessions(nowhere)).toEqual([])
    expect(await store.readAudit(0, 10)).toEqual([])
  })

  it('what is no id names nothing, and is no error', async ({ store }) => {
    for (const text of ['', 'x', '../../etc/passwd', `${nowhere}x`, 'ÿ'.repeat(22), '\0'.repeat(22)]) {
      expect(await store.loadFamily(text)).toBeUndefined()
      expect(await store.loadSession(text)).toBeUndefined()
      expect(await store.loadSessionOnly(text)).toBeUndefined()
      expect((await store.loadUser(text)).user).toBeUndefined()
      expect(await store.listSessions(text)).toEqual([])
    }
  })

  it('the issuer and the key ring', async ({ store }) => {
    const { issuer } = await store.loadIssuer()
    const raised = {
      ...issuer,
      epoch: 7,
      restoredAt: 12,
      longestAccessTokenSeconds: 3600,
      unfinishedCopy: true as const,
    }
    await store.commit(given.change([{ table: 'issuer', row: raised }]))
    const ring = await given.keyRing(store)
    const loaded = await store.loadIssuer()
    expect(loaded.issuer).toEqual({ ...raised, version: 2 })
    expect(loaded.keyRing).toEqual(ring)
    const { unfinishedCopy: _, ...finished } = loaded.issuer
    await store.commit(given.change([{ table: 'issuer', row: finished }]))
    expect((await store.loadIssuer()).issuer).toEqual({ ...finished, version: 3 })
  })

  it('clients, in the order of their ids', async ({ store }) => {
    const first = await given.client(store, { id: 'zebra', name: 'Ünïcode ✓' })
    const second = await given.client(store, { id: 'ant', secretHashes: ['a', 'b'] })
    const renamed: Client = { ...first, name: 'Zebra 2' }
    await store.commit(given.change([{ table: 'client', row: renamed }]))
    expect(await store.listClients({ limit: 10 })).toEqual([second, given.stored(renamed)])
    expect((await store.loadClient('zebra'))?.client).toEqual(given.stored(renamed))
  })

  it('users, by id, address and identity', async ({ store, clock }) => {
    const user = await given.user(store, {
      email: 'Jane.Doe@Example.ORG',
      name: 'a\u0000b 😀',
      passwordHash: '$argon2id$x',
      emailVerifiedAt: 7,
      profile: { givenName: 'Ünï', address: { locality: 'Zürich' }, phoneNumberVerified: false },
      rights: {
        roles: ['editor'],
        groups: [],
        permissions: ['notes:all'],
        attributes: { tenant: 'ü\u0000', list: [1] },
      },
      claimsEpoch: 7,
    })
    const named = { connection: 'google', subject: '10769150350006150715113082367', userId: user.id }
    const identity = newIdentity({ ...named, linkedAt: 5 })
    await store.commit(given.change([{ table: 'identity', row: identity }]))
    const { issuer } = await store.loadIssuer()
    const snapshot = { now: clock.now(), issuer, user }
    expect(await store.loadUser(user.id)).toEqual(snapshot)
    expect(await store.loadUserByEmail(emailKey('jane.doe@example.org') ?? '')).toEqual(snapshot)
    const known = { ...snapshot, identity: given.stored(identity) }
    expect(await store.loadUserByIdentity('google', identity.subject)).toEqual(known)
    expect((await store.loadUserByIdentity('github', identity.subject)).user).toBeUndefined()
  })

  it('users in pages, in the order in which they came', async ({ store, clock }) => {
    expect(await store.listUsers({ limit: 10 })).toEqual([])
    const users: User[] = []
    for (let count = 0; count < 5; count++) {
      users.push(await given.user(store))
      clock.advance(1)
    }
    expect(await store.listUsers({ limit: 10 })).toEqual(users)
    const [first, second] = [
      await store.listUsers({ limit: 2 }),
      await store.listUsers({ after: users[1]?.id ?? '', limit: 2 }),
    ]
    expect([...first, ...second]).toEqual(users.slice(0, 4))
    expect(await store.listUsers({ after: users[4]?.id ?? '', limit: 2 })).toEqual([])
    expect(await store.listUsers({ after: 'no id', limit: 2 })).toEqual([])
  })

  it('users in pages by the bytes of their ids, which are no times if they came from elsewhere', async ({ store }) => {
    const ids = ['01', '7f', '80', 'c3', 'ff'].map(byte => Buffer.from(byte.repeat(16), 'hex').toString('base64url'))
    for (const id of ids.toReversed()) await given.user(store, { id })
    const idsAfter = async (after: string | undefined, limit: number): Promise<string[]> =>
      (await store.listUsers({ limit, ...(after !== undefined && { after }) })).map(({ id }) => id)
    expect(await idsAfter(undefined, 10)).toEqual(ids)
    for (const [place, id] of ids.entries()) {
      expect((await store.loadUser(id)).user?.id).toBe(id)
      expect(await idsAfter(id, 2)).toEqual(ids.slice(place + 1, place + 3))
    }
  })

  it('a user with nothing but an id, and one who is erased', async ({ store }) => {
    const bare = await given.user(store, { email: null, name: null, sealSalt: null })
    expect((await store.loadUser(bare.id)).user).toEqual(bare)
    const user = await given.user(store, { email: 'gone@example.org' })
    const erased = { ...user, email: null, name: null, sealSalt: null, deletedAt: 5, disabledAt: 5 }
    await store.commit(given.change([{ table: 'user', row: erased }]))
    expect((await store.loadUser(user.id)).user).toEqual(given.stored(erased))
    expect((await store.loadUserByEmail('gone@example.org')).user).toBeUndefined()
  })

  it('a login: the family with all that it was authorised under', async ({ store, clock }) => {
    const { user, client, session, family } = await given.login(store, { jkt: given.jkt() })
    const { issuer } = await store.loadIssuer()
    const common = { now: clock.now(), issuer, user, session }
    expect(await store.loadFamily(family.id)).toEqual({ ...common, client, grant: undefined, family })
    expect(await store.loadSession(session.id)).toEqual({ ...common, families: [family] })
    expect(await store.loadSessionOnly(session.id)).toEqual(common)
  })

  it('every field of a session that can change', async ({ store }) => {
    const { session } = await given.browserSession(store)
    const changed: Session = {
      ...session,
      createdAt: session.createdAt + 2,
      authenticatedAt: session.authenticatedAt + 1,
      amr: ['pwd', 'otp'],
      device: { label: 'Safari on iPhone', ip: '2001:db8::1' },
      cookieSalt: given.random(16),
      absoluteEndAt: session.absoluteEndAt + 1,
      epochs: { all: 5, user: 6, client: 7, grant: 8 },
      endedAt: 9,
      endReason: 'ended_by_operator',
    }
    await store.commit(given.change([{ table: 'session', row: changed }]))
    expect((await store.loadSession(session.id))?.session).toEqual(given.stored(changed))
  })

  it('every field of a family that can change', async ({ store }) => {
    const { family } = await given.login(store)
    const changed: Family = {
      ...family,
      salt: given.random(16),
      createdAt: family.createdAt + 1,
      generation: 4_294_967_295,
      rotatedAt: family.rotatedAt + 1,
      absoluteEndAt: family.absoluteEndAt + 1,
      jkt: 'another spelling',
      claims: { userinfo: { email: { essential: true }, nickname: null } },
      scope: 'account profile',
      audiences: ['https://one.example', 'a name with spaces'],
      epochs: { all: 5, grant: 8 },
      creditSpentAt: 3,
      flaggedAt: 4,
      leakedAt: 5,
      endedAt: 9,
      endReason: 'refresh_token_reused',
    }
    await store.commit(given.change([{ table: 'family', row: changed }]))
    expect((await store.loadFamily(family.id))?.family).toEqual(given.stored(changed))
  })

  it('a code, before and after it gave a family', async ({ store }) => {
    const issued = await given.code(store)
    const { user, session, client, row } = issued
    expect(await store.loadCode(row.hash)).toMatchObject({ code: row, user, session, client, given: undefined })
    const { outcome } = await given.redeemCode(store, issued)
    if (outcome.refused) throw new Error(outcome.reason)
    const used = await store.loadCode(row.hash)
    expect(used?.code).toMatchObject({ familyId: outcome.family.id, version: 2 })
    const joined = { ...session, version: session.version + 1 }
    expect(used?.given).toMatchObject({ family: given.stored(outcome.family), session: joined, user, client })
  })

  it('sessions that live, newest first, with the families that live', async ({ store, clock }) => {
    const user = await given.user(store)
    const oldest = await given.login(store, { user })
    clock.advance(1)
    const { session: browser } = await given.browserSession(store, user)
    clock.advance(1)
    const ended = await given.login(store, { user })
    const end = { ...ended.session, endedAt: clock.now(), endReason: 'signed_out' as const }
    await store.commit(given.change([{ table: 'session', row: end }]))
    await given.login(store)
    expect(await store.listSessions(user.id)).toEqual([
      { session: browser, families: [] },
      { session: oldest.session, families: [oldest.family] },
    ])
  })

  it('a login that nobody used for too long is not listed, nor one that is past its end', async ({ store, clock }) => {
    const user = await given.user(store)
    await given.login(store, { user })
    const brief = { accessTokenSeconds: 60, idleSeconds: 86_400 * 365, absoluteSeconds: 86_400 }
    await given.login(store, { user, client: await given.client(store, { id: 'brief', lifetimes: brief }) })
    clock.advance(86_400)
    expect(await store.listSessions(user.id)).toHaveLength(1)
    clock.advance(86_400 * 29)
    expect(await store.listSessions(user.id)).toEqual([])
  })

  it('the time of a snapshot is the store’s', async ({ store, clock }) => {
    const { family } = await given.login(store)
    clock.advance(12.345)
    expect((await store.loadFamily(family.id))?.now).toBe(clock.now())
    expect((await store.loadIssuer()).now).toBe(clock.now())
    expect((await store.feed.snapshot()).asOf).toBe(clock.now())
  })

  it('a store that was closed says so', async ({ store }) => {
    await store.close()
    await expect(store.loadIssuer()).rejects.toMatchObject({ name: 'StoreUnavailable' })
    await expect(store.commit(given.change([]))).rejects.toMatchObject({ name: 'StoreUnavailable' })
    await expect(store.feed.snapshot()).rejects.toMatchObject({ name: 'StoreUnavailable' })
    await expect(store.readAudit(0, 1)).rejects.toMatchObject({ name: 'StoreUnavailable' })
    await store.close()
  })
}
