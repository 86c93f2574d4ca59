import { type Cluster, startCluster } from '@countersign/store-postgres/testing/cluster'
import { type CuttingProxy, startCuttingProxy } from '@countersign/store-postgres/testing/cutting-proxy'
import { runSql } from '@countersign/store-postgres/testing/schemas'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { apiSecret, graceSeconds, logIn, refresh, revoke } from './testing/app-install.ts'
import { basic, call } from './testing/http-call.ts'
import { startLoad } from './testing/load-on-nodes.ts'
import { nodeNames, startTwoNodes, type TwoNodes } from './testing/nodes-on-postgres.ts'
import { auditOf, observedSettings, readObservedDatabase } from './testing/observed-postgres.ts'
import { createOutages, type Outages } from './testing/outages.ts'
import { createWitness, type Witness } from './testing/witness.ts'

/*
 * Two real nodes on a real PostgreSQL, each over a wire of its own that can be cut, with apps, a back end and APIs that go on all the
 * time. What they were answered and what the database has written is judged by the simulation's own judges.
 */

let database: Cluster
let wires: readonly [CuttingProxy, CuttingProxy]
let running: TwoNodes
let witness: Witness
let outages: Outages

beforeAll(async () => {
  database = await startCluster({ settings: [...observedSettings, 'max_connections=40'] })
  wires = [await startCuttingProxy(database.port), await startCuttingProxy(database.port)]
  witness = createWitness()
  outages = createOutages()
  running = await startTwoNodes({
    database: database.url,
    urlOf: index => wires[index === 0 ? 0 : 1].url,
    settings: { database_connections: 3 },
  })
})
afterAll(async () => {
  await running?.close()
  witness.close()
  for (const wire of wires) await wire.close()
  await database?.discard()
})

async function violations(): Promise<string[]> {
  const log = await readObservedDatabase(database.url)
  const auditRows = await auditOf(database.url)
  const written = { log, auditRows, auditInOrder: false, nodes: 2 }
  return witness.judge(written, graceSeconds, outages.events(log, witness.exchanges))
}

/** A connection more, if PostgreSQL has one left. */
async function connected(url: string): Promise<pg.Client | undefined> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  return client.connect().then(
    () => client,
    () => undefined,
  )
}

const addresses = (): string[] => running.nodes.map(({ address }) => `http://${address}`)

/** Everybody goes on while something happens, and after it; then what was promised is judged. */
async function underLoad(
  happens: (load: Awaited<ReturnType<typeof startLoad>>) => Promise<void>,
  options: { kills?: boolean } = {},
): Promise<void> {
  const load = await startLoad(running.issuer, addresses(), options)
  await load.allGoOn()
  await happens(load)
  await load.allGoOn()
  await load.settle()
  expect(await violations()).toEqual([])
}

test('PostgreSQL is killed as by a power cut, and restarted: 503 meanwhile, and nothing that was acknowledged is lost', () =>
  underLoad(async load => {
    await outages.crash(() => database.stop('immediate'))
    await load.isFelt()
    await database.start()
    await load.allGoOn()
    await outages.during(() => database.stop('fast'))
    await load.isFelt()
    await database.start()
  }))

test('PostgreSQL stands still: 503 in time, nobody waits for it for ever, and it goes on', () =>
  underLoad(async load => {
    await outages.during(() => database.pause())
    await load.isFelt()
    await outages.during(() => database.resume())
  }))

test('a node that is cut off from its database without a word says 503 in time, the other goes on, and what was on its way arrives late', () =>
  underLoad(async load => {
    const [cutOff, other] = addresses()
    await outages.during(() => wires[0].partition())
    await load.isFelt()
    const asked = { form: { token: 'none' }, headers: basic('api', apiSecret), patience: 20_000 }
    const [away, there] = await Promise.all([cutOff, other].map(node => call(`${node}/introspect`, asked)))
    expect([away?.status, Number(away?.headers['retry-after']) > 0, there?.status]).toEqual([503, true, 200])
    expect((await call(`${cutOff}/ready`)).status).toBe(503)
    await outages.during(() => wires[0].heal())
  }))

test('the answer to a commit, or to anything else, is lost again and again: whoever asks again finds out what became of it', () =>
  underLoad(async load => {
    for (let times = 0; times < 12; times++) {
      const index = times % 2 === 0 ? 0 : 1
      const how = times % 3 === 0 ? 'cutAtCommit' : 'cutAtAnswer'
      await new Promise<void>(resolve => {
        wires[index][how](() => {
          outages.untold(nodeNames[index])
          resolve()
        })
      })
    }
    await load.allGoOn()
  }))

test('no connection is left, at the nodes or at PostgreSQL: some wait, some are told to come again, and nothing else', () =>
  underLoad(async load => {
    const first = await connected(database.url)
    // Each connection of the nodes waits for this one, and the rest of their requests for a connection.
    await first?.query('BEGIN; LOCK TABLE countersign.session')
    await load.isFelt()
    await first?.query('ROLLBACK')
    await load.allGoOn()
    const holders = [first]
    let felt = false
    const feeling = load.isFelt().finally(() => {
      felt = true
    })
    while (!felt) {
      // Whoever loses its connection finds others in its place.
      await first?.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'node-%'")
      holders.push(...(await Promise.all(Array.from({ length: 12 }, () => connected(database.url)))))
    }
    await Promise.all(holders.map(holder => holder?.end()))
    await feeling
  }))

test('a node is killed and starts again: what it had in its hands is lost, the other goes on, and followers of the feed miss nothing', () =>
  underLoad(
    async load => {
      const [node] = running.nodes
      await node.kill()
      await load.allGoOn()
      await node.start()
    },
    { kills: true },
  ))

/** Last of all: what it does to the database stays. */
describe('the judges would see it, if PostgreSQL', () => {
  test.each([
    ['wrote no rotation and said that it had', 'NEW.generation > OLD.generation', 'no update is lost'],
    ['wrote no end and said that it had', 'NEW.ended_at IS NOT NULL', 'each change has its audit row'],
  ])('%s', async (_flaw, when, rule) => {
    const install = await logIn(running.issuer)
    await runSql(
      database.url,
      `CREATE OR REPLACE FUNCTION observed.flaw() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END';
       CREATE TRIGGER flaw BEFORE UPDATE ON countersign.family FOR EACH ROW WHEN (${when}) EXECUTE FUNCTION observed.flaw();
       CREATE TRIGGER flaw BEFORE UPDATE ON countersign.session FOR EACH ROW WHEN (${when.replaceAll('generation', 'version')})
         EXECUTE FUNCTION observed.flaw();`,
    )
    const before = (await violations()).join()
    for (let times = 0; times < 3; times++) await refresh(running.issuer, install)
    await revoke(running.issuer, install)
    await runSql(database.url, 'DROP TRIGGER flaw ON countersign.family; DROP TRIGGER flaw ON countersign.session')
    expect(before).not.toContain(rule)
    expect((await violations()).join()).toContain(rule)
  })
})
