import { endLogin, type Family, type FamilyWrite, makeId } from '@countersign/core'
import * as given from '../given.ts'
import type { Store } from '../store.ts'
import { atOnce, type Contract, interruption } from './contract.ts'

/** Versions, and all or nothing. */
export function commitContract({ it, expect }: Contract): void {
  it('a user who is deleted takes the devices out of their sessions, ended ones too, and nobody writes them again', async ({
    store,
  }) => {
    const device = { label: 'A device', ip: '203.0.113.254' }
    const { user, session } = await given.login(store, { device })
    const other = await given.login(store, { device })
    await store.commit(given.change([{ table: 'session', row: { ...session, endedAt: 1, endReason: 'signed_out' } }]))
    const before = (await store.loadSession(session.id))?.session
    const row = { ...user, email: null, name: null, deletedAt: user.createdAt }
    expect(await store.commit(given.change([{ table: 'user', row }]))).toBe('committed')
    const after = (await store.loadSession(session.id))?.session
    expect(after?.device).toEqual({ label: '', ip: '' })
    expect((await store.loadSession(other.session.id))?.session.device).toEqual(device)
    if (before) expect(await store.commit(given.change([{ table: 'session', row: before }]))).toBe('conflict')
  })

  it('a row at another version is a conflict', async ({ store }) => {
    const { family } = await given.login(store)
    const write = (version: number) => store.commit(given.change([{ table: 'family', row: { ...family, version } }]))
    expect(await write(2)).toBe('conflict')
    expect(await write(0)).toBe('conflict')
    expect(await write(1)).toBe('committed')
    expect(await write(1)).toBe('conflict')
    expect((await store.loadFamily(family.id))?.family.version).toBe(2)
  })

  it('a row that is not there can only be written as a new one', async ({ store }) => {
    const { issuer, now } = await store.loadIssuer()
    const user = given.newUser(now, { version: 1 })
    expect(await store.commit(given.change([{ table: 'user', row: user }]))).toBe('conflict')
    expect((await store.loadUser(user.id)).user).toBeUndefined()
    expect(await store.commit(given.change([{ table: 'issuer', row: { ...issuer, version: 0 } }]))).toBe('conflict')
  })

  it('each kind of row is guarded by its version', async ({ store }) => {
    const { issuer, keyRing } = await store.loadIssuer()
    const { user, client, session, family } = await given.login(store)
    const { row: code } = await given.code(store)
    const writes = [
      { table: 'issuer', row: issuer },
      { table: 'keyRing', row: keyRing },
      { table: 'client', row: client },
      { table: 'user', row: user },
      { table: 'session', row: session },
      { table: 'family', row: family },
      { table: 'code', row: code },
    ] as const
    for (const write of writes) {
      expect([write.table, await store.commit(given.change([write]))]).toEqual([write.table, 'committed'])
      expect([write.table, await store.commit(given.change([write]))]).toEqual([write.table, 'conflict'])
    }
  })

  it('a conflict writes nothing at all: no row, no audit row, no entry', async ({ store, clock }) => {
    const { family, session, user } = await given.login(store)
    const snapshot = await store.loadFamily(family.id)
    const end = snapshot && endLogin(snapshot, 'signed_out', { device: given.device })
    if (end === undefined) throw new Error('there is nothing to end')
    await store.commit(given.change([{ table: 'session', row: session }]))
    const before = await everything(store, { family, session, user })
    clock.advance(1)
    expect(await store.commit(end)).toBe('conflict')
    expect(await everything(store, { family, session, user })).toEqual(before)
    // Whichever of the writes is the stale one.
    expect(await store.commit({ ...end, writes: [...end.writes].reverse() })).toBe('conflict')
    expect(await everything(store, { family, session, user })).toEqual(before)
  })

  it('a conflict beside a new client leaves no client', async ({ store }) => {
    const { session, client } = await given.login(store)
    const row = { ...client, id: 'new', version: 0 }
    const writes = [
      { table: 'client', row },
      { table: 'session', row: { ...session, id: makeId(1, given.random), clientId: 'new', version: 0 } },
      { table: 'session', row: { ...session, version: 9 } },
    ] as const
    expect(await store.commit(given.change(writes))).toBe('conflict')
    expect(await store.loadClient('new')).toBeUndefined()
    const orphan = { ...session, id: makeId(1, given.random), clientId: 'new', version: 0 }
    await expect(store.commit(given.change([{ table: 'session', row: orphan }]))).rejects.toBeInstanceOf(TypeError)
    expect(await store.commit(given.change([{ table: 'client', row }]))).toBe('committed')
    expect((await store.loadClient('new'))?.client).toEqual(given.stored(row))
  })

  it('a conflict leaves the commits beside it alone', async ({ store }) => {
    const logins = await atOnce(4, () => given.login(store))
    const outcomes = await Promise.all(
      logins.map(({ family }, index) => {
        const stale = index % 2
        return store.commit(given.change([{ table: 'family', row: { ...family, version: family.version + stale } }]))
      }),
    )
    expect(outcomes).toEqual(['committed', 'conflict', 'committed', 'conflict'])
  })

  it('of fifty commits over one version one is made', async ({ store }) => {
    const { family } = await given.login(store)
    const outcomes = await atOnce(50, index => {
      const row: Family = { ...family, scope: `from ${index}` }
      return store.commit(given.change([{ table: 'family', row }], { durable: index % 2 === 0 }))
    })
    expect(outcomes.filter(outcome => outcome === 'committed')).toHaveLength(1)
    const stored = (await store.loadFamily(family.id))?.family
    expect(stored?.version).toBe(2)
    expect(stored?.scope).toBe(`from ${outcomes.indexOf('committed')}`)
  })

  it('attack 18: interrupted in the middle nothing was written, and the same change goes through afterwards', async ({
    store,
    interruptNextSeal,
  }) => {
    const { family, session, user } = await given.login(store)
    const snapshot = await store.loadFamily(family.id)
    const end = snapshot && endLogin(snapshot, 'signed_out', { device: given.device })
    if (end === undefined) throw new Error('there is nothing to end')
    const before = await everything(store, { family, session, user })
    interruptNextSeal()
    await expect(store.commit(end)).rejects.toThrow(interruption)
    expect(await everything(store, { family, session, user })).toEqual(before)
    expect(await store.commit(end)).toBe('committed')
    const after = await everything(store, { family, session, user })
    expect(after.audit).toHaveLength(before.audit.length + 1)
    expect(after.feed.number).toBe(before.feed.number + 2)
    expect(after.family?.family.endReason).toBe('signed_out')
  })

  it('an interrupted commit does not take others with it', async ({ store, interruptNextSeal }) => {
    const user = await given.user(store)
    const others = await atOnce(3, () => given.login(store))
    const record = { event: 'user.enabled', time: 1, userId: user.id, personal: { ip: '192.0.2.1' } } as const
    interruptNextSeal()
    const outcomes = await Promise.allSettled([
      ...others.map(({ family }) => store.commit(given.change([{ table: 'family', row: family }]))),
      store.commit(given.change([{ table: 'user', row: user }], { audit: [record] })),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected'])
    expect((await store.loadUser(user.id)).user?.version).toBe(1)
  })

  it('mistakes of the caller are thrown, not called conflicts', async ({ store }) => {
    const { family, session, user } = await given.login(store)
    const wrong = [
      [{ table: 'user', row: { ...user, id: 'user-1', version: 0 } }],
      [{ table: 'user', row: { ...user, email: 'not an address' } }],
      [{ table: 'session', row: { ...session, userId: 'user-1' } }],
      [{ table: 'family', row: { ...family, clientId: 'nobody', version: 0 } }],
      [
        { table: 'family', row: family },
        { table: 'family', row: family },
      ],
    ] as const
    for (const writes of wrong) await expect(store.commit(given.change(writes))).rejects.toBeInstanceOf(TypeError)
    expect((await store.loadFamily(family.id))?.family).toEqual(family)
  })

  it('an empty change is committed', async ({ store }) => {
    expect(await store.commit(given.change([]))).toBe('committed')
  })

  it('the end of a family is written over what was rotated since it was read, and over nothing else of it', async ({
    store,
    clock,
  }) => {
    const { family } = await given.login(store)
    const snapshot = await store.loadFamily(family.id)
    const end = snapshot && endLogin(snapshot, 'ended_by_user')
    if (end === undefined) throw new Error('there is nothing to end')
    await given.redeem(store, given.token(family, 5))
    const rotated = (await store.loadFamily(family.id))?.family
    expect(rotated?.generation).toBe(5)
    expect(await store.commit(end)).toBe('committed')
    const ended = { endedAt: snapshot?.now, endReason: 'ended_by_user', version: family.version + 2 }
    expect((await store.loadFamily(family.id))?.family).toEqual({ ...rotated, ...ended })
    clock.advance(1)
    const [write] = end.writes
    if (write?.table !== 'family') throw new Error('the family is not written first')
    const again: FamilyWrite = { ...write, row: { ...write.row, endedAt: clock.now(), endReason: 'signed_out' } }
    expect(await store.commit(given.change([again]))).toBe('conflict')
    expect((await store.loadFamily(family.id))?.family).toEqual({ ...rotated, ...ended })
    const unknown: FamilyWrite = { ...write, row: { ...write.row, id: makeId(1, given.random) } }
    expect(await store.commit(given.change([unknown]))).toBe('conflict')
    const endless: FamilyWrite = { ...write, row: family }
    await expect(store.commit(given.change([endless]))).rejects.toBeInstanceOf(TypeError)
  })

  it('attack 19: revoke beside rotate: the end is made whichever comes first, and nothing rotates after it', async ({
    store,
    clock,
  }) => {
    const { family, client, token } = await given.login(store)
    clock.advance(client.refresh.minimumLifeSeconds)
    const snapshot = await store.loadFamily(family.id)
    const end = snapshot && endLogin(snapshot, 'ended_by_user')
    if (end === undefined) throw new Error('there is nothing to end')
    const row = { ...family, generation: 1 }
    const rotation = given.change([{ table: 'family', row }], { durable: false })
    const [rotated, ended] = await Promise.all([store.commit(rotation), store.commit(end)])
    expect(ended).toBe('committed')
    const stored = (await store.loadFamily(family.id))?.family
    expect(stored).toMatchObject({ generation: rotated === 'committed' ? 1 : 0, endReason: 'ended_by_user' })
    expect(await store.commit(rotation)).toBe('conflict')
    const decision = await given.redeem(store, token)
    expect(decision).toMatchObject({ row: 3, outcome: { refused: true, reason: 'session_ended' } })
  })
}

/** All that one login can leave behind. */
async function everything(store: Store, login: { family: Family; session: { id: string }; user: { id: string } }) {
  const { now: _now, ...family } = (await store.loadFamily(login.family.id)) ?? { now: 0 }
  const { asOf: _asOf, ...feed } = await store.feed.snapshot()
  return {
    family: 'family' in family ? family : undefined,
    audit: await store.readAudit(0, 1000),
    feed,
    sessions: await store.listSessions(login.user.id),
  }
}
