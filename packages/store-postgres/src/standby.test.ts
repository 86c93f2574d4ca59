import type { Store } from '@countersign/store'
import * as given from '@countersign/store/given'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Cluster, startCluster } from './testing/cluster.ts'
import { type CuttingProxy, startCuttingProxy } from './testing/cutting-proxy.ts'
import { runSql } from './testing/schemas.ts'
import { withNodes } from './testing/stores.ts'

/** A copy of a server is made: a busy machine needs its time. */
const patience = { timeout: 120_000 }

let primary: Cluster
let standby: Cluster
let wire: CuttingProxy

beforeAll(async () => {
  primary = await startCluster()
  standby = await startCluster({ standbyOf: primary })
  wire = await startCuttingProxy(primary.port)
}, patience.timeout)
afterAll(async () => {
  await wire.close()
  await Promise.all([primary.discard(), standby.discard()])
})

type Loads = Extract<
  keyof Store,
  `load${string}` | `list${string}` | `count${string}` | `knows${string}` | `read${string}`
>

/** Everything that is read for a decision. */
function readsOf(
  store: Store,
  { user, session, family, client }: given.Login,
): Record<Loads | 'feed', (() => Promise<unknown>)[]> {
  return {
    loadIssuer: [() => store.loadIssuer()],
    loadClient: [() => store.loadClient(client.id)],
    listClients: [
      () => store.listClients({ limit: 10 }),
      () => store.listClients({ origin: client.origin, limit: 10 }),
    ],
    countClients: [() => store.countClients(client.origin)],
    knowsWebOrigin: [() => store.knowsWebOrigin('https://app.example')],
    loadUser: [() => store.loadUser(user.id)],
    listUsers: [() => store.listUsers({ limit: 10 })],
    loadUserByEmail: [() => store.loadUserByEmail('nobody@example.com')],
    loadUserByIdentity: [() => store.loadUserByIdentity('connection', 'subject')],
    listIdentities: [() => store.listIdentities(user.id)],
    loadFamily: [() => store.loadFamily(family.id)],
    loadSession: [() => store.loadSession(session.id)],
    loadSessionOnly: [() => store.loadSessionOnly(session.id)],
    loadCode: [() => store.loadCode('hash')],
    loadShortLived: [() => store.loadShortLived('mail', 'hash')],
    listDue: [() => store.listDue('mail', 10)],
    loadGrant: [() => store.loadGrant(user.id, client.id)],
    listGrants: [() => store.listGrants(user.id)],
    listSessions: [() => store.listSessions(user.id)],
    listSessionsUnder: [() => store.listSessionsUnder(user.id, 1)],
    readAudit: [() => store.readAudit(0, 10)],
    feed: [() => store.feed.snapshot(), () => store.feed.after(0), () => store.feed.holds('family', family.id)],
  }
}

test(
  'a store whose connections lead to a standby, where they led to the primary before, reads nothing there',
  patience,
  async () => {
    await withNodes(wire.url, async ({ open, schema }) => {
      const store = await open({ listenUrl: null, every: () => () => {} })
      const login = await given.login(store)
      const reads = Object.entries(readsOf(store, login)).flatMap(([name, some]) => some.map(read => ({ name, read })))
      for (const { read } of reads) await read()
      const hasFollowed = () =>
        runSql(standby.url, `SELECT count(*)::integer FROM "${schema}".family`).then(
          rows => rows[0]?.[0],
          () => undefined,
        )
      await expect.poll(hasFollowed, { timeout: 60_000 }).toBe(1)
      wire.leadTo(standby.port)
      // What was connected hears of it by the first statement of each.
      await expect
        .poll(() => store.loadIssuer().catch((error: Error) => error.message), { timeout: 60_000 })
        .toMatch(/standby/)
      for (const { name, read } of reads) {
        const outcome = await read().then(
          () => 'read',
          (error: Error) => `${error.name}: ${error.message}`,
        )
        expect([name, outcome]).toEqual([name, expect.stringMatching(/^StoreUnavailable: the database is a standby/)])
      }
      wire.leadTo(primary.port)
      await expect
        .poll(() => store.loadFamily(login.family.id).catch(() => undefined), { timeout: 60_000 })
        .toBeDefined()
    })
  },
)
