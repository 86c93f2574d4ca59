import { type CodeDecision, endAllSessions, type RefreshDecision } from '@countersign/core'
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
  cluster = await startCluster()
})
afterAll(() => cluster.discard())

type Act<Prepared> = (store: Store, prepared: Prepared) => Promise<unknown>

/** How often it died. `judge` is told whether the act was acknowledged. */
async function dyingAtEveryPart<Prepared>(
  prepare: (beside: Store, clock: given.TestClock) => Promise<Prepared>,
  act: Act<Prepared>,
  judge: (beside: Store, prepared: Prepared, acknowledged: boolean) => Promise<void>,
): Promise<number> {
  let deaths = 0
  await withNodes(cluster.url, async ({ open, clock }) => {
    const beside = await open()
    for (let lives = false; !lives; ) {
      const prepared = await prepare(beside, clock)
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

const isRefused = ({ outcome }: RefreshDecision | CodeDecision): boolean => outcome.refused === true

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

test('a node that dies at any part of a rotation leaves a token that works: the new one, or the old one again', async () => {
  const deaths = await dyingAtEveryPart(
    async (beside, clock) => {
      const login = await given.login(beside)
      clock.advance(login.client.refresh.minimumLifeSeconds)
      return login
    },
    async (store, { token }) => expect((await given.redeem(store, token)).row).toBe(5),
    async (beside, { family, token }, acknowledged) => {
      const generation = (await beside.loadFamily(family.id))?.family.generation
      expect(acknowledged ? [1] : [0, 1]).toContain(generation)
      // What the app holds, whether it got the answer or not; and then what that gave.
      expect(isRefused(await given.redeem(beside, token))).toBe(false)
      expect(isRefused(await given.redeem(beside, given.token(family, 1)))).toBe(false)
    },
  )
  expect(deaths).toBeGreaterThanOrEqual(2)
})

test('a node that dies at any part of a redemption has used the code up with the login that it gave, or neither', async () => {
  const deaths = await dyingAtEveryPart(
    beside => given.code(beside),
    (store, issued) => given.redeemCode(store, issued),
    async (beside, issued, acknowledged) => {
      const { usedAt, familyId } = (await beside.loadCode(issued.row.hash))?.code ?? {}
      const families = (await beside.loadSession(issued.session.id))?.families ?? []
      const audited = (await beside.readAudit(0, 1_000)).filter(({ record }) => record.sessionId === issued.session.id)
      const born = audited.filter(({ record }) => record.event === 'family.created')
      expect([families.map(({ id }) => id), born.length]).toEqual(usedAt === null ? [[], 0] : [[familyId], 1])
      if (acknowledged) expect(usedAt).not.toBeNull()
      // Asked again by a client that heard nothing: given once, and not twice.
      expect(isRefused(await given.redeemCode(beside, issued))).toBe(usedAt !== null)
      expect((await beside.loadSession(issued.session.id))?.families).toHaveLength(1)
    },
  )
  expect(deaths).toBeGreaterThanOrEqual(3)
})

test('a node that dies at any part of a changed password has changed it and ended every login, or neither', async () => {
  const deaths = await dyingAtEveryPart(
    beside => given.login(beside),
    async (store, { user }) => {
      const { issuer, now } = await store.loadUser(user.id)
      const changed = { user: { passwordHash: 'another' }, event: 'user.password_changed' } as const
      const change = endAllSessions({ issuer, now, user }, 'password_changed', changed)
      expect(await store.commit(change)).toBe('committed')
    },
    async (beside, { user, token }, acknowledged) => {
      const isChanged = (await beside.loadUser(user.id)).user?.passwordHash === 'another'
      if (acknowledged) expect(isChanged).toBe(true)
      expect((await beside.listSessions(user.id)).length).toBe(isChanged ? 0 : 1)
      expect(isRefused(await given.redeem(beside, token))).toBe(isChanged)
      expect((await beside.feed.snapshot()).entries.some(({ id }) => id === user.id)).toBe(isChanged)
    },
  )
  expect(deaths).toBeGreaterThanOrEqual(3)
})
