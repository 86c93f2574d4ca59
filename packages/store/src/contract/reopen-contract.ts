import { pruneAudit } from '@countersign/core'
import { brokenAuditRow } from '../audit-chain.ts'
import * as given from '../given.ts'
import { atOnce, type Contract } from './contract.ts'

/** What `close` wrote down is there again. */
export function reopenContract({ it, expect }: Contract): void {
  it('keeps every row', async ({ store, reopen }) => {
    const ring = await given.keyRing(store)
    const { user, client, session, family } = await given.login(store, { jkt: given.jkt() })
    const { row } = await given.code(store, { user })
    const again = await reopen()
    expect((await again.loadIssuer()).keyRing).toEqual(ring)
    expect(await again.loadFamily(family.id)).toMatchObject({ user, client, session, family })
    expect((await again.loadCode(row.hash))?.code).toEqual(row)
    expect((await again.loadUserByEmail(user.email ?? '')).user).toEqual(user)
    expect(await again.listSessions(user.id)).toHaveLength(2)
  })

  it('keeps its own history, whatever it is opened with', async ({ store, reopen }) => {
    const { issuer } = await store.loadIssuer()
    await store.commit(given.change([{ table: 'issuer', row: { ...issuer, epoch: 5 } }]))
    const again = await reopen()
    expect((await again.loadIssuer()).issuer).toMatchObject({ epoch: 5, version: 2 })
    expect(again.feed.incarnation).toMatch(/^first-history(-|$)/)
  })

  it('CVE-2026-9802: a token that was rotated before the restart is as spent after it', async ({
    store,
    clock,
    reopen,
  }) => {
    const { spent, current } = await given.rotatedFamily(store, clock)
    const again = await reopen()
    expect((await given.redeem(again, spent)).row).toBe(8)
    clock.advance(60)
    expect((await given.redeem(again, spent)).row).toBe(9)
    clock.advance(60)
    expect(await given.redeem(again, spent)).toMatchObject({ row: 10, outcome: { reason: 'refresh_token_reused' } })
    const once = await reopen()
    expect(await given.redeem(once, current)).toMatchObject({ row: 3, outcome: { reason: 'refresh_token_reused' } })
  })

  it('goes on counting: audit rows, entries, and the chain between them', async ({ store, clock, reopen }) => {
    const until = Math.floor(clock.now() / 1000) + 900
    const entry = (id: string) => given.change([], { entries: [{ kind: 'token', id, until }] })
    await atOnce(3, () => given.login(store))
    await store.commit(entry('before'))
    const again = await reopen()
    await atOnce(3, () => given.login(again))
    await again.commit(entry('after'))
    const rows = await again.readAudit(0, 100)
    expect(rows.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6])
    expect(brokenAuditRow(rows)).toBeUndefined()
    expect(await again.feed.after(1)).toMatchObject({ number: 2, entries: [{ id: 'after' }] })
  })

  it('goes on behind the anchor of an audit log that was cut off, and deletes the rest of it', async ({
    store,
    reopen,
  }) => {
    await atOnce(6, () => given.login(store))
    const rows = await store.readAudit(0, 100)
    const [, , , last] = rows
    if (last === undefined) throw new Error('there are too few rows')
    await store.commit(pruneAudit(undefined, { last, after: 0, rows: 4, before: 1 }, { now: 1 }))
    await store.deletePrunedAudit(3)
    const again = await reopen()
    expect(await again.deletePrunedAudit(3)).toBe(1)
    await expect(again.readAudit(0, 100)).rejects.toMatchObject({ name: 'AuditPruned', anchor: { number: 4 } })
    await given.login(again)
    const left = await again.readAudit(4, 100)
    expect(left.map(({ number }) => number)).toEqual([5, 6, 7, 8])
    expect(brokenAuditRow(left, last)).toBeUndefined()
  })

  it('what was begun before close is kept', async ({ store, reopen }) => {
    const logins = await atOnce(20, () => given.login(store))
    const commits = logins.map(({ family }, index) =>
      store.commit(
        given.change([{ table: 'family', row: { ...family, generation: 7 } }], { durable: index % 2 === 0 }),
      ),
    )
    const again = await reopen()
    expect(await Promise.all(commits)).toEqual(Array(20).fill('committed'))
    for (const { family } of logins) expect((await again.loadFamily(family.id))?.family.generation).toBe(7)
  })
}
