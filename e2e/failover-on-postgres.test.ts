import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Cluster, startCluster } from '@countersign/store-postgres/testing/cluster'
import { type CuttingProxy, startCuttingProxy } from '@countersign/store-postgres/testing/cutting-proxy'
import { runSql } from '@countersign/store-postgres/testing/schemas'
import { afterEach, expect, test } from 'vitest'
import { graceSeconds, type Install, refresh } from './testing/app-install.ts'
import { callUnlessKilled } from './testing/http-call.ts'
import { type Load, type Opened, startLoad } from './testing/load-on-nodes.ts'
import { startTwoNodes, type TwoNodes } from './testing/nodes-on-postgres.ts'
import { auditOf, type Observed, observedSettings, readObservedDatabase } from './testing/observed-postgres.ts'
import { createOutages, type Outages } from './testing/outages.ts'
import { createWitness, type Witness } from './testing/witness.ts'

/*
 * A standby is promoted under load. The old primary is fenced off (nodes reach it over a wire that is taken away), and read afterwards: what
 * it holds and its successor does not is what was lost, to the row. Nodes are given both hosts.
 */

interface Pair {
  readonly primary: Cluster
  readonly standby: Cluster
  /** Between nodes and primary. */
  readonly front: CuttingProxy
  /** Between primary and standby. */
  readonly replication: CuttingProxy
  readonly running: TwoNodes
  readonly witness: Witness
  readonly outages: Outages
  readonly load: Load
}

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const action of undo.splice(0).reverse()) await action()
})

async function givenPair({ synchronous, kills }: { synchronous: boolean; kills?: boolean }): Promise<Pair> {
  const primary = await startCluster({ settings: observedSettings })
  undo.push(primary.discard)
  const [front, replication] = [await startCuttingProxy(primary.port), await startCuttingProxy(primary.port)]
  undo.push(front.close, replication.close)
  const standby = await startCluster({ settings: observedSettings, standbyOf: primary })
  undo.push(standby.discard)
  const { port } = new URL(replication.url)
  await runSql(standby.url, `ALTER SYSTEM SET primary_conninfo = 'host=127.0.0.1 port=${port} user=postgres'`)
  await runSql(standby.url, 'SELECT pg_reload_conf()')
  if (synchronous) {
    await runSql(primary.url, "ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (*)'")
    await runSql(primary.url, 'ALTER SYSTEM SET synchronous_commit = remote_apply')
    await runSql(primary.url, 'SELECT pg_reload_conf()')
  }
  const both = `postgres://postgres@127.0.0.1:${new URL(front.url).port},127.0.0.1:${standby.port}/postgres`
  const witness = createWitness()
  undo.push(witness.close)
  const running = await startTwoNodes({ database: primary.url, urlOf: () => both })
  undo.push(running.close)
  const nodes = running.nodes.map(({ address }) => `http://${address}`)
  const load = await startLoad(running.issuer, nodes, { kills: kills ?? false })
  await load.allGoOn()
  return { primary, standby, front, replication, running, witness, outages: createOutages(), load }
}

/** The primary is gone for its nodes, and starts once more where only the test sees it. */
async function failOver({ primary, standby, front }: Pair): Promise<void> {
  await primary.stop('immediate')
  await front.close()
  standby.run('pg_ctl', ['-D', `${standby.folder}/data`, '-w', 'promote'])
}

/** What was committed and is gone. */
async function goneWith({ primary, standby }: Pair): Promise<Observed[]> {
  await primary.start()
  const kept = new Set((await readObservedDatabase(standby.url)).map(({ transaction }) => transaction))
  return (await readObservedDatabase(primary.url)).filter(({ transaction }) => !kept.has(transaction))
}

async function violations({ standby, witness, outages }: Pair, gone: readonly Observed[]): Promise<string[]> {
  const log = await readObservedDatabase(standby.url)
  const auditRows = await auditOf(standby.url)
  const events = outages.events(log, witness.exchanges, gone)
  return witness.judge({ log, auditRows, auditInOrder: false, nodes: 2 }, graceSeconds, events)
}

const isRotation = ({ change }: Observed): boolean =>
  change.writes.every(({ table }) => table === 'family') &&
  !change.audit.some(({ event }) => !event.startsWith('refresh.'))

