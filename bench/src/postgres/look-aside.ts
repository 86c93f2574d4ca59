import { deserialize, serialize } from 'node:v8'
import * as given from '@countersign/store/given'
import { openPostgresStore } from '@countersign/store-postgres'
import { openLane } from '@countersign/store-valkey'
import { startValkey } from '@countersign/store-valkey/testing/valkey-server'
import { databaseProcessorSeconds } from '../harness/processor.ts'
import { figure, quantile } from '../harness/workload.ts'
import { database, type Measured, type Scene } from './scene.ts'

/** What would answer a refresh's read. */
interface Source {
  readonly name: string
  readonly read: (index: number) => Promise<unknown>
}

/**
 * What a look-aside for sessions could save (docs/decisions/0020): a refresh's read on PostgreSQL, beside a copy of the same rows in Valkey, alone and with
 * the read that would still have to go to the database before the copy could be believed. Reads alone, from this process.
 */
export async function lookAside({ cluster, settings }: Scene): Promise<Measured> {
  const count = settings.short ? 200 : 5_000
  const valkey = await startValkey()
  const clock = given.clock()
  const store = await openPostgresStore({ ...given.storeOptions(clock), url: database(cluster, 'look_aside') })
  const lane = openLane({ url: valkey.url, patienceMs: 5_000 })
  try {
    while (!lane.isThere()) await new Promise(setImmediate)
    const client = await given.client(store)
    const logins: given.Login[] = []
    while (logins.length < count) {
      logins.push(...(await Promise.all(Array.from({ length: 50 }, () => given.login(store, { client })))))
    }
    for (const [index, { family }] of logins.entries()) {
      const copy = serialize(await store.loadFamily(family.id))
      await lane.ask(asked => asked.set(`copy ${index}`, copy))
    }
    const inValkey = async (index: number): Promise<unknown> => {
      const found = await lane.ask(asked => asked.getBuffer(`copy ${index}`))
      return deserialize(found?.answer as Buffer)
    }
    const sources: Source[] = [
      { name: 'PostgreSQL', read: index => store.loadFamily(logins[index]?.family.id as string) },
      { name: 'Valkey, believed', read: inValkey },
      {
        name: 'Valkey, and the user from PostgreSQL',
        async read(index) {
          await inValkey(index)
          return store.loadUser(logins[index]?.user.id as string)
        },
      },
    ]
    const rows: string[][] = []
    for (const source of sources) {
      for (const atOnce of [1, settings.connections]) {
        rows.push([
          source.name,
          ...(await measure(source, { atOnce, count, seconds: settings.seconds, pid: cluster.pid() })),
        ])
      }
    }
    const columns = [
      'read from',
      'at once',
      'per second',
      'p50 ms',
      'p99 ms',
      'µs of core each',
      'µs of PostgreSQL each',
    ]
    const notes = [
      `${figure(count)} logins, read in turn: family, session, user, client, epochs. Valkey's own time is not in it.`,
    ]
    return { table: { title: "A refresh's read, and a copy of it", columns, rows, notes } }
  } finally {
    await lane.close()
    await store.close()
    await valkey.discard()
  }
}

async function measure(
  { read }: Source,
  { atOnce, count, seconds, pid }: { atOnce: number; count: number; seconds: number; pid: number },
): Promise<string[]> {
  let next = 0
  async function run(forMs: number): Promise<number[]> {
    const took: number[] = []
    const until = performance.now() + forMs
    const work = async (): Promise<void> => {
      while (performance.now() < until) {
        const began = performance.now()
        if ((await read(next++ % count)) === undefined) throw new Error('nothing was read')
        took.push(performance.now() - began)
      }
    }
    await Promise.all(Array.from({ length: atOnce }, work))
    return took
  }
  await run(1_000)
  const [began, core, databaseCore] = [performance.now(), process.cpuUsage(), databaseProcessorSeconds(pid)]
  const took = await run(seconds * 1_000)
  const lasted = (performance.now() - began) / 1_000
  const { user, system } = process.cpuUsage(core)
  const ofDatabase = (databaseProcessorSeconds(pid) ?? Number.NaN) - (databaseCore ?? Number.NaN)
  return [
    figure(atOnce),
    figure(took.length / lasted),
    figure(quantile(took, 0.5), 2),
    figure(quantile(took, 0.99), 2),
    figure((user + system) / took.length),
    figure((ofDatabase / took.length) * 1e6),
  ]
}
