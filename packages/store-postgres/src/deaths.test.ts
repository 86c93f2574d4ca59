import type { Store } from '@countersign/store'
import * as given from '@countersign/store/given'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Cluster, startCluster } from './testing/cluster.ts'
import { startCuttingProxy } from './testing/cutting-proxy.ts'
import { withNodes } from './testing/stores.ts'

/*
 * A node dies at each part of what it sends to the database, one after the other, until it lives through all of them. What it leaves is
 * judged on another node.
 */

let cluster: Cluster

beforeAll(async () => {
  cluster = await startCluster({ settings: ['fsync=off'] })
})
afterAll(() => cluster.discard())

type Act<Prepared> = (store: Store, prepared: Prepared) => Promise<unknown>

/** How often it died. `judge` is told whether the act was acknowledged. */
async function dyingAtEveryPart<Prepared>(
  prepare: (beside: Store) => Promise<Prepared>,
  act: Act<Prepared>,
  judge: (beside: Store, prepared: Prepared, acknowledged: boolean) => Promise<void>,
): Promise<number> {
  let deaths = 0
  await withNodes(cluster.url, async ({ open }) => {
    const beside = await open()
    for (let lives = false; !lives; ) {
      const prepared = await prepare(beside)
      const wire = await startCuttingProxy(cluster.port)
      const dying = await open({ url: wire.url, listenUrl: null, every: () => () => {} })
      wire.dieAfter(deaths)
      const acknowledged = await act(dying, prepared).then(
        () => true,
        () => false,
      )
      lives = !wire.isDead()
      if (!lives) deaths++
      await judge(beside, prepared, acknowledged)
      await wire.close()
    }
  })
  return deaths
}

const until = 99_999_999_999

test('a node that dies at any part of a login leaves it whole or not at all, and whole if it was acknowledged', async () => {
  const deaths = await dyingAtEveryPart(
    async beside => ({ user: await given.user(beside), client: await given.client(beside) }),
    (store, login) => given.login(store, login),
    async (beside, { user }, acknowledged) => {
      const sessions = await beside.listSessions(user.id)
      const audited = (await beside.readAudit(0, 1_000)).filter(({ record }) => record.userId === user.id)
      expect([sessions.length, audited.length]).toEqual(sessions.length === 1 || acknowledged ? [1, 1] : [0, 0])
      for (const { families } of sessions) expect(families).toHaveLength(1)
    },
  )
  expect(deaths).toBeGreaterThanOrEqual(3)
})

test('a node that dies at any part of an end leaves it whole or not at all: rows, audit and the entry of the feed', async () => {
  const deaths = await dyingAtEveryPart(
    beside => given.login(beside),
    async (store, { session, family, user }) => {
      const ended = { endedAt: 1, endReason: 'signed_out' as const }
      const writes = [
        { table: 'session' as const, row: { ...session, ...ended } },
        { table: 'family' as const, row: { ...family, ...ended } },
      ]
      const audit = [{ event: 'session.ended', time: 1, userId: user.id, sessionId: session.id } as const]
      const entries = [{ kind: 'session', id: session.id, until } as const]
      expect(await store.commit(given.change(writes, { audit, entries }))).toBe('committed')
    },
    async (beside, { session, family }, acknowledged) => {
      const rows = await beside.readAudit(0, 1_000)
      const seen = [
        (await beside.loadFamily(family.id))?.family.endedAt === 1,
        (await beside.loadFamily(family.id))?.session.endedAt === 1,
        rows.some(({ record }) => record.event === 'session.ended' && record.sessionId === session.id),
        await beside.feed.holds('session', session.id),
      ]
      expect(new Set(seen).size).toBe(1)
      if (acknowledged) expect(seen[0]).toBe(true)
    },
  )
  expect(deaths).toBeGreaterThanOrEqual(3)
})
