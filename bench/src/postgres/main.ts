import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Cluster, startCluster } from '@countersign/store-postgres/testing/cluster'
import { runSql } from '@countersign/store-postgres/testing/schemas'
import { backEndAuthorization, makeLogins } from '../countersign/logins.ts'
import { bundleCommand, type Countersign, prepareCountersign } from '../countersign/server.ts'
import { machineFacts } from '../harness/machine.ts'
import { aimsTable, writeFigures } from '../harness/page.ts'
import type { RunningServer } from '../harness/processes.ts'
import { renderTable } from '../harness/report.ts'
import { type Aim, figure, type Settings, type Table } from '../harness/workload.ts'
import { runLoad } from '../load/run.ts'
import { appId } from '../peers/oidc-provider/configuration.ts'
import type { PeerTask } from '../peers/oidc-provider/server-task.ts'
import { aimForLead, type Contestant, contest, type Work } from '../workloads/contest.ts'
import { redemption, startPeerServer } from '../workloads/requests.ts'

/*
 * On PostgreSQL: one node and two beside oidc-provider, durable logins, and what a login takes on the disk. The database is a server of its own in a temporary
 * folder, with Debian's settings; it is held to no core.
 */

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    connections: { type: 'string', default: '32' },
    folder: { type: 'string', default: tmpdir() },
    write: { type: 'string' },
  },
})

// All nodes have it from here.
process.env.COUNTERSIGN_MASTER_KEY = Buffer.alloc(32, 3).toString('base64url')

const began = performance.now()
const folder = mkdtempSync(join(values.folder, 'countersign-bench-'))
const settings: Settings = {
  rounds: Number(values.rounds ?? (values.short ? 1 : 3)),
  seconds: Number(values.seconds ?? (values.short ? 1 : 4)),
  connections: Number(values.connections),
  short: values.short,
  folder,
  command: bundleCommand(folder),
  progress: text => console.error(`${((performance.now() - began) / 1000).toFixed(0).padStart(5)} s  ${text}`),
}
const logins = settings.short ? 1_024 : 12_000
const cluster = await startCluster()

try {
  const facts = [...machineFacts(), await serverVersion(cluster)]
  console.log(facts.join('\n'), '\n')
  const tables: Table[] = []
  const aims: Aim[] = []
  for (const measure of [refreshes, twoNodes, durableLogins, bytes]) {
    const result = await measure()
    tables.push(result.table)
    if (result.aim !== undefined) aims.push(result.aim)
    console.log(renderTable(result.table))
  }
  console.log(renderTable(aimsTable(aims)))
  if (values.write) writeFigures(values.write, { facts, tables, aims })
} finally {
  await cluster.discard()
  rmSync(folder, { recursive: true, force: true })
}

interface Measured {
  readonly table: Table
  readonly aim?: Aim
}

async function serverVersion({ url }: Cluster): Promise<string> {
  const [row] = await runSql(url, 'SHOW server_version')
  return `PostgreSQL ${String(row?.[0])}, on this machine, as its package configures it.`
}

/** A database of its own. */
function database(name: string): string {
  cluster.run('createdb', ['-h', '127.0.0.1', '-p', String(cluster.port), '-U', 'postgres', name])
  return cluster.url.replace(/postgres$/, name)
}

/** Nodes, the first of which is the issuer; and logins, of which each node has its share. */
async function nodesWithLogins(name: string, count: number): Promise<{ systems: Countersign[]; chains: string[] }> {
  const url = database(name)
  const systems: Countersign[] = []
  for (let node = 0; node < count; node++) {
    const own = mkdtempSync(join(folder, 'node-'))
    const issuer = systems[0]?.issuer
    systems.push(
      await prepareCountersign({ command: settings.command, folder: own, rotatesAlways: true, database: url, issuer }),
    )
  }
  const [first] = systems as [Countersign]
  const server = await first.start()
  const made = await makeLogins(first, logins)
  await server.stop()
  const chains = systems.map((_system, node) => {
    const file = join(mkdtempSync(join(folder, 'chains-')), 'chains.json')
    const own = made.filter((_one, index) => index % count === node)
    writeFileSync(file, JSON.stringify(own.map(({ refreshToken }) => ({ refreshToken }))))
    return file
  })
  return { systems, chains }
}

function refreshing(address: string, chainsFile: string, clientId: string): Work {
  return { kind: 'refresh', url: `${address}/token`, chainsFile, clientId, proofs: false }
}

