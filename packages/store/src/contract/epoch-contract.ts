import {
  endAllSessions,
  endSession,
  openLogin,
  type SessionSnapshot,
  type User,
  type UserSnapshot,
} from '@countersign/core'
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

  it('where tokens do not tell the user’s epoch, one of the two is a conflict', async ({ store }) => {
    const client = await given.client(store, { id: 'pairwise', subjectType: 'pairwise' })
    const user = await given.user(store)
    const read = await load(store, user)
    const early = openLogin({ ...loginOf(read), client })
    expect(await store.commit(early.change)).toBe('committed')
    expect(await store.commit(passwordChange(read))).toBe('conflict')
    expect(await store.commit(passwordChange(await load(store, user)))).toBe('committed')
    expect(await store.commit(openLogin({ ...loginOf(read), client }).change)).toBe('conflict')
  })

  it('what the change has outlived is found by the epoch that it stood under, and what it kept is not', async ({
    store,
  }) => {
    const { user, family, session } = await given.login(store)
    const [kept, ended] = [await given.login(store, { user }), await given.login(store, { user })]
    const end = endSession({ ...(await load(store, user)), session: ended.session, user }, 'signed_out')
    if (end) await store.commit(end)
    const keep = await store.loadSession(kept.session.id)
    await store.commit(passwordChange(await load(store, user), keep))
    const under = (epoch: number) => store.listSessionsUnder(user.id, epoch)
    expect(await under(user.epoch)).toEqual([{ session, families: [family] }])
    expect((await under(user.epoch + 1)).map(one => one.session.id)).toEqual([kept.session.id])
    expect(await under(user.epoch + 2)).toEqual([])
    expect(await store.listSessionsUnder('nobody', 1)).toEqual([])
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
