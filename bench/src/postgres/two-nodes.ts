import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { prepareCountersign } from '../countersign/server.ts'
import type { RunningServer } from '../harness/processes.ts'
import { figure } from '../harness/workload.ts'
import { runLoad } from '../load/run.ts'
import type { LoadResult } from '../load/task.ts'
import { type Measured, readChains, refreshing, type Scene, writeChains } from './scene.ts'

/** Both held to the server's core on a machine with two: what is seen is whether they are in each other's way. Each alone stands beside it, with all connections. */
export async function twoNodes({ settings, ours, cluster }: Scene): Promise<Measured> {
  const { system, databaseUrl, chainsFile } = await ours()
  const folder = mkdtempSync(join(settings.folder, 'second-node-'))
  const { command } = settings
  const second = await prepareCountersign({
    command,
    folder,
    rotatesAlways: true,
    database: databaseUrl,
    beside: system,
  })
  const all = readChains(chainsFile)
  const systems = [system, second]
  const files = systems.map((_system, node) => join(folder, `chains-${node}.json`))
  for (const [node, file] of files.entries()) {
    writeChains(
      file,
      all.filter((_one, index) => index % systems.length === node),
    )
  }
  const servers: RunningServer<unknown>[] = []
  const load = (node: number, connections: number): Promise<LoadResult> => {
    const { address, clientId } = systems[node] ?? system
    return runLoad({
      ...refreshing(address, files[node] as string, clientId),
      connections,
      warmSeconds: 1.5,
      seconds: settings.seconds,
      serverPid: servers[node]?.pid ?? 0,
      databasePid: cluster.pid(),
    })
  }
  try {
    for (const one of systems) servers.push(await one.start())
    const rows: string[][] = []
    for (const node of systems.keys()) {
      const one = await load(node, settings.connections)
      rows.push(rowOf(`node ${node + 1} alone`, one, one.perSecond))
      settings.progress(`node ${node + 1} alone · ${figure(one.perSecond)}/s`)
    }
    const results = await Promise.all([...systems.keys()].map(node => load(node, settings.connections / 2)))
    rows.push(...results.map((one, node) => rowOf(`node ${node + 1} beside the other`, one)))
    const together = results.reduce((sum, one) => sum + one.perSecond, 0)
    rows.push(['both', figure(together), '', '', '', each(results[0]?.cpu.database ?? null, together)])
    const columns = ['', 'per second', 'p50 ms', 'p99 ms', 'µs of core each', 'µs of PostgreSQL each']
    const notes = ['Both nodes share one core, and both load generators the other.']
    return { table: { title: 'Refresh on PostgreSQL, two nodes', columns, rows, notes } }
  } finally {
    for (const server of servers) await server.stop()
    writeChains(chainsFile, files.flatMap(readChains))
  }
}

/** PostgreSQL works for both: what it took is told of one that has it for itself. */
function rowOf(name: string, one: LoadResult, alone?: number): string[] {
  const { perSecond, p50Ms, p99Ms, cpu } = one
  const database = alone === undefined ? '' : each(cpu.database, alone)
  return [name, figure(perSecond), figure(p50Ms, 1), figure(p99Ms, 1), each(cpu.server, perSecond), database]
}

function each(core: number | null, perSecond: number): string {
  return figure(((core ?? Number.NaN) / perSecond) * 1e6)
}
