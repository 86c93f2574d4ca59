import { newIdentity } from '@countersign/core'
import * as given from '../given.ts'
import { atOnce, type Contract } from './contract.ts'

/** One address, one user; one identity, one user. */
export function uniqueContract({ it, expect }: Contract): void {
  it('of fifty sign-ups with one address, however it is written, one is made', async ({ store }) => {
    const { now } = await store.loadIssuer()
    const spellings = ['jane@example.org', 'JANE@example.org', 'Jane@EXAMPLE.org']
    const users = Array.from({ length: 50 }, (_, index) => given.newUser(now, { email: spellings[index % 3] ?? null }))
    const outcomes = await atOnce(50, index => {
      const row = users[index]
      if (row === undefined) throw new Error('too few users')
      const record = { event: 'user.created', time: now, userId: row.id } as const
      return store.commit(given.change([{ table: 'user', row }], { audit: [record] }))
    })
    expect(outcomes.filter(outcome => outcome === 'committed')).toHaveLength(1)
    const winner = users[outcomes.indexOf('committed')]
    expect((await store.loadUserByEmail('jane@example.org')).user?.id).toBe(winner?.id)
    expect(await store.readAudit(0, 100)).toHaveLength(1)
  })

  it('a user cannot move to an address that another has', async ({ store }) => {
    await given.user(store, { email: 'taken@example.org' })
    const user = await given.user(store, { email: 'own@example.org' })
    const moved = { ...user, email: 'TAKEN@example.org' }
    expect(await store.commit(given.change([{ table: 'user', row: moved }]))).toBe('conflict')
    expect((await store.loadUserByEmail('own@example.org')).user).toEqual(user)
  })

  it('an address is free again once its user has left it', async ({ store }) => {
    const user = await given.user(store, { email: 'old@example.org' })
    const moved = { ...user, email: 'new@example.org' }
    expect(await store.commit(given.change([{ table: 'user', row: moved }]))).toBe('committed')
    const next = await given.user(store, { email: 'Old@example.org' })
    expect((await store.loadUserByEmail('old@example.org')).user).toEqual(next)
    expect((await store.loadUserByEmail('new@example.org')).user).toEqual(given.stored(moved))
  })

  it('a conflict beside a changed address leaves the address', async ({ store }) => {
    const { user, session } = await given.login(store)
    const moved = { ...user, email: 'moved@example.org' }
    const stale = { ...session, version: 9 }
    const writes = [
      { table: 'user', row: moved },
      { table: 'session', row: stale },
    ] as const
    expect(await store.commit(given.change(writes))).toBe('conflict')
    expect((await store.loadUserByEmail('moved@example.org')).user).toBeUndefined()
    expect((await store.loadUserByEmail(user.email ?? '')).user).toEqual(user)
    expect((await given.user(store, { email: 'moved@example.org' })).version).toBe(1)
  })

  it('users without an address do not stand in each other’s way', async ({ store }) => {
    await given.user(store, { email: null })
    await given.user(store, { email: null })
  })

  it('of fifty first sign-ins with one identity one makes a user', async ({ store }) => {
    const { now } = await store.loadIssuer()
    const outcomes = await atOnce(50, () => {
      const row = given.newUser(now)
      const identity = newIdentity({ connection: 'google', subject: '42', userId: row.id, linkedAt: now })
      const writes = [
        { table: 'user', row },
        { table: 'identity', row: identity },
      ] as const
      return store.commit(given.change(writes))
    })
    expect(outcomes.filter(outcome => outcome === 'committed')).toHaveLength(1)
    expect((await store.loadUserByIdentity('google', '42')).user).toBeDefined()
  })

  it('the same subject at another connection is another identity', async ({ store }) => {
    const one = await given.user(store)
    const other = await given.user(store)
    const identity = (connection: string, subject: string, userId: string) =>
      store.commit(
        given.change([{ table: 'identity', row: newIdentity({ connection, subject, userId, linkedAt: 1 }) }]),
      )
    expect(await identity('google', 'a', one.id)).toBe('committed')
    expect(await identity('github', 'a', other.id)).toBe('committed')
    expect(await identity('google', 'A', other.id)).toBe('committed')
    expect(await identity('google', 'a', other.id)).toBe('conflict')
    expect((await store.loadUserByIdentity('google', 'a')).user?.id).toBe(one.id)
    expect((await store.loadUserByIdentity('github', 'a')).user?.id).toBe(other.id)
  })
}
