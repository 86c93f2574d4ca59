import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Store } from '@countersign/store'
import * as given from '@countersign/store/given'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { pauseMs } from './feed.ts'
import { feedChannel } from './sequencer.ts'
import { inSchema, lockNumber } from './statements.ts'
import { type Cluster, startCluster } from './testing/cluster.ts'
import { runSql } from './testing/schemas.ts'
import { withNodes } from './testing/stores.ts'
import { type Every, everyInterval } from './timers.ts'

let cluster: Cluster

beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster.discard())

/** A node that looks when it is told to, and not by itself. */
const neverLooks: Every = (milliseconds, action) =>
  milliseconds === pauseMs ? everyInterval(milliseconds, action) : () => {}

async function revoke(store: Store, clock: given.TestClock, id: string): Promise<void> {
  const until = Math.floor(clock.now() / 1000) + 900
  await store.commit(given.change([], { entries: [{ kind: 'token', id, until }] }))
}

/** Resolves when the feed calls back and its newest entry has this number. */
function heard(store: Store, number: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = store.feed.subscribe(() => {
      store.feed.snapshot().then(batch => {
        if (batch.number < number) return
        stop()
        resolve()
      }, reject)
    })
  })
}

test('a node hears of what another has revoked by its message, without looking', async () => {
  await withNodes(cluster.url, async ({ open, clock }) => {
    const [here, there] = [await open(), await open({ every: neverLooks })]
    for (let number = 1; number <= 3; number++) {
      const hearing = heard(there, number)
      await revoke(here, clock, `${number}`)
      await hearing
    }
  })
})

test.each(['9007199254740991', 'x', 'Infinity', ''])(
  'a message that somebody else sends (%j) keeps no later one from being heard',
  async payload => {
    await withNodes(cluster.url, async ({ open, clock, schema }) => {
      const [here, there] = [await open(), await open({ every: neverLooks })]
      await heardOfFirst(here, there, clock)
      // The server hands messages on in the order in which they were sent.
      await runSql(cluster.url, `NOTIFY "${feedChannel(schema)}", '${payload}'`)
      for (const number of [2, 3]) {
        const hearing = heard(there, number)
        await revoke(here, clock, `${number}`)
        await hearing
      }
    })
  },
)

test('a message that says what a node has read already calls nobody; any other may be news, and does not count as such', async () => {
  await withNodes(cluster.url, async ({ open, clock, schema }) => {
    const [here, there] = [await open(), await open({ every: neverLooks })]
    await heardOfFirst(here, there, clock)
    let calls = 0
    there.feed.subscribe(() => calls++)
    const say = (number: number): Promise<unknown> =>
      runSql(cluster.url, `NOTIFY "${feedChannel(schema)}", '${number}'`)
    for (const known of [1, 0, -5]) await say(known)
    // Handed on in the order in which they were sent: what came before this one has been heard.
    await say(2)
    await expect.poll(() => calls).toBe(1)
    const hearing = heard(there, 2)
    await revoke(here, clock, 'second')
    await hearing
    expect(calls).toBeGreaterThanOrEqual(2)
  })
})

test('a flood of messages that bring nothing new wakes nobody without pause, and the true one among them is heard of after one', async () => {
  await withNodes(cluster.url, async ({ open, clock, schema }) => {
    let pass: (() => void) | undefined
    const every: Every = (milliseconds, action) => {
      if (milliseconds === pauseMs) pass = action
      return () => {
        if (pass === action) pass = undefined
      }
    }
    const [here, there] = [await open(), await open({ every })]
    await heardOfFirst(here, there, clock)
    let [calls, pauses, newest] = [0, 0, 1]
    there.feed.subscribe(() => {
      calls++
      void there.feed.snapshot().then(({ number }) => {
        newest = number
      })
    })
    const forged = `NOTIFY "${feedChannel(schema)}", '9007199254740991'`
    await runSql(cluster.url, forged)
    await expect.poll(() => calls).toBe(1)
    for (let n = 0; n < 10; n++) await runSql(cluster.url, Array(100).fill(forged).join(';BEGIN;COMMIT;'))
    await revoke(here, clock, 'second')
    const afterPause = (): number => {
      if (pass !== undefined) pauses++
      pass?.()
      return newest
    }
    await expect.poll(afterPause).toBe(2)
    // One after each pause; what was new is one more, and after it a message is believed again.
    expect(calls).toBeLessThanOrEqual(1 + pauses + 2)
  })
})

test('a node that hears no message looks by itself', async () => {
  await withNodes(cluster.url, async ({ open, clock }) => {
    const [here, there] = [await open(), await open({ listenUrl: null })]
    const hearing = heard(there, 1)
    await revoke(here, clock, 'jti')
    await hearing
  })
})

test('a connection that listens and is cut is made again, and what came meanwhile is heard of', async () => {
  await withNodes(cluster.url, async ({ open, clock }) => {
    const [here, there] = [await open({ listenUrl: null }), await open()]
    await heardOfFirst(here, there, clock)
    const hearing = heard(there, 2)
    await runSql(
      cluster.url,
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'countersign feed'",
    )
    await revoke(here, clock, 'second')
    await hearing
  })
})

async function heardOfFirst(here: Store, there: Store, clock: given.TestClock): Promise<void> {
  const hearing = heard(there, 1)
  await revoke(here, clock, 'first')
  await hearing
}

