import { endAllSessions, openLogin, type SessionSnapshot, type User, type UserSnapshot } from '@countersign/core'
import * as given from '../given.ts'
import type { Store } from '../store.ts'
import type { Contract } from './contract.ts'

/** A login beside a change of password, in every order: what began under the old password never outlives it. */
export function epochContract({ it, expect }: Contract): void {
  it('a login that was begun before the password changed is refused, though committed after it', async ({ store }) => {
    const { user, client } = await given.login(store)
    const read = await load(store, user)
    const change = passwordChange(read)
    expect(await store.commit(change)).toBe('committed')
    // Two rows, two versions: nothing conflicts, and the epoch that was read is what refuses.
    const late = openLogin({ ...loginOf(read), client })
    expect(await store.commit(late.change)).toBe('committed')
    expect((await given.redeem(store, given.token(late.family))).outcome).toMatchObject({
      reason: 'authorization_revoked',
    })
    expect(await store.listSessions(user.id)).toEqual([])
  })

  it('the same login, committed before the password changed, is over with it', async ({ store }) => {
    const { user, client } = await given.login(store)
    const read = await load(store, user)
    const early = openLogin({ ...loginOf(read), client })
    expect(await store.commit(early.change)).toBe('committed')
    expect(await store.commit(passwordChange(read))).toBe('committed')
    expect((await given.redeem(store, given.token(early.family))).outcome).toMatchObject({
      reason: 'authorization_revoked',
    })
  })

  it('a login right after the change works', async ({ store }) => {
    const { user } = await given.login(store)
    await store.commit(passwordChange(await load(store, user)))
    const { user: current } = await load(store, user)
    const { token } = await given.login(store, { user: current })
    expect((await given.redeem(store, token)).row).toBe(6)
    expect(await store.listSessions(user.id)).toHaveLength(1)
  })

  it('the session that is kept goes on, in the same commit', async ({ store }) => {
    const { user, family, session, token } = await given.login(store)
    const other = await given.login(store, { user })
    const keep = await store.loadSession(session.id)
    expect(await store.commit(passwordChange(await load(store, user), keep))).toBe('committed')
    expect((await given.redeem(store, token)).row).toBe(6)
    expect((await given.redeem(store, other.token)).outcome).toMatchObject({ reason: 'authorization_revoked' })
    expect((await store.listSessions(user.id)).map(one => one.families[0]?.id)).toEqual([family.id])
  })

  it('a rotation beside the change makes the change load again, and nothing of it was written', async ({
    store,
    clock,
  }) => {
    const { user, session, token, client } = await given.login(store)
    clock.advance(client.refresh.minimumLifeSeconds)
    const change = passwordChange(await load(store, user), await store.loadSession(session.id))
    expect((await given.redeem(store, token)).row).toBe(5)
    expect(await store.commit(change)).toBe('conflict')
    expect((await store.loadUser(user.id)).user).toEqual(user)
    expect((await store.feed.snapshot()).entries).toEqual([])
  })

  it('of two changes of the password at once one is made', async ({ store }) => {
    const user = await given.user(store)
    const change = passwordChange(await load(store, user))
    const outcomes = await Promise.all([store.commit(change), store.commit(change)])
    expect(outcomes.sort()).toEqual(['committed', 'conflict'])
    expect((await store.loadUser(user.id)).user?.epoch).toBe(2)
  })
}

async function load(store: Store, { id }: User): Promise<UserSnapshot & { user: User }> {
  const snapshot = await store.loadUser(id)
  if (snapshot.user === undefined) throw new Error('the user is gone')
  return { ...snapshot, user: snapshot.user }
}

function passwordChange(snapshot: UserSnapshot & { user: User }, keep?: SessionSnapshot) {
  const user = { passwordHash: '$argon2id$new' }
  return endAllSessions(snapshot, 'password_changed', { keep, user, event: 'user.password_changed' })
}

function loginOf(snapshot: UserSnapshot & { user: User }) {
  const { user } = snapshot
  return { snapshot, user, device: given.device, amr: ['pwd'], random: given.random, scope: 'account', jkt: undefined }
}
