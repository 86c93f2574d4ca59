import * as given from '../given.ts'
import { atOnce, type Contract } from './contract.ts'

/** Codes are good once. */
export function codeContract({ it, expect }: Contract): void {
  it('CVE-2026-47386: of fifty redemptions of one code at once one gets a family', async ({ store }) => {
    const issued = await given.code(store)
    const decisions = await atOnce(50, () => given.redeemCode(store, issued))
    const families = decisions.flatMap(({ outcome }) => (outcome.refused ? [] : [outcome.family]))
    expect(families).toHaveLength(1)
    expect((await store.loadSession(issued.session.id))?.families).toHaveLength(1)
    expect((await store.readAudit(0, 100)).map(({ record }) => record.event)).toEqual([
      'session.created',
      'family.created',
    ])
  })

  it('knows what else the client has in the session that was not ended, and five of them live at most', async ({
    store,
    clock,
  }) => {
    const first = await given.code(store)
    const { session, user, client } = first
    await given.redeemCode(store, first)
    const other = await given.code(store, { session, user, client: await given.client(store, { id: 'other' }) })
    await given.redeemCode(store, other)
    for (let times = 0; times < 6; times++) {
      clock.advance(1)
      await given.redeemCode(store, await given.code(store, { session, user, client }))
    }
    const families = (await store.loadSession(session.id))?.families ?? []
    const living = families.filter(family => family.clientId === client.id && family.endedAt === null)
    expect([families.length, living.length]).toEqual([8, 5])
    expect((await store.loadCode(first.row.hash))?.siblings).toEqual(living)
    expect((await store.loadCode(other.row.hash))?.siblings).toHaveLength(1)
    const ended = families.filter(family => family.endedAt !== null)
    expect(ended.map(({ endReason }) => endReason)).toEqual(['superseded', 'superseded'])
    expect(Math.max(...ended.map(one => one.createdAt))).toBeLessThan(Math.min(...living.map(one => one.createdAt)))
  })

  it('a code that is used again later ends what it gave (RFC 6749 §4.1.2)', async ({ store, clock }) => {
    const issued = await given.code(store)
    await given.redeemCode(store, issued)
    clock.advance(30)
    expect((await given.redeemCode(store, issued)).outcome).toMatchObject({ reason: 'code_reused' })
    const [family] = (await store.loadSession(issued.session.id))?.families ?? []
    expect(family?.endReason).toBe('code_reused')
  })

  it('fifty wrong verifiers at once are all counted', async ({ store }) => {
    const issued = await given.code(store)
    await atOnce(50, () => given.redeemCode(store, { ...issued, verifier: 'x'.repeat(43) }))
    expect((await store.loadCode(issued.row.hash))?.code.failures).toBe(5)
    expect((await given.redeemCode(store, issued)).outcome).toMatchObject({ reason: 'code_invalid' })
  })

  it('one hash, one code', async ({ store }) => {
    const { row } = await given.code(store)
    const twin = { ...row, scope: 'other', version: 0 }
    expect(await store.commit(given.change([{ table: 'code', row: twin }]))).toBe('conflict')
    expect((await store.loadCode(row.hash))?.code.scope).toBe(row.scope)
  })
}