test('what a node left without a number when it died, the next look of another numbers', async () => {
  await withNodes(cluster.url, async ({ open, schema }) => {
    const there = await open()
    const hearing = heard(there, 1)
    // As a node leaves it that dies between its commit and the numbers.
    await runSql(
      cluster.url,
      `INSERT INTO "${schema}".entry_unnumbered (kind, id, until) VALUES ('token', 'left', 99999999999);
       INSERT INTO "${schema}".audit_unnumbered (body) VALUES ('"record":{"event":"token.revoked","time":1},"sealedPersonal":null')`,
    )
    await hearing
    expect((await there.feed.snapshot()).entries).toMatchObject([{ id: 'left' }])
    const numbered = async () => (await runSql(cluster.url, `SELECT count(*)::integer FROM "${schema}".audit`))[0]?.[0]
    await expect.poll(numbered, { timeout: 20_000 }).toBe(1)
  })
})

test('a sequencer that is killed in the middle holds nobody up, and leaves no gap', async () => {
  await withNodes(cluster.url, async ({ open, clock, schema }) => {
    const store = await open()
    await revoke(store, clock, 'first')
    const dying = new pg.Client({ connectionString: cluster.url })
    dying.on('error', () => {})
    await dying.connect()
    await dying.query(`BEGIN; LOCK TABLE "${schema}".numbering IN EXCLUSIVE MODE`)
    await dying.query(`INSERT INTO "${schema}".entry VALUES (2, 'token', 'taken back', NULL, NULL, 99999999999)`)
    const revoking = revoke(store, clock, 'second')
    const waiting = async () =>
      (
        await runSql(cluster.url, "SELECT count(*)::integer FROM pg_locks WHERE locktype = 'relation' AND NOT granted")
      )[0]?.[0]
    await expect.poll(waiting, { timeout: 20_000 }).toBeGreaterThan(0)
    await runSql(cluster.url, `SELECT pg_terminate_backend(${(dying as unknown as { processID: number }).processID})`)
    await revoking
    const { number, entries } = await store.feed.snapshot()
    expect([number, entries.map(({ id }) => id)]).toEqual([2, ['first', 'second']])
  })
})

test('another role of the database, which may do nothing but connect, keeps no revocation from anybody', async () => {
  await withNodes(cluster.url, async ({ open, clock, schema }) => {
    const [here, there] = [await open(), await open()]
    await heardOfFirst(here, there, clock)
    await runSql(cluster.url, 'CREATE ROLE neighbour LOGIN')
    const neighbour = new pg.Client({ connectionString: cluster.url.replace('postgres@', 'neighbour@') })
    await neighbour.connect()
    try {
      await neighbour.query(`SELECT pg_advisory_lock(${lockNumber(schema, 'sequence')})`)
      await expect(neighbour.query(`BEGIN; LOCK TABLE "${schema}".numbering`)).rejects.toMatchObject({ code: '42501' })
      const hearing = heard(there, 2)
      await revoke(here, clock, 'second')
      await hearing
      expect((await there.feed.snapshot()).entries.map(({ id }) => id)).toEqual(['first', 'second'])
    } finally {
      await neighbour.end()
    }
  })
})

test('a database that is given a new history ends the nodes that know the old one, and the next begin with it', async () => {
  await withNodes(cluster.url, async ({ open, schema }) => {
    const lost: string[] = []
    const store = await open({ onLost: failure => lost.push(failure.message) })
    const script = readFileSync(join(import.meta.dirname, 'testing/new-history.sql'), 'utf8')
    await runSql(cluster.url, inSchema(schema, script))
    await expect.poll(() => lost, { timeout: 20_000 }).toHaveLength(1)
    await expect(store.loadIssuer()).rejects.toMatchObject({ name: 'StoreUnavailable', message: lost[0] })
    const again = await open()
    const { issuer, keyRing } = await again.loadIssuer()
    expect(again.feed.incarnation).toMatch(/^[0-9a-f]{32}$/)
    expect(issuer).toMatchObject({ incarnation: again.feed.incarnation, restoredAt: expect.any(Number), version: 2 })
    expect(await again.commit(given.change([{ table: 'issuer', row: issuer }]))).toBe('committed')
    expect(keyRing.version).toBe(1)
  })
})

test.each([
  ['numbers have gone back', []],
  ['other entries have been given the numbers since', ['a', 'b', 'c']],
])('a database that has lost entries which a node had read (%s) ends that node', async (_how, since) => {
  await withNodes(cluster.url, async ({ open, clock, schema }) => {
    const lost: string[] = []
    let look = () => {}
    const store = await open({
      listenUrl: null,
      onLost: failure => lost.push(failure.message),
      every: (_milliseconds, action) => {
        look = action
        return () => {}
      },
    })
    for (const id of ['1', '2', '3', '4', '5']) await revoke(store, clock, id)
    await store.feed.snapshot()
    // As a standby that lagged and was promoted.
    await runSql(cluster.url, `DELETE FROM "${schema}".entry WHERE number > 3`)
    const other = await open({ listenUrl: null })
    for (const id of since) await revoke(other, clock, id)
    await expect(other.feed.snapshot()).resolves.toMatchObject({ number: 3 + since.length })
    look()
    await expect.poll(() => lost).toEqual([expect.stringContaining('has lost entries that this node had read')])
    await expect(store.feed.snapshot()).rejects.toMatchObject({ name: 'StoreUnavailable', message: lost[0] })
  })
})

test('what a message says of numbers, and entries that are forgotten, are no other history', async () => {
  await withNodes(cluster.url, async ({ open, clock, schema }) => {
    const store = await open({ onLost: failure => expect.fail(failure.message) })
    for (const id of ['1', '2', '3']) await revoke(store, clock, id)
    expect((await store.feed.snapshot()).number).toBe(3)
    await runSql(cluster.url, `SELECT pg_notify('countersign ${schema} feed', '9000')`)
    clock.advance(1_000)
    await revoke(store, clock, '4')
    clock.advance(1_000)
    await store.sweep({ keepEndedSeconds: 0, rowsAtMost: 100 })
    expect((await store.feed.snapshot()).number).toBe(4)
  })
})
