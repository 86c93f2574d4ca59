import { brokenAuditRow } from '@countersign/store'
import * as given from '@countersign/store/given'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Cluster, startCluster } from './testing/cluster.ts'
import { startPooler } from './testing/pooler.ts'
import { runSql } from './testing/schemas.ts'
import { withNodes } from './testing/stores.ts'

let cluster: Cluster
let pooler: Awaited<ReturnType<typeof startPooler>>

beforeAll(async () => {
  cluster = await startCluster()
  pooler = await startPooler(cluster)
})
afterAll(async () => {
  await pooler.close()
  await cluster.discard()
})

describe('behind PgBouncer in transaction mode, two connections for two nodes of ten, without named statements', () => {
  const behind = () => ({ url: pooler.url, namedStatements: false })

  test('many logins, refreshes and revocations at once come out as they should', async () => {
    await withNodes(cluster.url, async ({ open, clock }) => {
      const nodes = [
        await open({ ...behind(), listenUrl: cluster.url }),
        await open({ ...behind(), listenUrl: null }),
      ] as const
      const nodeOf = (index: number) => nodes[index % 2 === 0 ? 0 : 1]
      const user = await given.user(nodes[0])
      const client = await given.client(nodes[0])
      const logins = await Promise.all(
        Array.from({ length: 40 }, (_, index) => given.login(nodeOf(index), { user, client })),
      )
      clock.advance(60)
      const decisions = await Promise.all(
        logins.flatMap(({ token }, index) => [
          given.redeem(nodeOf(index), token),
          given.redeem(nodeOf(index + 1), token),
        ]),
      )
      expect(decisions.filter(({ row }) => row === 5)).toHaveLength(40)
      const until = Math.floor(clock.now() / 1000) + 900
      await Promise.all(
        logins.map(({ family }, index) =>
          nodeOf(index).commit(given.change([], { entries: [{ kind: 'family', id: family.id, until }] })),
        ),
      )
      for (const store of nodes) {
        expect((await store.feed.snapshot()).number).toBe(40)
        const rows = await store.readAudit(0, 1000)
        expect([rows.length, brokenAuditRow(rows)]).toEqual([40, undefined])
      }
    })
  })

  test('one that listens directly hears of the other; one that cannot, looks', async () => {
    await withNodes(cluster.url, async ({ open, clock }) => {
      const here = await open({ ...behind(), listenUrl: null })
      const listening = await open({ ...behind(), listenUrl: cluster.url, every: () => () => {} })
      const looking = await open({ ...behind(), listenUrl: null })
      const heard = [listening, looking].map(({ feed }) => new Promise<void>(done => void feed.subscribe(done)))
      const until = Math.floor(clock.now() / 1000) + 900
      await here.commit(given.change([], { entries: [{ kind: 'token', id: 'jti', until }] }))
      await Promise.all(heard)
      for (const { feed } of [listening, looking]) expect(await feed.holds('token', 'jti')).toBe(true)
    })
  })
})

test('a URL that says pgbouncer=true needs nothing besides: no statement has a name, and nobody listens', async () => {
  await withNodes(cluster.url, async ({ open, clock }) => {
    const url = `${pooler.url}?pgbouncer=true`
    const nodes = [await open({ url }), await open({ url })] as const
    const logins = await Promise.all(
      Array.from({ length: 20 }, (_, index) => given.login(nodes[index % 2 === 0 ? 0 : 1])),
    )
    clock.advance(60)
    const decisions = await Promise.all(
      logins.map(({ token }, index) => given.redeem(nodes[index % 2 === 0 ? 1 : 0], token)),
    )
    expect(decisions.filter(({ row }) => row === 5)).toHaveLength(20)
    const clients = await runSql(pooler.url.replace(/\w+$/, 'pgbouncer'), 'SHOW CLIENTS')
    expect(clients.filter(row => row.includes('countersign')).length).toBeGreaterThan(0)
    expect(clients.filter(row => row.includes('countersign feed'))).toEqual([])
  })
})
