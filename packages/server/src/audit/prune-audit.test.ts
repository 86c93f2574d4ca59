import { type AuditEvent, auditKeptAtLeastSeconds, type Instant } from '@countersign/core'
import { isRefusal } from '@countersign/protocol'
import { brokenAuditRow, headOf, type Store } from '@countersign/store'
import * as rows from '@countersign/store/given'
import { afterEach, describe, expect, test } from 'vitest'
import { closeGiven, type GivenServer, given } from '../testing/given.ts'
import { createAuditRetention, loadAnchor } from './prune-audit.ts'

afterEach(closeGiven)

const day = 86_400_000

/** Writes a row for each of these times. */
async function write(store: Store, times: readonly Instant[], event: AuditEvent = 'keys.turned'): Promise<void> {
  for (const time of times) await store.commit(rows.change([], { audit: [{ event, time }] }))
}

/** A server whose log holds what its start has written, a thousand days ago, and then rows that are so many days old. */
async function serverWithRows(daysAgo: readonly number[]): Promise<GivenServer> {
  const to = await given.server()
  to.setClock(to.now() + 1_000 * day)
  await write(
    to.store,
    daysAgo.map(days => to.now() - days * day),
  )
  return to
}

const numbersOf = async ({ store }: GivenServer): Promise<number[]> => {
  const after = (await loadAnchor(store))?.number ?? 0
  return (await store.readAudit(after, 1_000)).map(({ number }) => number)
}

async function expectWhole({ store }: GivenServer): Promise<void> {
  const anchor = await loadAnchor(store)
  expect(brokenAuditRow(await store.readAudit(anchor?.number ?? 0, 10_000), headOf(anchor))).toBeUndefined()
}

