import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { prepareCountersign } from '../countersign/server.ts'
import type { RunningServer } from '../harness/processes.ts'
import { figure } from '../harness/workload.ts'
import { runLoad } from '../load/run.ts'
import { type Measured, readChains, refreshing, type Scene, writeChains } from './scene.ts'

/** Both held to the server's core on a machine with two: what is seen is whether they are in each other's way. */
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
  try {
    for (const one of systems) servers.push(await one.start())
    const results = await Promise.all(
      systems.map((one, node) =>
        runLoad({
          ...refreshing(one.address, files[node] as string, one.clientId),
          connections: settings.connections / systems.length,
          warmSeconds: 1.5,
          seconds: settings.seconds,
          serverPid: servers[node]?.pid ?? 0,
          databasePid: cluster.pid(),
        }),
      ),
    )
    const coreEach = (core: number | null, perSecond: number): string =>
      figure(((core ?? Number.NaN) / perSecond) * 1e6)
    const rows = results.map((one, node) => [
      `node ${node + 1}`,
      figure(one.perSecond),
      figure(one.p50Ms, 1),
      figure(one.p99Ms, 1),
      coreEach(one.cpu.server, one.perSecond),
      '',
    ])
    const together = results.reduce((sum, one) => sum + one.perSecond, 0)
    rows.push(['together', figure(together), '', '', '', coreEach(results[0]?.cpu.database ?? null, together)])
    const columns = ['', 'per second', 'p50 ms', 'p99 ms', 'µs of core each', 'µs of PostgreSQL each']
    const notes = ['Both nodes share one core, and both load generators the other.']
    return { table: { title: 'Refresh on PostgreSQL, two nodes', columns, rows, notes } }
  } finally {
    for (const server of servers) await server.stop()
    writeChains(chainsFile, files.flatMap(readChains))
  }
}
