import type { Store, StoreOptions } from '@countersign/store'
import { openPostgresStore } from '@countersign/store-postgres'
import { type Cluster, startCluster } from '@countersign/store-postgres/testing/cluster'
import { countAsked } from '@countersign/store-postgres/testing/count-asked'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, asApi, introspect, postForm, postJson, refresh } from '../packages/server/src/testing/calls.ts'
import { closeGiven, type GivenServer, given } from '../packages/server/src/testing/given.ts'
import { importsOver } from '../packages/server/src/testing/imports.ts'
import { racesOfCodes } from '../packages/server/src/testing/races-of-codes.ts'
import { racesOfImported } from '../packages/server/src/testing/races-of-imported.ts'
import { racesOfMints } from '../packages/server/src/testing/races-of-mints.ts'
import { racesOfSingleUse } from '../packages/server/src/testing/races-of-single-use.ts'

let cluster: Cluster
let schemas = 0

beforeAll(async () => {
  cluster = await startCluster()
})
afterEach(closeGiven)
afterAll(() => cluster.discard())

/** What is decided in memory is decided by rows here, between nodes by them alone. */
describe('on PostgreSQL', () => {
  const whereTo = () => ({ url: cluster.url, schema: `races_${++schemas}` })
  const open = (options: StoreOptions): Promise<Store> => openPostgresStore({ ...options, ...whereTo() })
  racesOfSingleUse(open)
  racesOfCodes(open)
  racesOfImported(open)
  importsOver(open)
  racesOfMints(async options => {
    const where = whereTo()
    const openOne = (): Promise<Store> => openPostgresStore({ ...options, ...where })
    return [await openOne(), await openOne()]
  })

  test('of many logins of one user at once on two nodes each is one, and a hundred live', async () => {
    const where = whereTo()
    const openStore = (options: StoreOptions): Promise<Store> => openPostgresStore({ ...options, ...where })
    const nodes = [await given.server({ openStore }), await given.server({ openStore })]
    for (const node of nodes) node.setClock(nodes[0]?.now() ?? 0)
    const body = { client_id: 'bearer-app', user: { external_id: 'crm-17' } }
    const logIn = (n: number) => postJson(nodes[n % 2] as GivenServer, '/v1/trusted/sessions', body, asApi)
    await logIn(0)
    const answers = await Promise.all(Array.from({ length: 110 }, (_, n) => logIn(n)))
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201))
    const { user } = (await nodes[0]?.store.loadUserByIdentity('trusted:api', 'crm-17')) ?? {}
    expect(await nodes[0]?.store.listSessions(user?.id ?? '')).toHaveLength(100)
  })

  test('what each operation asks of it, and how often it waits for an answer', async () => {
    const never = () => () => {}
    const to = await given.server({
      every: never,
      openStore: options => openPostgresStore({ ...options, ...whereTo(), listenUrl: null, every: never }),
      // Who is told of ends asks for themselves, behind the answer.
      wrapStore: store => ({ ...store, feed: { ...store.feed, subscribe: never } }),
    })
    const url = '/v1/trusted/sessions'
    const body = { client_id: 'bearer-app', user: { external_id: 'crm-17' } }
    const machine = { grant_type: 'client_credentials', scope: 'account' }
    const first = (await postJson(to, url, body, asApi)).body
    await to.later(60)
    let token = String(first.refresh_token)
    const operations: Readonly<Record<string, () => Promise<Answer>>> = {
      login: () => postJson(to, url, body, asApi),
      async refresh() {
        const answer = await refresh(to, token)
        token = String(answer.body.refresh_token)
        return answer
      },
      mint: () => postForm(to, '/token', machine, asApi),
      introspect: () => introspect(to, String(first.access_token)),
      revoke: () => postForm(to, '/revoke', { client_id: 'bearer-app', token }),
    }
    const asked: Record<string, [statements: number, roundTrips: number]> = {}
    for (const [name, operate] of Object.entries(operations)) {
      let status = 0
      const { statements, roundTrips } = await countAsked(async () => {
        status = (await operate()).status
      })
      expect([name, status]).toEqual([name, name === 'login' ? 201 : 200])
      asked[name] = [statements, roundTrips]
    }
    // Fewer is better: whoever saves one writes it down here. A change is one transaction, which waits for its rows and for COMMIT.
    expect(asked).toEqual({ login: [11, 6], refresh: [2, 2], mint: [1, 1], introspect: [3, 3], revoke: [12, 7] })
  })
})
