import { runSql } from '@countersign/store-postgres/testing/schemas'
import { atMost, figure, median } from '../harness/workload.ts'
import { runLoad } from '../load/run.ts'
import type { LoadResult } from '../load/task.ts'
import { fill } from './fill.ts'
import { type Measured, type Ours, refreshing, type Scene } from './scene.ts'

/** What a refresh costs, as tables grow. */
export async function growth(scene: Scene): Promise<Measured> {
  const { settings, logins } = scene
  const ours = await scene.ours()
  const rows: string[][] = []
  const costs: number[] = []
  const sizes = [...new Set([logins, ...scene.families.filter(size => size > logins)])]
  for (const size of sizes) {
    await fill(ours.databaseUrl, size, settings.progress)
    const rounds = await refreshAt(scene, ours)
    const middle = (of: (one: LoadResult) => number): number => median(rounds.map(of)) ?? Number.NaN
    const node = middle(one => ((one.cpu.server ?? Number.NaN) / one.perSecond) * 1e6)
    const postgres = middle(one => ((one.cpu.database ?? Number.NaN) / one.perSecond) * 1e6)
    costs.push(node + postgres)
    const bytes = await runSql(
      ours.databaseUrl,
      `SELECT pg_total_relation_size('countersign.family'), pg_indexes_size('countersign.family'),
         pg_total_relation_size('countersign.session'), pg_indexes_size('countersign.session')`,
    )
    rows.push([
      figure(size),
      figure(middle(one => one.perSecond)),
      figure(
        middle(one => one.p50Ms),
        1,
      ),
      figure(
        middle(one => one.p99Ms),
        1,
      ),
      figure(node),
      figure(postgres),
      ...(bytes[0] ?? []).map(value => figure(Number(value) / 2 ** 20, 1)),
    ])
    settings.progress(`${figure(size)} families · ${rows.at(-1)?.[1]}/s`)
  }
  const columns = [
    'families',
    'refreshes per second',
    'p50 ms',
    'p99 ms',
    'µs of core each',
    'µs of PostgreSQL each',
    'family MiB',
    'of these indexes',
    'session MiB',
    'of these indexes',
  ]
  const notes = [
    `The ${figure(logins)} logins that were made through the server are refreshed in turn; the rest are copies of them under random ids, so that theirs lie among all others in the indexes.`,
  ]
  const what = `Processor time of a refresh at ${figure(sizes.at(-1))} families over that at ${figure(sizes[0])}`
  const aim = atMost(what, 1.2, (costs.at(-1) ?? Number.NaN) / (costs[0] ?? Number.NaN), '×', 2)
  return { table: { title: 'Refresh as tables grow', columns, rows, notes }, aims: [{ ...aim, aim: '≤ 1.2×' }] }
}

async function refreshAt({ settings, cluster }: Scene, { system, chainsFile }: Ours): Promise<LoadResult[]> {
  const server = await system.start()
  const rounds: LoadResult[] = []
  try {
    for (let round = 0; round < settings.rounds; round++) {
      rounds.push(
        await runLoad({
          ...refreshing(system.address, chainsFile, system.clientId),
          connections: settings.connections,
          warmSeconds: 1.5,
          seconds: settings.seconds,
          serverPid: server.pid,
          databasePid: cluster.pid(),
        }),
      )
    }
  } finally {
    await server.stop()
  }
  return rounds
}
