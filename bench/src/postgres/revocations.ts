import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { figure } from '../harness/workload.ts'
import { runLoad } from '../load/run.ts'
import { type Measured, readChains, type Scene } from './scene.ts'

/** Logouts by token (RFC 7009), many at once: each is on the disk, and has its number in the feed, before it is answered. */
export async function revocations({ settings, cluster, ours }: Scene): Promise<Measured> {
  const { system, chainsFile } = await ours()
  const valuesFile = join(settings.folder, 'revoked.json')
  writeFileSync(valuesFile, JSON.stringify(readChains(chainsFile).map(({ refreshToken }) => refreshToken)))
  const server = await system.start()
  try {
    const rows: string[][] = []
    for (const connections of [1, settings.connections]) {
      const result = await runLoad({
        kind: 'calls',
        url: system.address,
        method: 'POST',
        path: '/revoke',
        headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
        body: `client_id=${system.clientId}&token={value}`,
        valuesFile,
        once: true,
        good: { status: 200, text: '' },
        connections,
        warmSeconds: 0.5,
        seconds: Math.min(settings.seconds, 3),
        serverPid: server.pid,
        databasePid: cluster.pid(),
      })
      const each = (core: number | null): string => figure(((core ?? Number.NaN) / result.perSecond) * 1e6)
      rows.push([
        `${connections} at once`,
        figure(result.perSecond),
        figure(result.p50Ms, 1),
        figure(result.p99Ms, 1),
        each(result.cpu.server),
        each(result.cpu.database),
      ])
    }
    const columns = ['', 'per second', 'p50 ms', 'p99 ms', 'µs of core each', 'µs of PostgreSQL each']
    const notes = ['Each ends a login by POST /revoke; it is answered once it is on the disk and numbered in the feed.']
    return { table: { title: 'Revocations on PostgreSQL', columns, rows, notes } }
  } finally {
    await server.stop()
  }
}
