import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import * as given from '@countersign/store/given'
import { expect, test } from 'vitest'
import { openPostgresStore } from './open-postgres-store.ts'
import { startCluster } from './testing/cluster.ts'

const atOnce = 12
const rounds = 600
const bytesAtMost = 3_000_000

test('what a read and a rotation bring is gone with the next scavenges: nothing that is given up holds on to what came after it', async () => {
  const cluster = await startCluster()
  try {
    const options = { ...given.storeOptions(given.clock()), url: cluster.url, listenUrl: null, every: () => () => {} }
    const store = await openPostgresStore(options)
    const client = await given.client(store)
    const logins = await Promise.all(Array.from({ length: atOnce }, () => given.login(store, { client })))
    const refresh = async (id: string): Promise<void> => {
      const found = await store.loadFamily(id)
      if (found === undefined) throw new Error('the family is missing')
      const writes = [{ table: 'family' as const, row: { ...found.family, generation: found.family.generation + 1 } }]
      expect(await store.commit({ writes, audit: [], entries: [], durable: false, time: found.now })).toBe('committed')
    }
    const refreshAll = async (times: number): Promise<void> => {
      for (let n = 0; n < times; n++) await Promise.all(logins.map(({ family }) => refresh(family.id)))
    }
    const collect = garbageCollector()
    // What lives longer is in V8's old space by then.
    await refreshAll(rounds)
    collect()
    await refreshAll(rounds)
    collect({ type: 'minor' })
    collect({ type: 'minor' })
    const left = heapBytes()
    collect()
    expect(left - heapBytes()).toBeLessThan(bytesAtMost)
    await store.close()
  } finally {
    await cluster.discard()
  }
})

function garbageCollector(): NodeJS.GCFunction {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as NodeJS.GCFunction
}

function heapBytes(): number {
  const spaces = getHeapSpaceStatistics().filter(({ space_name }) => /^(new|old)_space$/.test(space_name))
  return spaces.reduce((sum, { space_used_size }) => sum + space_used_size, 0)
}
