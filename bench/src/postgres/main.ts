import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Cluster, startCluster } from '@countersign/store-postgres/testing/cluster'
import { runSql } from '@countersign/store-postgres/testing/schemas'
import { backEndAuthorization, makeLogins } from '../countersign/logins.ts'
import { bundleCommand, prepareCountersign } from '../countersign/server.ts'
import { readCommandLine } from '../harness/command-line.ts'
import { machineFacts } from '../harness/machine.ts'
import { aimsTable, writeFigures } from '../harness/page.ts'
import type { RunningServer } from '../harness/processes.ts'
import { renderTable } from '../harness/report.ts'
import { count, number, risingCounts } from '../harness/values.ts'
import { type Aim, figure, type Settings, type Table } from '../harness/workload.ts'
import { appId } from '../peers/oidc-provider/configuration.ts'
import type { PeerTask } from '../peers/oidc-provider/server-task.ts'
import { aimForLead, type Contestant, contest, type Work } from '../workloads/contest.ts'
import { redemption, startPeerServer } from '../workloads/requests.ts'
import { acrossNodes } from './across-nodes.ts'
import { bytes } from './bytes.ts'
import { followers } from './followers.ts'
import { growth } from './growth.ts'
import { lookAside } from './look-aside.ts'
import { revocations } from './revocations.ts'
import { database, type Measured, type Ours, prepareOurs, refreshing, type Scene } from './scene.ts'
import { twoNodes } from './two-nodes.ts'

/*
 * On PostgreSQL: one node and two beside oidc-provider, durable logins and revocations beside it, followers of the feed, a revocation on its way from one node
 * to another, a read and a copy of it, cost as tables grow, and what they take on the disk then, which uses up the logins and so comes last. The
 * database is a server of its own in a temporary folder, with Debian's settings; it is held to no core.
 */

type Part = (scene: Scene) => Promise<Measured>

const parts: Readonly<Record<string, { readonly text: string; readonly measure: Part }>> = {
  refreshes: { text: 'refreshes per second of one node, beside oidc-provider', measure: refreshes },
  twoNodes: { text: 'refreshes of two nodes on one database, together and each alone', measure: twoNodes },
  durableLogins: { text: 'logins that are on the disk when they are answered', measure: durableLogins },
  revocations: { text: 'logouts by token, beside oidc-provider', measure: revocations },
  followers: { text: 'what followers of the feed cost, and to tell all of them', measure: followers },
  acrossNodes: { text: 'from a logout at one node until a verifier behind another refuses', measure: acrossNodes },
  lookAside: { text: 'the read of a refresh, from PostgreSQL or as a copy from Valkey', measure: lookAside },
  growth: { text: 'time per refresh as families grow', measure: growth },
  bytes: { text: 'bytes per login after many rotations; uses up the logins of `growth`', measure: bytes },
}
const asked = readCommandLine({
  command: 'bench:postgres',
  measures: Object.fromEntries(Object.entries(parts).map(([name, { text }]) => [name, text])),
  seconds: 4,
  page: 'docs/benchmarks-postgres.md',
  own: {
    logins: { value: 'N', text: 'logins that are made through the server before (10000)', reader: count },
    families: {
      value: 'N,N',
      text: 'how many families there are, step by step, for `growth` (10000,100000,1000000)',
      reader: risingCounts,
    },
    rotations: { value: 'N', text: 'rotations at the largest number of families (10000000)', reader: count },
    minutes: { value: 'N', text: 'how long these may last; what was reached is said (8)', reader: number },
    followers: { value: 'N', text: 'followers of the feed (1000)', reader: count },
  },
})
const { short, own } = asked

// All nodes have it from here.
process.env.COUNTERSIGN_MASTER_KEY = Buffer.alloc(32, 3).toString('base64url')

const began = performance.now()
const folder = mkdtempSync(join(asked.folder, 'countersign-bench-'))
const cluster = await startCluster({ settings: ['fsync=on'] })
const settings: Settings = {
  rounds: asked.rounds,
  seconds: asked.seconds,
  connections: asked.connections,
  short,
  folder,
  command: bundleCommand(folder),
  databasePid: cluster.pid(),
  progress: text => console.error(`${((performance.now() - began) / 1000).toFixed(0).padStart(5)} s  ${text}`),
}
const logins = own.logins ?? (short ? 1_024 : 10_000)
let prepared: Promise<Ours> | undefined
const ours = (): Promise<Ours> => {
  prepared ??= prepareOurs(cluster, settings, logins)
  return prepared
}
const scene: Scene = {
  cluster,
  settings,
  logins,
  families: own.families ?? (short ? [2_000, 4_000] : [10_000, 100_000, 1_000_000]),
  rotations: {
    count: own.rotations ?? (short ? 20_000 : 10_000_000),
    minutes: own.minutes ?? (short ? 0.2 : 8),
  },
  followers: own.followers ?? 1_000,
  ours,
}

try {
  const facts = [...machineFacts(), await serverVersion(cluster)]
  console.log(facts.join('\n'), '\n')
  const tables: Table[] = []
  const aims: Aim[] = []
  for (const [name, { text, measure }] of Object.entries(parts)) {
    if (!asked.names.includes(name)) continue
    settings.progress(`${name}: ${text}`)
    const result = await measure(scene)
    tables.push(result.table)
    aims.push(...(result.aims ?? []))
    console.log(renderTable(result.table))
  }
  console.log(renderTable(aimsTable(aims)))
  if (asked.write) writeFigures(asked.write, { facts, tables, aims }, { partly: !asked.isWhole })
} finally {
  await cluster.discard()
  rmSync(folder, { recursive: true, force: true })
}

async function serverVersion({ url }: Cluster): Promise<string> {
  const [row] = await runSql(url, 'SHOW server_version')
  return `PostgreSQL ${String(row?.[0])}, on this machine, as its package configures it.`
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
        databaseUrl: database(cluster, store.replace('-', '_')),
      } as const
      const server = await startPeerServer(task)
      return { ...server, ready: refreshing(server.ready.issuer, server.ready.seedFile, appId) }
    }
  const contestants: Contestant[] = [
    {
      name: 'Countersign, one node',
      async start(): Promise<RunningServer<Work>> {
        const { system, chainsFile } = await ours()
        return { ...(await system.start()), ready: refreshing(system.address, chainsFile, system.clientId) }
      },
    },
    { name: 'oidc-provider, as configured', start: peer('postgres-on') },
    { name: 'oidc-provider, synchronous_commit off', start: peer('postgres-off') },
  ]
  const { table, lead } = await contest('Refresh on PostgreSQL, unbound', contestants, settings, [
    `${figure(logins)} logins, refreshed in turn; every call rotates. What is durable for ours is so in all of them but the last.`,
  ])
  const what = 'Unbound refresh on PostgreSQL, one node, beside oidc-provider on it'
  const aims = [
    aimForLead(what, 6, lead('oidc-provider, as configured')),
    aimForLead(`${what}, which waits for the disk as little`, 6, lead('oidc-provider, synchronous_commit off')),
  ]
  return { table, aims }
}

async function durableLogins(): Promise<Measured> {
  const users = settings.short ? 200 : 5_000
  const codes = settings.short ? 2_000 : Math.ceil((settings.seconds + 2) * settings.rounds * 2_000)
  const contestants: Contestant[] = [
    {
      name: 'Countersign, durable',
      async start(own): Promise<RunningServer<Work>> {
        const url = database(cluster, 'logins')
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
          databaseUrl: database(cluster, 'codes'),
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
