import { type Grant, makeId } from '@countersign/core'
import * as given from '../given.ts'
import { atOnce, type Contract } from './contract.ts'

/** What users have allowed clients. */
export function grantContract({ it, expect }: Contract): void {
  it('every field of a grant that can change', async ({ store, clock }) => {
    const [user, client] = [await given.user(store), await given.client(store)]
    expect((await store.loadGrant(user.id, client.id)).grant).toBeUndefined()
    const grant = await given.grant(store, { user, client })
    const { issuer } = await store.loadIssuer()
    expect(await store.loadGrant(user.id, client.id)).toEqual({ now: clock.now(), issuer, grant })
    const changed: Grant = {
      ...grant,
      scopes: ['profile', 'notes:read'],
      audiences: [],
      createdAt: 1,
      allowedAt: 2,
      withdrawnAt: 3,
      epoch: 4,
    }
    await store.commit(given.change([{ table: 'grant', row: changed }]))
    expect((await store.loadGrant(user.id, client.id)).grant).toEqual(given.stored(changed))
  })

  it('what is no id, and a client that is not there, have none', async ({ store }) => {
    const { id } = await given.user(store)
    await given.client(store)
    expect((await store.loadGrant('x', 'demo')).grant).toBeUndefined()
    expect((await store.loadGrant(id, 'nobody')).grant).toBeUndefined()
    expect((await store.loadGrant(makeId(1, given.random), 'demo')).grant).toBeUndefined()
    expect(await store.listGrants('x')).toEqual([])
  })

  it('those that stand are listed, the latest consent first; other users have theirs', async ({ store, clock }) => {
    const user = await given.user(store)
    const [one, two, three] = await Promise.all(['one', 'two', 'three'].map(id => given.client(store, { id })))
    if (!one || !two || !three) throw new Error('three clients were given')
    const first = await given.grant(store, { user, client: one })
    await given.grant(store, { user, client: two, withdrawnAt: 5 })
    clock.advance(1)
    const later = await given.grant(store, { user, client: three })
    await given.grant(store, { user: await given.user(store), client: one })
    expect(await store.listGrants(user.id)).toEqual([later, first])
  })

  it('of fifty first consents at once one is written', async ({ store }) => {
    const [user, client] = [await given.user(store), await given.client(store)]
    const row = { ...(await newGrant(user.id, client.id)), version: 0 }
    const outcomes = await atOnce(50, () => store.commit(given.change([{ table: 'grant', row }])))
    expect(outcomes.filter(outcome => outcome === 'committed')).toHaveLength(1)
  })

  it('a code and a family that were given under a grant come with it, and end when it is withdrawn', async ({
    store,
  }) => {
    const client = await given.client(store, { consent: 'asked' })
    const { user, session } = await given.browserSession(store)
    const grant = await given.grant(store, { user, client })
    const issued = await given.code(store, { user, session, client, grant })
    expect((await store.loadCode(issued.row.hash))?.grant).toEqual(grant)
    const { outcome } = await given.redeemCode(store, issued)
    if (outcome.refused) throw new Error(outcome.reason)
    expect(outcome.family.epochs.grant).toBe(1)
    expect((await store.loadFamily(outcome.family.id))?.grant).toEqual(grant)
    expect(await store.listSessions(user.id)).toMatchObject([{ families: [{ id: outcome.family.id }] }])

    const late = await given.code(store, { user, session, client, grant })
    const withdrawn = { ...grant, epoch: 2, withdrawnAt: 5 }
    await store.commit(given.change([{ table: 'grant', row: withdrawn }]))
    const refreshed = await given.redeem(store, given.token(outcome.family))
    expect(refreshed.outcome).toMatchObject({ reason: 'authorization_revoked' })
    expect((await given.redeemCode(store, late)).outcome).toMatchObject({ reason: 'code_invalid' })
    expect(await store.listSessions(user.id)).toMatchObject([{ families: [] }])
  })

  it('what was given under no grant is asked for none', async ({ store }) => {
    const { user, client, family } = await given.login(store)
    await given.grant(store, { user, client, epoch: 9 })
    expect((await store.loadFamily(family.id))?.grant).toBeUndefined()
    expect((await given.redeem(store, given.token(family))).row).not.toBe(3)
  })
}

async function newGrant(userId: string, clientId: string): Promise<Grant> {
  return {
    userId,
    clientId,
    scopes: ['account'],
    audiences: [],
    createdAt: 1,
    allowedAt: 1,
    withdrawnAt: null,
    epoch: 1,
    version: 0,
  }
}