/** Those whom a change has opened or ended, by its audit row. */
const sessionsOf = (log: readonly Observed[], event: string): Set<string | undefined> =>
  new Set(log.flatMap(({ change }) => change.audit.filter(row => row.event === event).map(row => row.sessionId)))

test('a synchronous standby is promoted under load: rotations may be forgotten, and nothing else that was acknowledged', async () => {
  const pair = await givenPair({ synchronous: true })
  const { load, outages } = pair
  await outages.crash(() => failOver(pair))
  await load.allGoOn()
  const gone = await goneWith(pair)
  await load.settle()
  // What still waited for the standby was acknowledged to nobody.
  const [opened, ended] = [sessionsOf(gone, 'session.created'), sessionsOf(gone, 'session.ended')]
  expect(load.opened.filter(({ sessionId }) => opened.has(sessionId))).toEqual([])
  expect(load.ended.filter(({ sessionId }) => ended.has(sessionId))).toEqual([])
  expect(await violations(pair, gone.filter(isRotation))).toEqual([])
})

test('an asynchronous standby that lags is promoted under load: logins and ends of the lag are forgotten as well, and nothing from before it', async () => {
  const pair = await givenPair({ synchronous: false, kills: true })
  const { load, outages, replication, running, standby, primary } = pair
  const both = await heldByBoth(primary, standby)
  replication.partition()
  await load.allGoOn()
  await outages.promote(async () => {
    await failOver(pair)
    // As docs/postgres.md asks of whoever promotes a standby that may lack something.
    await runSql(standby.url, readFileSync(newHistory, 'utf8'))
  })
  await Promise.all(running.nodes.map(restartOnceEnded))
  await load.allGoOn()
  const gone = await goneWith(pair)
  const [opened, ended] = [sessionsOf(gone, 'session.created'), sessionsOf(gone, 'session.ended')]
  const lost = (sessionId: string): boolean => opened.has(sessionId) || ended.has(sessionId)
  await load.settle(lost)

  expect(gone.filter(({ transaction }) => both.has(transaction))).toEqual([])
  expect(await violations(pair, gone)).toEqual([])
  // What a lag costs, as the documents say: these have to sign in again, and those who had signed out are signed in.
  const again = async (one: Opened): Promise<unknown> => {
    const install: Install = { ...one, clientId: 'app', key: undefined }
    const answer = await refresh(running.issuer, install)
    return answer?.status === 200 ? 'lives' : answer?.json.reason
  }
  const lostLogins = load.opened.filter(({ sessionId }) => opened.has(sessionId))
  const lostEnds = load.ended.filter(({ sessionId }) => ended.has(sessionId) && !opened.has(sessionId))
  expect(lostLogins.length).toBeGreaterThan(0)
  for (const one of lostLogins) expect(await again(one)).toBe('family_unknown')
  for (const one of lostEnds) expect(await again(one)).toBe('lives')
})

const newHistory = join(import.meta.dirname, '../packages/store-postgres/src/testing/new-history.sql')

/** As a supervisor does it: a node that finds another history ends by itself. */
async function restartOnceEnded(node: TwoNodes['nodes'][number]): Promise<void> {
  const isThere = async (): Promise<boolean> => (await callUnlessKilled(`http://${node.address}/health`)) !== undefined
  await expect.poll(isThere, { timeout: 60_000 }).toBe(false)
  await node.start()
}

/** What the standby holds with the primary by now, and more may follow at any time. */
async function heldByBoth(primary: Cluster, standby: Cluster): Promise<ReadonlySet<string>> {
  const held = await readObservedDatabase(primary.url)
  const [row] = await runSql(primary.url, 'SELECT pg_current_wal_insert_lsn()::text')
  const isThere = async (): Promise<unknown> =>
    (await runSql(standby.url, `SELECT pg_last_wal_replay_lsn() >= '${row?.[0]}'`))[0]?.[0]
  await expect.poll(isThere, { timeout: 60_000 }).toBe(true)
  expect(held.length).toBeGreaterThan(0)
  return new Set(held.map(({ transaction }) => transaction))
}
