import { acceptInvitation, hashCode, type Invitation, newInvitation, withdrawInvitation } from '@countersign/core'
import * as given from '../given.ts'
import { atOnce, type Contract } from './contract.ts'

/** Invitations: accepted once, listed while they can be, in the place of each other. */
export function invitationContract({ it, expect }: Contract): void {
  const content = { email: 'maria@example.com' }
  const made = (name: string, now: number, before?: Invitation): Invitation =>
    newInvitation(
      { hash: hashCode(name), secretHash: hashCode('secret'), sealed: 'sealed', isMailed: true, now, lifeSeconds: 60 },
      before,
    )

  it('of fifty that accept one at once one makes a user, whatever address each has', async ({ store, clock }) => {
    const row = made('one', clock.now())
    await store.commit(given.change([{ table: 'invitation', row }]))
    const { used } = acceptInvitation(given.stored(row), content, clock.now())
    const outcomes = await atOnce(50, n => {
      const user = given.newUser(clock.now(), { email: `u${n}@example.com` })
      return store.commit(given.change([{ table: 'user', row: user }, used]))
    })
    expect(outcomes.filter(outcome => outcome === 'committed')).toHaveLength(1)
    expect(await store.listUsers({ limit: 100 })).toHaveLength(1)
    expect((await store.loadShortLived('invitation', row.hash))?.row).toMatchObject({ sealed: '', dueAt: null })
  })

  it('of fifty that make one for the same name at once one does; a later one takes its place, and is listed alone', async ({
    store,
    clock,
  }) => {
    const write = (row: Invitation) => store.commit(given.change([{ table: 'invitation', row }]))
    const outcomes = await atOnce(50, () => write(made('one', clock.now())))
    expect(outcomes.filter(outcome => outcome === 'committed')).toHaveLength(1)
    await write(made('two', clock.now()))
    clock.advance(1)
    const before = (await store.loadShortLived('invitation', hashCode('one')))?.row
    await write({ ...made('one', clock.now(), before), secretHash: hashCode('another') })
    const listed = async () => (await store.listDue('invitation', 10)).rows
    expect((await listed()).map(({ secretHash }) => secretHash)).toEqual([hashCode('secret'), hashCode('another')])
    const [two] = await listed()
    if (two !== undefined) await store.commit(withdrawInvitation(two, clock.now(), { by: 'operator' }))
    expect((await listed()).map(({ hash }) => hash)).toEqual([hashCode('one')])
  })
}
