import { hashCode, type LogoutDelivery, type PushedRequest, type UsedOnce } from '@countersign/core'
import * as given from '../given.ts'
import { atOnce, type Contract } from './contract.ts'

/** What lives for minutes and is used once. */
export function shortLivedContract({ it, expect }: Contract): void {
  it('a row comes back as it was written, with the time; another kind of the same hash is another row', async ({
    store,
    clock,
  }) => {
    const row = pushedRequest(clock.now() + 60_000)
    await store.commit(given.change([{ table: 'pushedRequest', row }]))
    const { issuer } = await store.loadIssuer()
    const snapshot = await store.loadShortLived('pushedRequest', row.hash)
    expect(snapshot).toEqual({ now: clock.now(), issuer, row: given.stored(row) })
    expect(await store.loadShortLived('deviceCode', row.hash)).toBeUndefined()
    expect(await store.loadShortLived('pushedRequest', 'x')).toBeUndefined()
  })

  it('CVE-2026-90997: of fifty that use one at once, one does', async ({ store, clock }) => {
    const row = pushedRequest(clock.now() + 60_000)
    await store.commit(given.change([{ table: 'pushedRequest', row }]))
    const used = { ...row, usedAt: clock.now(), version: 1 }
    const outcomes = await atOnce(50, () => store.commit(given.change([{ table: 'pushedRequest', row: used }])))
    expect(outcomes.filter(outcome => outcome === 'committed')).toHaveLength(1)
    expect((await store.loadShortLived('pushedRequest', row.hash))?.row).toMatchObject({
      usedAt: clock.now(),
      version: 2,
    })
  })

  it('of fifty that claim one name at once, one does', async ({ store, clock }) => {
    const row: UsedOnce = { hash: hashCode('jti'), expiresAt: clock.now() + 60_000, version: 0 }
    const outcomes = await atOnce(50, () => store.commit(given.change([{ table: 'usedOnce', row }])))
    expect(outcomes.filter(outcome => outcome === 'committed')).toHaveLength(1)
  })

  it('what is due is listed when its time has come, the one that waits longest first, and no more than asked for', async ({
    store,
    clock,
  }) => {
    const delivery = (session: string, dueAt: number | null): LogoutDelivery => ({
      hash: hashCode(session),
      clientId: 'demo',
      sessionId: session,
      userId: 'u',
      attempts: 0,
      dueAt,
      expiresAt: clock.now() + 600_000,
      version: 0,
    })
    const rows = [
      delivery('later', clock.now() + 1),
      delivery('now', clock.now()),
      delivery('long ago', clock.now() - 60_000),
      delivery('done', null),
    ]
    const write = (row: LogoutDelivery) => store.commit(given.change([{ table: 'logoutDelivery', row }]))
    for (const row of [...rows, pushedRequest(clock.now() + 600_000)]) {
      if ('dueAt' in row) await write(row)
      else await store.commit(given.change([{ table: 'pushedRequest', row }]))
    }
    const due = async (most = 10) => (await store.listDue('logoutDelivery', most)).rows
    expect(await due()).toEqual([rows[2], rows[1]].map(row => given.stored(row as LogoutDelivery)))
    expect(await due(1)).toHaveLength(1)
    const { issuer } = await store.loadIssuer()
    expect(await store.listDue('logoutDelivery', 0)).toEqual({ now: clock.now(), issuer, rows: [] })
    const [longest] = await due()
    if (longest) await write({ ...longest, dueAt: clock.now() + 5_000 })
    expect((await due()).map(({ sessionId }) => sessionId)).toEqual(['now'])
    clock.advance(5)
    expect((await due()).map(({ sessionId }) => sessionId)).toEqual(['now', 'later', 'long ago'])
  })

  it('it goes once it has expired, and not before', async ({ store, clock }) => {
    const row = pushedRequest(clock.now() + 60_000)
    await store.commit(given.change([{ table: 'pushedRequest', row }]))
    const limits = { keepEndedSeconds: 0, rowsAtMost: 100 }
    expect(await store.sweep(limits)).toBe(0)
    clock.advance(60)
    expect(await store.sweep(limits)).toBe(1)
    expect(await store.loadShortLived('pushedRequest', row.hash)).toBeUndefined()
  })
}

function pushedRequest(expiresAt: number): PushedRequest {
  return {
    hash: hashCode(given.random(16).toString('hex')),
    clientId: 'demo',
    parameters: { scope: 'account', state: 'a\u0000b ✓' },
    jkt: null,
    openedAt: null,
    usedAt: null,
    expiresAt,
    version: 0,
  }
}
