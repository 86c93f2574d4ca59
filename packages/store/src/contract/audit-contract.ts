import type { AuditRecord } from '@countersign/core'
import { brokenAuditRow } from '../audit-chain.ts'
import * as given from '../given.ts'
import { atOnce, type Contract } from './contract.ts'

/** Numbered without a gap, chained, sealed. */
export function auditContract({ it, expect }: Contract): void {
  it('rows are numbered from one without a gap, and the chain verifies', async ({ store }) => {
    await atOnce(50, () => given.login(store))
    const rows = await store.readAudit(0, 1000)
    expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: 50 }, (_, index) => index + 1))
    expect(brokenAuditRow(rows)).toBeUndefined()
  })

  it('conflicts and interruptions leave no gap', async ({ store, interruptNextSeal }) => {
    const { user } = await given.login(store)
    const record: AuditRecord = { event: 'user.enabled', time: 1, userId: user.id, personal: { ip: '192.0.2.1' } }
    const stale = given.change([{ table: 'user', row: { ...user, version: 9 } }], { audit: [record] })
    interruptNextSeal()
    await Promise.allSettled([
      store.commit(given.change([], { audit: [record] })),
      store.commit(stale),
      store.commit(given.change([], { audit: [record, record] })),
      store.commit(stale),
      store.commit(given.change([], { audit: [record] })),
    ])
    const rows = await store.readAudit(0, 100)
    expect(rows.map(({ number }) => number)).toEqual([1, 2, 3, 4])
    expect(brokenAuditRow(rows)).toBeUndefined()
  })

  it('is read in pages', async ({ store }) => {
    await atOnce(7, () => given.login(store))
    const first = await store.readAudit(0, 3)
    const second = await store.readAudit(3, 3)
    const third = await store.readAudit(6, 3)
    expect([first.length, second.length, third.length]).toEqual([3, 3, 1])
    expect(brokenAuditRow(second, first.at(-1))).toBeUndefined()
    expect(await store.readAudit(7, 3)).toEqual([])
  })

  it('a changed, dropped, moved or inserted row is noticed', async ({ store }) => {
    await atOnce(5, () => given.login(store))
    const rows = await store.readAudit(0, 10)
    const [one, two, three, four, five] = rows
    if (!one || !two || !three || !four || !five) throw new Error('too few rows')
    const changed = { ...three, record: { ...three.record, time: three.record.time + 1 } }
    expect(brokenAuditRow([one, two, changed, four, five])).toBe(3)
    expect(brokenAuditRow([one, two, { ...three, sealedPersonal: null }, four, five])).toBe(3)
    expect(brokenAuditRow([one, two, four, five])).toBe(4)
    expect(brokenAuditRow([one, three, two, four, five])).toBe(3)
    expect(brokenAuditRow([two, three, four, five])).toBe(2)
    expect(brokenAuditRow([one, two, { ...four, number: 3 }, five])).toBe(3)
    expect(brokenAuditRow(rows)).toBeUndefined()
  })

  it('records come back as they were, without their personal fields', async ({ store }) => {
    const user = await given.user(store)
    const facts = { reason: 'signed_out', count: 3, by_operator: true, text: 'a\u0000b 😀' }
    const full: AuditRecord = {
      event: 'session.ended',
      time: 123,
      userId: user.id,
      clientId: 'demo',
      sessionId: 's',
      familyId: 'f',
      facts,
      personal: { ip: '192.0.2.99' },
    }
    await store.commit(given.change([], { audit: [full, { event: 'keys.turned', time: 124 }] }))
    const [one, two] = await store.readAudit(0, 10)
    const { personal: _personal, ...kept } = full
    expect(one?.record).toEqual(kept)
    expect(one?.sealedPersonal).toEqual(expect.any(String))
    expect(two?.record).toEqual({ event: 'keys.turned', time: 124 })
    expect(two?.sealedPersonal).toBeNull()
    expect(JSON.stringify([one, two])).not.toContain('192.0.2.99')
  })

  it('personal fields are sealed under the salt of the same commit', async ({ store }) => {
    const { now } = await store.loadIssuer()
    const row = given.newUser(now)
    const audit = (userId: string): AuditRecord => ({ event: 'user.created', time: 1, userId, personal: { ip: '::1' } })
    await store.commit(given.change([{ table: 'user', row }], { audit: [audit(row.id)] }))
    const erased = { ...given.stored(row), sealSalt: null }
    await store.commit(given.change([{ table: 'user', row: erased }], { audit: [audit(row.id)] }))
    const nobody = given.newUser(now)
    await store.commit(given.change([], { audit: [audit(nobody.id)] }))
    const rows = await store.readAudit(0, 10)
    expect(rows.map(({ sealedPersonal }) => typeof sealedPersonal)).toEqual(['string', 'object', 'object'])
    expect(brokenAuditRow(rows)).toBeUndefined()
  })
}