async function refreshes(): Promise<Measured> {
  const peer =
    (store: PeerTask['store']): Contestant['start'] =>
    async own => {
      const task = {
        store,
        seed: 'refresh tokens',
        dpop: false,
        logins,
        folder: own,
        databaseUrl: database(store.replace('-', '_')),
      } as const
      const server = await startPeerServer(task)
      return { ...server, ready: refreshing(server.ready.issuer, server.ready.seedFile, appId) }
    }
  const contestants: Contestant[] = [
    {
      name: 'Countersign, one node',
      async start(): Promise<RunningServer<Work>> {
        const { systems, chains } = await nodesWithLogins('one', 1)
        const [system, file] = [systems[0] as Countersign, chains[0] as string]
        return { ...(await system.start()), ready: refreshing(system.address, file, system.clientId) }
      },
    },
    { name: 'oidc-provider, as configured', start: peer('postgres-on') },
    { name: 'oidc-provider, synchronous_commit off', start: peer('postgres-off') },
  ]
  const { table, lead } = await contest('Refresh on PostgreSQL, unbound', contestants, settings, [
    `${figure(logins)} logins, refreshed in turn; every call rotates. What is durable for ours is so in all of them but the last.`,
  ])
  const what = 'Unbound refresh on PostgreSQL, one node, beside oidc-provider on it'
  return { table, aim: aimForLead(what, 6, lead('oidc-provider, as configured')) }
}

/** Both held to the server's core on a machine with two: what is seen is whether they are in each other's way. */
async function twoNodes(): Promise<Measured> {
  const { systems, chains } = await nodesWithLogins('two', 2)
  const servers: RunningServer<unknown>[] = []
  try {
    for (const system of systems) servers.push(await system.start())
    const results = await Promise.all(
      systems.map((system, node) =>
        runLoad({
          ...refreshing(system.address, chains[node] as string, system.clientId),
          connections: settings.connections / 2,
          warmSeconds: 1,
          seconds: settings.seconds,
          serverPid: servers[node]?.pid ?? 0,
        }),
      ),
    )
    const failed = results.find(({ errors }) => errors > 0)
    if (failed !== undefined) throw new Error(String(failed.firstError))
    const rows = results.map((one, node) => [
      `node ${node + 1}`,
      figure(one.perSecond),
      figure(one.p50Ms, 1),
      figure(one.p99Ms, 1),
    ])
    const all = results.reduce((sum, one) => sum + one.perSecond, 0)
    rows.push(['together', figure(all), '', ''])
    const columns = ['', 'per second', 'p50 ms', 'p99 ms']
    return {
      table: { title: 'Refresh on PostgreSQL, two nodes', columns, rows, notes: ['Both nodes share one core.'] },
    }
  } finally {
    for (const server of servers) await server.stop()
  }
}

async function durableLogins(): Promise<Measured> {
  const users = settings.short ? 200 : 5_000
  const codes = settings.short ? 2_000 : Math.ceil((settings.seconds + 2) * settings.rounds * 2_000)
  const contestants: Contestant[] = [
    {
      name: 'Countersign, durable',
      async start(own): Promise<RunningServer<Work>> {
        const url = database('logins')
        const system = await prepareCountersign({
          command: settings.command,
          folder: own,
          rotatesAlways: false,
          database: url,
        })
        const server = await system.start()
        await makeLogins(system, users)
        const authorization = await backEndAuthorization(system)
        const address = `${system.address}/v1/trusted/sessions`
        return { ...server, ready: { kind: 'login', url: address, authorization, clientId: system.clientId, users } }
      },
    },
    {
      name: 'oidc-provider, codes redeemed, as configured',
      async start(own): Promise<RunningServer<Work>> {
        const task = {
          store: 'postgres-on',
          seed: 'bare codes',
          dpop: false,
          logins: codes,
          folder: own,
          databaseUrl: database('codes'),
        } as const
        const server = await startPeerServer(task)
        return { ...server, ready: redemption(server.ready.issuer, appId, server.ready.seedFile) }
      },
    },
  ]
  const { table } = await contest('Logins on PostgreSQL', contestants, settings, [
    'Answered when they are on the disk. What is compared: docs/benchmarks.md.',
  ])
  return { table }
}

/** After one refresh of each, so that the free places that updates need are counted. */
async function bytes(): Promise<Measured> {
  const url = cluster.url.replace(/postgres$/, 'one')
  const sizes = await runSql(
    url,
    `SELECT c.relname, pg_total_relation_size(c.oid), pg_indexes_size(c.oid), s.n_tup_upd, s.n_tup_hot_upd
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_stat_user_tables s ON s.relid = c.oid
     WHERE n.nspname = 'countersign' AND c.relname IN ('session', 'family', 'audit', 'user', 'identity') ORDER BY 2 DESC`,
  )
  const rows = sizes.map(([name, total, indexes, updates, hot]) => [
    String(name),
    figure(Number(total) / logins),
    figure(Number(indexes) / logins),
    Number(updates) > 0 ? `${figure((100 * Number(hot)) / Number(updates), 1)} %` : '–',
  ])
  const columns = ['table', 'bytes per login', 'of these indexes', 'heap-only updates']
  return {
    table: {
      title: 'What a login takes on PostgreSQL',
      columns,
      rows,
      notes: [`${figure(logins)} logins, each refreshed many times.`],
    },
  }
}
