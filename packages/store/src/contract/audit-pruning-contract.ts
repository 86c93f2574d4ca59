import { type AuditAnchor, auditAnchorHash, pruneAudit } from '@countersign/core'
import { brokenAuditRow, headOf } from '../audit-chain.ts'
import * as given from '../given.ts'
import { AuditPruned, type Store, type StoredAuditRow } from '../store.ts'
import { atOnce, type Contract } from './contract.ts'

/** The first rows can be removed; what is left verifies, and nobody takes it for all. */
export function auditPruningContract({ it, expect }: Contract): void {
  it('what is up to the anchor goes, some at a time; the rest stands, chained to the anchor', async ({ store }) => {
    const rows = await audited(store, 10)
    expect(await store.deletePrunedAudit(100)).toBe(0)
    await cut(store, rows, 7)
    expect(await store.readAudit(0, 100)).toHaveLength(11)
    expect(await store.deletePrunedAudit(3)).toBe(3)
    expect(await store.readAudit(3, 1)).toEqual([rows[3]])
    expect(await store.deletePrunedAudit(3)).toBe(3)
    expect(await store.deletePrunedAudit(3)).toBe(1)
    expect(await store.deletePrunedAudit(3)).toBe(0)
    const left = await store.readAudit(7, 100)
    expect(left.map(({ number }) => number)).toEqual([8, 9, 10, 11])
    expect(left.slice(0, 3)).toEqual(rows.slice(7))
    expect(brokenAuditRow(left, headOf(await anchorOf(store)))).toBeUndefined()
    expect(brokenAuditRow(left)).toBe(8)
    expect(left.at(-1)?.record).toMatchObject({
      event: 'audit.pruned',
      facts: { through: 7, hash: rows[6]?.hash, rows: 7 },
    })
  })

  it('whoever asks from before the anchor is told of it, and gets no rows', async ({ store }) => {
    const rows = await audited(store, 6)
    await cut(store, rows, 4)
    await store.deletePrunedAudit(100)
    const anchor = await anchorOf(store)
    expect(anchor).toMatchObject({ number: 4, rowHash: rows[3]?.hash, deletedThrough: 4 })
    for (const after of [0, 1, 3])
      expect(await store.readAudit(after, 100).catch((error: unknown) => error)).toMatchObject({
        name: 'AuditPruned',
        anchor,
      })
    await expect(store.readAudit(0, 1)).rejects.toThrow(AuditPruned)
    expect(await store.readAudit(4, 1)).toEqual([rows[4]])
    expect(await store.readAudit(7, 1)).toEqual([])
  })

  it('numbers go on without a gap, and a second cut moves the anchor', async ({ store }) => {
    await cut(store, await audited(store, 4), 4)
    await store.deletePrunedAudit(100)
    await audited(store, 3)
    const rows = await store.readAudit(4, 100)
    expect(rows.map(({ number }) => number)).toEqual([5, 6, 7, 8])
    await cut(store, rows, 6)
    await store.deletePrunedAudit(100)
    expect((await store.readAudit(6, 100)).map(({ number }) => number)).toEqual([7, 8, 9])
    await expect(store.readAudit(4, 100)).rejects.toMatchObject({ anchor: { number: 6 } })
    expect(brokenAuditRow(await store.readAudit(6, 100), headOf(await anchorOf(store)))).toBeUndefined()
  })

  it('of many that cut at once one does, and the log says so once', async ({ store }) => {
    const rows = await audited(store, 5)
    const outcomes = await atOnce(20, index => tryToCut(store, rows, 1 + (index % 5)))
    expect(outcomes.filter(outcome => outcome === 'committed')).toHaveLength(1)
    const told = (await store.readAudit(5, 100)).map(({ record }) => record.event)
    expect(told).toEqual(['audit.pruned'])
  })

  it('of many that delete at once each takes others, and all is gone in the end', async ({ store }) => {
    await cut(store, await audited(store, 40), 33)
    let gone = 0
    for (let round = 0; round < 40 && gone < 33; round++)
      for (const some of await atOnce(5, () => store.deletePrunedAudit(4))) gone += some
    expect(gone).toBe(33)
    expect((await store.readAudit(33, 1))[0]?.number).toBe(34)
  })

  it('the newest row stays whatever the anchor says: numbers never begin anew', async ({ store }) => {
    const rows = await audited(store, 3)
    const last = rows.at(-1)
    if (last === undefined) throw new Error('there are no rows')
    const change = pruneAudit(undefined, { last, after: 0, rows: 3, before: 1 }, { now: 1 })
    await store.commit({ ...change, audit: [] })
    expect(await store.deletePrunedAudit(100)).toBe(2)
    await audited(store, 1)
    expect((await store.readAudit(3, 10)).map(({ number }) => number)).toEqual([4])
  })

  it('where rows were deleted without an anchor, what is left is read, and the chain says that it is broken', async ({
    store,
  }) => {
    const rows = await audited(store, 6)
    await cut(store, rows, 4)
    await store.deletePrunedAudit(100)
    const anchor = await anchorOf(store)
    if (anchor === undefined) throw new Error('there is no anchor')
    // As if somebody had cut off more than the anchor says.
    await store.commit(given.change([{ table: 'auditAnchor', row: { ...anchor, number: 2 } }]))
    const left = await store.readAudit(2, 100)
    expect(left[0]?.number).toBe(5)
    expect(brokenAuditRow(left, headOf(await anchorOf(store)))).toBe(5)
  })

  it('a cut that conflicts leaves all rows and no word of it', async ({ store }) => {
    const rows = await audited(store, 5)
    await cut(store, rows, 2)
    await store.deletePrunedAudit(100)
    expect(await tryToCut(store, rows, 4)).toBe('conflict')
    expect(await store.deletePrunedAudit(100)).toBe(0)
    expect(await store.readAudit(2, 100)).toHaveLength(4)
  })

  it('a sweep takes none of it', async ({ store, clock }) => {
    await cut(store, await audited(store, 5), 4)
    clock.advance(10_000 * 86_400)
    await store.sweep({ keepEndedSeconds: 0, rowsAtMost: 1000 })
    expect(await store.readAudit(0, 100)).toHaveLength(6)
    expect(await anchorOf(store)).toMatchObject({ number: 4 })
  })
}