describe('a cut by an operator', () => {
  test('removes what is older, tells how many and up to where, and stands in the log itself', async () => {
    const to = await serverWithRows([90, 60, 30, 8])
    const all = await to.audit()
    const through = all.at(-3)
    const removed = await to.server.admin.pruneAudit({ days: 45 })
    expect(removed).toEqual({
      dry_run: false,
      before: new Date(to.now() - 45 * day).toISOString(),
      rows: all.length - 2,
      through: through?.number,
      hash: through?.hash,
      time: new Date(to.now() - 60 * day).toISOString(),
    })
    expect(await to.server.admin.deletePrunedAudit()).toEqual({ deleted: all.length - 2 })
    expect(await to.server.admin.deletePrunedAudit()).toEqual({ deleted: 0 })
    const left = await to.store.readAudit(through?.number ?? 0, 100)
    expect(left.map(({ record }) => record.event)).toEqual(['keys.turned', 'keys.turned', 'audit.pruned'])
    expect(left.at(-1)?.record).toEqual({
      event: 'audit.pruned',
      time: to.now(),
      facts: {
        through: through?.number,
        hash: through?.hash,
        rows: all.length - 2,
        before: to.now() - 45 * day,
        by: 'operator',
      },
    })
    await expectWhole(to)
  })

  test('a dry run says the same and changes nothing', async () => {
    const to = await serverWithRows([90, 60, 30])
    const before = await to.audit()
    const would = await to.server.admin.pruneAudit({ days: 45 }, { isDryRun: true })
    expect(would).toMatchObject({ dry_run: true, rows: before.length - 1 })
    expect(await to.audit()).toEqual(before)
    expect(await to.server.admin.pruneAudit({ days: 45 })).toEqual({ ...would, dry_run: false })
  })

  test('where nothing is as old, nothing is done', async () => {
    const to = await serverWithRows([20, 10])
    await to.server.admin.pruneAudit({ days: 30 })
    const before = await numbersOf(to)
    expect(await to.server.admin.pruneAudit({ days: 30 })).toMatchObject({ rows: 0 })
    expect(await numbersOf(to)).toEqual(before)
  })

  test.each([
    ['the future', 1, 'future'],
    ['the last week', -auditKeptAtLeastSeconds * 1000 + 1, 'the last 7 days stay'],
  ])('a cut in %s is refused', async (_name, fromNow, words) => {
    const to = await serverWithRows([30])
    const outcome = await to.server.admin.pruneAudit({ before: to.now() + fromNow })
    expect(outcome).toMatchObject({ reason: 'parameter_invalid', detail: expect.stringContaining(words) })
    expect(await loadAnchor(to.store)).toBeUndefined()
  })

  test('the newest row stays, however old it is', async () => {
    const to = await serverWithRows([90, 80])
    const last = (await to.audit()).at(-1)
    expect(await to.server.admin.pruneAudit({ days: 10 })).toMatchObject({ through: (last?.number ?? 0) - 1 })
    expect((await numbersOf(to))[0]).toBe(last?.number)
  })

  test('old rows behind a younger one stay with it: what a restore has revoked again', async () => {
    const to = await serverWithRows([90, 20, 80, 10])
    const count = (await to.audit()).length
    expect(await to.server.admin.pruneAudit({ days: 45 })).toMatchObject({ rows: count - 3 })
    expect(await to.server.admin.pruneAudit({ days: 15 })).toMatchObject({ rows: 2 })
  })

  test('rows of a clock that was far ahead go with those around them', async () => {
    const to = await serverWithRows([90, -5_000, -4_000, 80, 10, -3_000])
    const count = (await to.audit()).length
    expect(await to.server.admin.pruneAudit({ days: 45 })).toMatchObject({ rows: count - 2 })
  })

  test('between which times changes lay that such a clock has written is kept, of all cuts together', async () => {
    const to = await serverWithRows([])
    const now = to.now()
    const [first, second, third] = [now + 4_000 * day, now + 5_000 * day, now + 3_000 * day]
    await write(to.store, [first, second], 'user.password_changed')
    await write(to.store, [now + 6_000 * day, now - 90 * day])
    await write(to.store, [third], 'user.enabled')
    await write(to.store, [now - 60 * day, now])
    await to.server.admin.pruneAudit({ days: 75 })
    expect(await loadAnchor(to.store)).toMatchObject({
      before: now - 75 * day,
      ahead: { from: first, through: second },
    })
    await to.server.admin.pruneAudit({ days: 45 })
    expect(await loadAnchor(to.store)).toMatchObject({
      before: now - 45 * day,
      ahead: { from: third, through: second },
    })
    await expectWhole(to)
  })

  test('of a log whose first rows somebody has deleted by hand, what is there is counted and removed', async () => {
    const to = await serverWithRows([90, 80, 70, 60, 10])
    const all = await to.audit()
    const cutOff: Store = {
      ...to.store,
      readAudit: async (after, limit) => (await to.store.readAudit(after, limit)).filter(({ number }) => number > 3),
    }
    const beside = await given.server({ openStore: async () => cutOff, closesStore: false })
    beside.setClock(to.now())
    expect(await beside.server.admin.pruneAudit({ days: 45 })).toMatchObject({
      rows: all.length - 1 - 3,
      through: all.length - 1,
    })
    expect(await loadAnchor(to.store)).toMatchObject({ deletedThrough: 3 })
  })

  test('whoever asks for rows from before it is refused, and told from where on there are some', async () => {
    const to = await serverWithRows([90, 60, 30])
    const removed = await to.server.admin.pruneAudit({ days: 45 })
    if (isRefusal(removed)) throw new Error(removed.reason)
    await to.server.admin.deletePrunedAudit()
    expect(await to.server.admin.readAudit(0)).toMatchObject({
      reason: 'audit_pruned',
      detail: expect.stringContaining(`it can be read from after ${removed.through}.`),
    })
    expect(await to.server.admin.readAudit(removed.through ?? 0)).toHaveLength(2)
  })
})

