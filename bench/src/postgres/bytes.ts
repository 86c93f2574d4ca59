import { openPostgresStore } from '@countersign/store-postgres'
import { runSql } from '@countersign/store-postgres/testing/schemas'
import { figure } from '../harness/workload.ts'
import { fill } from './fill.ts'
import type { Measured, Scene } from './scene.ts'

const atOnce = 256
const tellEveryMs = 10_000

/** What logins take on the disk after many refreshes of each, so that the free places that updates need are counted. */
export async function bytes({ settings, ours, families, rotations }: Scene): Promise<Measured> {
  const { databaseUrl: url } = await ours()
  const logins = families.at(-1) ?? 0
  await fill(url, logins, settings.progress)
  const done = await rotate(url, rotations, settings.progress)
  const sizes = await runSql(
    url,
    `SELECT c.relname, s.n_live_tup, pg_total_relation_size(c.oid), pg_indexes_size(c.oid), s.n_tup_upd, s.n_tup_hot_upd
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_stat_user_tables s ON s.relid = c.oid
     WHERE n.nspname = 'countersign' AND c.relname IN ('session', 'family', 'audit', 'user', 'identity') ORDER BY 3 DESC`,
  )
  const rows = sizes.map(([name, count, total, indexes, updates, hot]) => [
    String(name),
    figure(Number(count)),
    figure(Number(total) / 2 ** 20, 1),
    figure(Number(indexes) / 2 ** 20, 1),
    figure(Number(total) / Number(count)),
    Number(updates) > 0 ? `${figure((100 * Number(hot)) / Number(updates), 1)} %` : '–',
  ])
  const columns = ['table', 'rows', 'MiB', 'of these indexes', 'bytes a row', 'heap-only updates']
  const notes = [
    `${figure(logins)} logins, of which most are copies of such as were made through the server, under ids of their own; the audit log has those of the originals alone, two rows of each.`,
    `Then ${figure(done.count)} rotations of families at random, by the store itself and beside each other (no HTTP, no signature), in ${figure(done.seconds)} s: ${done.wasEnough ? 'all that were wanted' : `as many as ${figure(rotations.minutes)} minutes allowed, of ${figure(rotations.count)}`}. ${figure(done.count / done.seconds)} a second.`,
  ]
  return { table: { title: 'What logins take on PostgreSQL', columns, rows, notes } }
}

interface Rotated {
  readonly count: number
  readonly seconds: number
  /** Else the time was up. */
  readonly wasEnough: boolean
}

/** Reads and writes as a refresh does (row 5 of the rule), family by family, chosen at random. */
async function rotate(url: string, wanted: Scene['rotations'], progress: (text: string) => void): Promise<Rotated> {
  const ids = await runSql(url, `SELECT replace(id::text, '-', '') FROM countersign.family`)
  const store = await openPostgresStore({
    url,
    listenUrl: null,
    seed: { incarnation: 'benchmark' },
    sealPersonal: () => null,
  })
  const began = performance.now()
  const ends = began + wanted.minutes * 60_000
  let [count, told] = [0, began]
  const work = async (): Promise<void> => {
    while (count < wanted.count && performance.now() < ends) {
      const id = Buffer.from(String(ids[Math.floor(Math.random() * ids.length)]?.[0]), 'hex').toString('base64url')
      const found = await store.loadFamily(id)
      if (found === undefined) throw new Error('a family is missing')
      const row = { ...found.family, generation: found.family.generation + 1, rotatedAt: found.now }
      const change = { writes: [{ table: 'family' as const, row }], audit: [], entries: [], durable: false }
      if ((await store.commit({ ...change, time: found.now })) === 'committed') count++
      if (performance.now() - told < tellEveryMs) continue
      told = performance.now()
      progress(`${figure(count)} rotations`)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  await store.close()
  return { count, seconds: (performance.now() - began) / 1000, wasEnough: count >= wanted.count }
}