/** Writes so many rows, and reads them. */
async function audited(store: Store, count: number): Promise<readonly StoredAuditRow[]> {
  const after = (await anchorOf(store))?.number ?? 0
  for (let time = 1; time <= count; time++)
    await store.commit(given.change([], { audit: [{ event: 'keys.turned', time }] }))
  return store.readAudit(after, 1_000)
}

async function anchorOf(store: Store): Promise<AuditAnchor | undefined> {
  return (await store.loadShortLived('auditAnchor', auditAnchorHash))?.row
}

async function cut(store: Store, rows: readonly StoredAuditRow[], through: number): Promise<void> {
  const anchor = await anchorOf(store)
  if ((await store.commit(cutOf(anchor, rows, through))) !== 'committed') throw new Error('somebody else was first')
}

/** As whoever has read the log before any cut. */
function tryToCut(store: Store, rows: readonly StoredAuditRow[], through: number): Promise<'committed' | 'conflict'> {
  return store.commit(cutOf(undefined, rows, through))
}

function cutOf(
  anchor: AuditAnchor | undefined,
  rows: readonly StoredAuditRow[],
  through: number,
): ReturnType<typeof pruneAudit> {
  const last = rows.find(({ number }) => number === through)
  if (last === undefined) throw new Error(`there is no row ${through}`)
  const after = anchor?.number ?? 0
  return pruneAudit(anchor, { last, after, rows: through - after, before: 1 }, { now: 1 })
}
