import { endLogin, endSession } from '@countersign/core'
import * as given from '../given.ts'
import type { Store } from '../store.ts'
import { atOnce, type Contract } from './contract.ts'

const day = 86_400
const limits = { keepEndedSeconds: 30 * day, rowsAtMost: 1000 }

/** What can have no effect any more goes; nothing else, and never an audit row. */
export function sweepContract({ it, expect }: Contract): void {
  it('a store in which everything lives loses nothing', async ({ store }) => {
    const { family } = await given.login(store)
    const { session } = await given.browserSession(store)
    const { row } = await given.code(store)
    expect(await store.sweep({ keepEndedSeconds: 0, rowsAtMost: 1000 })).toBe(0)
    expect(await store.loadFamily(family.id)).toBeDefined()
    expect(await store.loadSession(session.id)).toBeDefined()
    expect(await store.loadCode(row.hash)).toBeDefined()
  })

  it('expired codes go', async ({ store, clock }) => {
    const { row } = await given.code(store)
    clock.advance(59)
    await given.code(store)
    clock.advance(1)
    expect(await store.sweep(limits)).toBe(1)
    expect(await store.loadCode(row.hash)).toBeUndefined()
  })

  it('an ended login goes when it has been kept long enough, family and session', async ({ store, clock }) => {
    const { family, session } = await given.login(store)
    await end(store, family.id)
    clock.advance(limits.keepEndedSeconds)
    await given.login(store)
    await store.sweep(limits)
    expect(await store.loadFamily(family.id)).toBeDefined()
    clock.advance(1)
    expect(await sweepAll(store)).toBeGreaterThanOrEqual(2)
    expect(await store.loadFamily(family.id)).toBeUndefined()
    expect(await store.loadSession(session.id)).toBeUndefined()
  })

  it('an idle login goes, one in use stays', async ({ store, clock }) => {
    const idle = await given.login(store)
    const used = await given.login(store)
    for (let passed = 0; passed < 61; passed++) {
      clock.advance(day)
      await given.redeem(store, given.token(used.family, passed))
    }
    expect(await sweepAll(store)).toBe(2)
    expect(await store.loadFamily(idle.family.id)).toBeUndefined()
    expect(await store.loadSession(used.session.id)).toBeDefined()
    expect(await store.loadFamily(used.family.id)).toBeDefined()
  })

  it('after a restore idleness counts from there: nobody’s login goes', async ({ store, clock }) => {
    const { family } = await given.login(store)
    clock.advance(61 * day)
    const { issuer } = await store.loadIssuer()
    await store.commit(given.change([{ table: 'issuer', row: { ...issuer, restoredAt: clock.now() } }]))
    expect(await store.sweep(limits)).toBe(0)
    expect(await store.loadFamily(family.id)).toBeDefined()
  })

  it('a session of the hosted pages stays while any family lives, and on its own until its end', async ({
    store,
    clock,
  }) => {
    const issued = await given.code(store)
    const { outcome } = await given.redeemCode(store, issued)
    if (outcome.refused) throw new Error(outcome.reason)
    const alone = await given.browserSession(store)
    clock.advance(100 * day)
    await sweepAll(store)
    expect(await store.loadFamily(outcome.family.id)).toBeUndefined()
    expect(await store.loadSession(issued.session.id)).toMatchObject({ families: [] })
    clock.advance(80 * day + limits.keepEndedSeconds)
    await sweepAll(store)
    expect(await store.loadSession(alone.session.id)).toBeDefined()
    clock.advance(1)
    await sweepAll(store)
    expect(await store.loadSession(alone.session.id)).toBeUndefined()
    expect(await store.loadSession(issued.session.id)).toBeUndefined()
  })

  it('the families of an ended session go with it', async ({ store, clock }) => {
    const issued = await given.code(store)
    const { outcome } = await given.redeemCode(store, issued)
    if (outcome.refused) throw new Error(outcome.reason)
    const snapshot = await store.loadSession(issued.session.id)
    const change = snapshot && endSession(snapshot, 'signed_out')
    if (change === undefined) throw new Error('there is nothing to end')
    await store.commit(change)
    clock.advance(limits.keepEndedSeconds + 1)
    await sweepAll(store)
    expect(await store.loadFamily(outcome.family.id)).toBeUndefined()
    expect(await store.loadSession(issued.session.id)).toBeUndefined()
  })

  it('takes at most so many rows at a time, and gets through all in the end', async ({ store, clock }) => {
    const logins = await atOnce(20, () => given.login(store))
    const living = await given.login(store)
    await atOnce(20, index => end(store, logins[index]?.family.id ?? ''))
    clock.advance(2 * day)
    const few = { keepEndedSeconds: day, rowsAtMost: 7 }
    let gone = 0
    for (let round = 0; round < 40; round++) {
      const now = await store.sweep(few)
      expect(now).toBeLessThanOrEqual(7)
      gone += now
    }
    // 20 families and sessions; of their 40 entries the newest keeps its number.
    expect(gone).toBe(20 + 20 + 39)
    expect(await store.loadFamily(living.family.id)).toBeDefined()
  })

  it('a flood of codes keeps ended logins not waiting, and a full pass says that it was full', async ({
    store,
    clock,
  }) => {
    const { family } = await given.login(store)
    await end(store, family.id)
    await atOnce(60, () => given.code(store))
    clock.advance(2 * day)
    const few = { keepEndedSeconds: day, rowsAtMost: 20 }
    for (let round = 0; round < 2; round++) expect(await store.sweep(few)).toBe(20)
    expect(await store.loadFamily(family.id)).toBeUndefined()
    while ((await store.sweep(few)) > 0);
    expect(await store.sweep(few)).toBe(0)
  })

  it('never takes an audit row, a user or a client', async ({ store, clock }) => {
    const { user, family } = await given.login(store)
    await end(store, family.id)
    const before = await store.readAudit(0, 100)
    clock.advance(10_000 * day)
    await sweepAll(store)
    expect(await store.readAudit(0, 100)).toEqual(before)
    expect((await store.loadUser(user.id)).user).toEqual(user)
    expect(await store.listClients({ limit: 10 })).toHaveLength(1)
  })
}

async function end(store: Store, familyId: string): Promise<void> {
  const snapshot = await store.loadFamily(familyId)
  const change = snapshot && endLogin(snapshot, 'signed_out')
  if (change) await store.commit(change)
}

async function sweepAll(store: Store): Promise<number> {
  let gone = 0
  for (let round = 0; round < 10; round++) gone += await store.sweep(limits)
  return gone
}
