import {
  auditAnchorHash,
  type CodeDecision,
  endAllSessions,
  newIdentity,
  openLogin,
  pruneAudit,
  type RefreshDecision,
} from '@countersign/core'
import { brokenAuditRow, headOf, type Store } from '@countersign/store'
import * as given from '@countersign/store/given'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { migrations } from './migrations.ts'
import { type Cluster, startCluster } from './testing/cluster.ts'
import { startCuttingProxy } from './testing/cutting-proxy.ts'
import { runSql } from './testing/schemas.ts'
import { withNodes } from './testing/stores.ts'

/*
 * A node dies with each part of what it sends to the database, one after the other, until it lives through all of them. What it leaves is
 * judged on another node. Everything else that the server commits: e2e/deaths-on-postgres.test.ts, by whole transactions.
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
      const dying = await open({ url: wire.url, listenUrl: null, every: never })
      wire.dieAfter(deaths)
      const acknowledged = await act(dying, prepared).then(
        () => true,
        () => false,
      )
      lives = !wire.isDead()
      await wire.isForgotten()
      if (!lives) deaths++
      await judge(beside, prepared, acknowledged)
      await wire.close()
    }
  })
  return deaths
}

const never = () => () => {}

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

test('a node that dies at any part of a change of every table has made it in all of them or in none', async () => {
  const deaths = await dyingAtEveryPart(
    async beside => {
      const [login, other] = [await given.login(beside), await given.login(beside)]
      const { row: code } = await given.code(beside)
      const { now } = await beside.loadIssuer()
      const opened = openLogin({
        ...other,
        snapshot: await beside.loadIssuer(),
        device: given.device,
        amr: ['pwd'],
        random: given.random,
        scope: 'account',
        jkt: undefined,
      })
      const identity = newIdentity({ connection: 'work', subject: login.user.id, userId: login.user.id, linkedAt: now })
      const grant = {
        ...opened.family,
        scopes: ['account'],
        createdAt: now,
        allowedAt: now,
        withdrawnAt: null,
        epoch: 1,
        version: 0,
      }
      return {
        ...login,
        code,
        opened,
        identity,
        grant,
        count: (await beside.readAudit(0, 1_000)).length,
        entry: given.random(16).toString('base64url'),
      }
    },
    async (store, { user, client, session, family, code, opened, identity, grant, entry }) => {
      const { issuer, keyRing } = await store.loadIssuer()
      const { userId, clientId, scopes, audiences, createdAt, allowedAt, withdrawnAt, epoch, version } = grant
      const writes = [
        { table: 'issuer' as const, row: issuer },
        { table: 'keyRing' as const, row: keyRing },
        { table: 'client' as const, row: client },
        { table: 'user' as const, row: user },
        { table: 'identity' as const, row: identity },
        {
          table: 'grant' as const,
          row: { userId, clientId, scopes, audiences, createdAt, allowedAt, withdrawnAt, epoch, version },
        },
        { table: 'session' as const, row: session },
        { table: 'family' as const, row: family },
        { table: 'code' as const, row: code },
        ...opened.change.writes,
      ]
      const entries = [{ kind: 'token', id: entry, until } as const]
      expect(await store.commit(given.change(writes, { audit: opened.change.audit, entries }))).toBe('committed')
    },
    async (beside, { user, client, session, family, code, opened, identity, grant, count, entry }, acknowledged) => {
      const { user: found, identity: linked } = await beside.loadUserByIdentity(identity.connection, identity.subject)
      const born = await beside.loadFamily(opened.family.id)
      const isMade = [
        ((await beside.loadClient(client.id))?.client.version ?? 0) > client.version,
        ((await beside.loadUser(user.id)).user?.version ?? 0) > user.version,
        found?.id === user.id && linked !== undefined,
        (await beside.loadGrant(grant.userId, grant.clientId)).grant !== undefined,
        ((await beside.loadSessionOnly(session.id))?.session.version ?? 0) > session.version,
        ((await beside.loadFamily(family.id))?.family.version ?? 0) > family.version,
        ((await beside.loadCode(code.hash))?.code.version ?? 0) > code.version,
        born !== undefined,
        (await beside.readAudit(0, 1_000)).length > count,
        await beside.feed.holds('token', entry),
      ]
      expect(new Set(isMade).size).toBe(1)
      if (acknowledged) expect(isMade[0]).toBe(true)
    },
  )
  expect(deaths).toBeGreaterThanOrEqual(15)
})

test('a node that dies at any part of a sweep has forgotten nothing that can have an effect, and the next sweep forgets the rest', async () => {
  const limits = { keepEndedSeconds: 60, rowsAtMost: 100 }
  await dyingAtEveryPart(
    async (beside, clock) => {
      const [over, living] = [await given.login(beside), await given.login(beside)]
      const code = await given.code(beside)
      const ended = { endedAt: clock.now(), endReason: 'signed_out' as const }
      const writes = [
        { table: 'session' as const, row: { ...over.session, ...ended } },
        { table: 'family' as const, row: { ...over.family, ...ended } },
      ]
      const entries = [{ kind: 'token', id: over.session.id, until: Math.floor(clock.now() / 1000) + 60 } as const]
      await beside.commit(given.change(writes, { entries }))
      clock.advance(120)
      return { over, living, code }
    },
    store => store.sweep(limits),
    async (beside, { over, living, code }) => {
      expect(isRefused(await given.redeem(beside, living.token))).toBe(false)
      await beside.sweep(limits)
      const left = [
        await beside.loadSessionOnly(over.session.id),
        await beside.loadFamily(over.family.id),
        await beside.loadCode(code.row.hash),
      ]
      expect(left).toEqual([undefined, undefined, undefined])
      expect((await beside.loadSession(living.session.id))?.families).toHaveLength(1)
    },
  )
})

test('a node that dies at any part of cutting off the audit log leaves all of it or says what is gone, and the next deletes the rest', async () => {
  const anchorOf = async (store: Store) => (await store.loadShortLived('auditAnchor', auditAnchorHash))?.row
  const told: boolean[] = []
  const deaths = await dyingAtEveryPart(
    async beside => {
      const after = (await anchorOf(beside))?.number ?? 0
      await beside.commit(given.change([], { audit: new Array(6).fill({ event: 'keys.turned', time: 1 }) }))
      return { after, rows: await beside.readAudit(after, 100) }
    },
    async (store, { after, rows }) => {
      const last = rows.at(-2)
      if (last === undefined) throw new Error('there are too few rows')
      const cut = { last, after, rows: last.number - after, before: 2 }
      await store.commit(pruneAudit(await anchorOf(store), cut, { now: 3 }))
      await store.deletePrunedAudit(3)
      await store.deletePrunedAudit(100)
    },
    async (beside, { after, rows }, acknowledged) => {
      const anchor = await anchorOf(beside)
      const isCut = anchor?.number === rows.at(-2)?.number
      told.push(isCut)
      if (acknowledged) expect([isCut, anchor?.deletedThrough]).toEqual([true, anchor?.number])
      while ((await beside.deletePrunedAudit(2)) > 0);
      const left = await beside.readAudit(anchor?.number ?? 0, 1_000)
      expect(brokenAuditRow(left, headOf(anchor))).toBeUndefined()
      expect(left.slice(0, 1)).toEqual(rows.slice(isCut ? -1 : 0, isCut ? undefined : 1))
      if (isCut) await expect(beside.readAudit(after, 1)).rejects.toMatchObject({ name: 'AuditPruned' })
      if (anchor) expect(left.filter(({ record }) => record.facts?.through === anchor.number)).toHaveLength(1)
    },
  )
  expect(deaths).toBeGreaterThanOrEqual(3)
  expect(new Set(told)).toEqual(new Set([false, true]))
})

test('a node that dies at any step of its first start leaves a database that the next one starts on', async () => {
  for (let steps = 0, lives = false; !lives; steps++) {
    await withNodes(cluster.url, async ({ open, schema }) => {
      const wire = await startCuttingProxy(cluster.port)
      wire.dieAfterSteps(steps)
      await open({ url: wire.url, listenUrl: null, every: never }).catch(() => {})
      lives = !wire.isDead()
      await wire.isForgotten()
      const next = await open({ listenUrl: null, every: never })
      const run = await runSql(cluster.url, `SELECT number FROM "${schema}".migration ORDER BY number`)
      expect(run.map(([number]) => number)).toEqual(migrations.map((_, index) => index + 1))
      const { token } = await given.login(next)
      expect(isRefused(await given.redeem(next, token))).toBe(false)
      await wire.close()
    })
  }
})
