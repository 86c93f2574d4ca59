import { type Identity, newIdentity } from '@countersign/core'
import * as given from '../given.ts'
import type { Store } from '../store.ts'
import { atOnce, type Contract } from './contract.ts'

/** Users as connections know them. */
export function identityContract({ it, expect }: Contract): void {
  async function linked(store: Store, userId: string, more: Partial<Identity> = {}): Promise<Identity> {
    const row = newIdentity({ connection: 'google', subject: '42', userId, linkedAt: 1, ...more })
    if ((await store.commit(given.change([{ table: 'identity', row }]))) !== 'committed') throw new Error('conflict')
    return given.stored(row)
  }
  const loaded = async (store: Store, { connection, subject }: Identity): Promise<Identity | undefined> =>
    (await store.loadUserByIdentity(connection, subject)).identity

  it('every field of an identity that can change', async ({ store }) => {
    const [user, other] = [await given.user(store), await given.user(store)]
    const identity = await linked(store, user.id)
    expect(await loaded(store, identity)).toEqual(identity)
    const changed: Identity = {
      ...identity,
      userId: other.id,
      linkedAt: 2,
      told: { email: 'a\u0000@b.example', emailVerified: true, name: 'Ünï 😀', profile: { givenName: 'Ünï' } },
      sealedTokens: 'c2VhbGVk',
    }
    await store.commit(given.change([{ table: 'identity', row: changed }]))
    const snapshot = await store.loadUserByIdentity('google', '42')
    expect(snapshot.identity).toEqual(given.stored(changed))
    expect(snapshot.user).toEqual(other)
  })

  it('one that was taken off its user names nobody, and can be given to another', async ({ store }) => {
    const [user, other] = [await given.user(store), await given.user(store)]
    const identity = await linked(store, user.id)
    const unlinked = { ...identity, unlinkedAt: 7 }
    await store.commit(given.change([{ table: 'identity', row: unlinked }]))
    const snapshot = await store.loadUserByIdentity('google', '42')
    expect([snapshot.user, snapshot.identity]).toEqual([undefined, given.stored(unlinked)])
    expect(await store.listIdentities(user.id)).toEqual([])
    const moved = { ...given.stored(unlinked), userId: other.id, unlinkedAt: null, linkedAt: 8 }
    await store.commit(given.change([{ table: 'identity', row: moved }]))
    expect((await store.loadUserByIdentity('google', '42')).user).toEqual(other)
    expect(await store.listIdentities(other.id)).toEqual([given.stored(moved)])
    expect(await store.listIdentities(user.id)).toEqual([])
  })

  it('a user’s are listed in the order in which they came; others have theirs', async ({ store }) => {
    const [user, other] = [await given.user(store), await given.user(store)]
    const second = await linked(store, user.id, { connection: 'github', linkedAt: 9 })
    const first = await linked(store, user.id, { linkedAt: 3 })
    await linked(store, other.id, { subject: '43' })
    expect(await store.listIdentities(user.id)).toEqual([first, second])
    expect(await store.listIdentities('x')).toEqual([])
  })

  it('of fifty who change one at once, one does', async ({ store }) => {
    const user = await given.user(store)
    const identity = await linked(store, user.id)
    const outcomes = await atOnce(50, index =>
      store.commit(given.change([{ table: 'identity', row: { ...identity, sealedTokens: `${index}` } }])),
    )
    expect(outcomes.filter(outcome => outcome === 'committed')).toHaveLength(1)
    const winner = outcomes.indexOf('committed')
    expect(await loaded(store, identity)).toEqual(given.stored({ ...identity, sealedTokens: `${winner}` }))
  })

  it('a conflict leaves it as it was, and the lists too', async ({ store }) => {
    const [user, other] = [await given.user(store), await given.user(store)]
    const identity = await linked(store, user.id)
    const writes = [
      { table: 'identity', row: { ...identity, userId: other.id } },
      { table: 'user', row: { ...user, version: 9 } },
    ] as const
    expect(await store.commit(given.change(writes))).toBe('conflict')
    expect(await store.listIdentities(user.id)).toEqual([identity])
    expect(await store.listIdentities(other.id)).toEqual([])
  })

  it('a user who is deleted takes out of them what was told and given, and nobody writes it again', async ({
    store,
  }) => {
    const [user, other] = [await given.user(store), await given.user(store)]
    const told = { emailVerified: false, name: 'Maria', profile: {} }
    const identity = await linked(store, user.id, { told, sealedTokens: 'x' })
    const others = await linked(store, other.id, { subject: '43', told, sealedTokens: 'y' })
    const row = { ...user, email: null, name: null, deletedAt: user.createdAt }
    expect(await store.commit(given.change([{ table: 'user', row }]))).toBe('committed')
    expect(await loaded(store, identity)).toMatchObject({ told: null, sealedTokens: null, version: 2 })
    expect(await loaded(store, others)).toEqual(others)
    expect(await store.commit(given.change([{ table: 'identity', row: identity }]))).toBe('conflict')
  })
}