describe('the sweep', () => {
  const keepDays = 30

  test('removes what is older than configured, once a day however often it looks', async () => {
    const to = await serverWithRows([90, 60, 32, 10])
    const retention = createAuditRetention(to.store, keepDays * 86_400)
    const count = (await to.audit()).length
    expect(await retention.step(to.now())).toBe(true)
    expect(await retention.step(to.now())).toBe(false)
    expect(await loadAnchor(to.store)).toMatchObject({ number: count - 1 })
    const told = (await to.store.readAudit(count, 10)).map(({ record }) => record)
    expect(told).toMatchObject([{ event: 'audit.pruned', facts: { rows: count - 1 } }])
    expect(told[0]?.facts).not.toHaveProperty('by')
    // The rows of a day go when all of it is as old.
    await write(to.store, [to.now() + 5 * 3_600_000])
    for (let hours = 0; hours < 20 * 24; hours++) await retention.step(to.now() + hours * 3_600_000)
    expect(await loadAnchor(to.store)).toMatchObject({ number: count - 1 })
    expect(await retention.step(to.now() + 21 * day)).toBe(true)
    expect(await loadAnchor(to.store)).toMatchObject({ number: count })
  })

  test('a log in which nothing but cuts is old stays as it is: it would never end', async () => {
    const to = await serverWithRows([90, 60])
    const retention = createAuditRetention(to.store, keepDays * 86_400)
    for (let days = 0; days < 400; days++) {
      while (await retention.step(to.now() + days * day));
    }
    const told = await to.store.readAudit((await loadAnchor(to.store))?.number ?? 0, 100)
    // Of the first, and of the row that was the newest then.
    expect(told.map(({ record }) => record.event)).toEqual(['audit.pruned', 'audit.pruned'])
  })

  test('of many nodes one moves the anchor, and the rest finds nothing left to do', async () => {
    const to = await serverWithRows([90, 80, 70, 10])
    const nodes = [1, 2, 3, 4].map(() => createAuditRetention(to.store, keepDays * 86_400))
    for (let round = 0; round < 3; round++) await Promise.all(nodes.map(node => node.step(to.now())))
    expect(await Promise.all(nodes.map(node => node.step(to.now())))).toEqual([false, false, false, false])
    const after = (await loadAnchor(to.store))?.number ?? 0
    const events = (await to.store.readAudit(after, 100)).map(({ record }) => record.event)
    expect(events).toEqual(['keys.turned', 'audit.pruned'])
    await expectWhole(to)
  })

  test('one that reads while another has removed and deleted begins anew behind the anchor', async () => {
    const to = await serverWithRows([90, 80, 70, 10])
    let isBehind = true
    const behind: Store = {
      ...to.store,
      loadShortLived: async (kind, hash) => (isBehind ? undefined : to.store.loadShortLived(kind, hash)),
    }
    await to.server.admin.pruneAudit({ days: 75 })
    await to.store.deletePrunedAudit(1_000)
    const retention = createAuditRetention(behind, keepDays * 86_400)
    expect(await retention.step(to.now())).toBe(true)
    isBehind = false
    expect(await retention.step(to.now())).toBe(true)
    expect(await retention.step(to.now())).toBe(false)
    await expectWhole(to)
  })

  test('takes some at a time of a log that has grown for years, and no row that is followed by none', async () => {
    const to = await serverWithRows([])
    const audit = Array.from({ length: 25_000 }, (_, index) => ({
      event: 'keys.turned' as const,
      time: to.now() - 90 * day + index,
    }))
    await to.store.commit(rows.change([], { audit }))
    const retention = createAuditRetention(to.store, keepDays * 86_400)
    let steps = 0
    while (await retention.step(to.now())) steps++
    expect(steps).toBe(3)
    expect((await loadAnchor(to.store))?.number).toBeGreaterThanOrEqual(25_000)
    await expectWhole(to)
  })
})
