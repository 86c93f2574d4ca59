import { type Change, endAllSessions } from '@countersign/core'
import * as given from '../given.ts'
import type { Store } from '../store.ts'
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

  const endOthers = async (store: Store, sessionId: string): Promise<Change> => {
    const keep = await store.loadSession(sessionId)
    if (keep === undefined) throw new Error('the session is gone')
    return endAllSessions(keep, 'ended_by_user', { keep })
  }

  it('a login that joins a session beside the end of all others is judged anew, not born dead', async ({ store }) => {
    const issued = await given.code(store)
    const { change } = await given.judgedCode(store, issued)
    expect(await store.commit(await endOthers(store, issued.session.id))).toBe('committed')
    expect(await store.commit(change ?? given.change([]))).toBe('conflict')
    expect((await given.redeemCode(store, issued)).outcome).toMatchObject({ reason: 'code_invalid' })
    expect((await store.loadSession(issued.session.id))?.families).toEqual([])
  })

  it('a login that has joined a session stays with it where all others end, which is decided anew', async ({
    store,
  }) => {
    const issued = await given.code(store)
    const end = await endOthers(store, issued.session.id)
    const { outcome } = await given.redeemCode(store, issued)
    if (outcome.refused) throw new Error(outcome.reason)
    expect(await store.commit(end)).toBe('conflict')
    expect(await store.commit(await endOthers(store, issued.session.id))).toBe('committed')
    expect((await given.redeem(store, given.token(outcome.family))).outcome.refused).toBeUndefined()
  })

  it('two clients that join one session at once both do', async ({ store }) => {
    const one = await given.code(store)
    const { session, user } = one
    const other = await given.code(store, { session, user, client: await given.client(store, { id: 'other' }) })
    const decisions = await Promise.all([one, other].map(issued => given.redeemCode(store, issued)))
    expect(decisions.map(({ outcome }) => outcome.refused)).toEqual([undefined, undefined])
    expect((await store.loadSession(session.id))?.families).toHaveLength(2)
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
