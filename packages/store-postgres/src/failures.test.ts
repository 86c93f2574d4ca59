import { brokenAuditRow, type Store } from '@countersign/store'
import * as given from '@countersign/store/given'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Cluster, startCluster } from './testing/cluster.ts'
import { startCuttingProxy } from './testing/cutting-proxy.ts'
import { runSql } from './testing/schemas.ts'
import { withNodes } from './testing/stores.ts'

/** Servers are stopped and started here: a busy machine needs its time. */
const patience = { timeout: 120_000 }

/** In which a database that does nothing is given up; long enough for one that works, on a busy machine. */
const shortPatienceMs = 1_500

let cluster: Cluster

beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster.discard())

const unavailable = (message: RegExp) => ({ name: 'StoreUnavailable', message: expect.stringMatching(message) })

/** Logs in again and again until the database is away; the logins that were acknowledged. */
async function logInUntilAway(
  store: Store,
  user: given.Login['user'],
): Promise<{ acknowledged: given.Login[]; error: unknown }> {
  const acknowledged: given.Login[] = []
  for (;;) {
    const some = await Promise.allSettled(Array.from({ length: 8 }, () => given.login(store, { user })))
    for (const one of some) if (one.status === 'fulfilled') acknowledged.push(one.value)
    const refused = some.find(one => one.status === 'rejected')
    if (refused !== undefined) return { acknowledged, error: refused.reason }
  }
}

async function untilBack(store: Store): Promise<void> {
  await expect
    .poll(
      () =>
        store.loadIssuer().then(
          () => true,
          () => false,
        ),
      { timeout: 60_000 },
    )
    .toBe(true)
}

describe.each(['fast', 'immediate'] as const)(
  'a database that is stopped in the middle (%s) and started again',
  mode => {
    afterEach(async () => {
      await cluster.start().catch(() => {})
    })

    test(
      'costs nothing that was acknowledged, is said as a failure, and the same store goes on',
      patience,
      async () => {
        await withNodes(cluster.url, async ({ open, clock }) => {
          const store = await open()
          const user = await given.user(store)
          const revoked = await given.login(store, { user })
          const until = Math.floor(clock.now() / 1000) + 900
          await store.commit(given.change([], { entries: [{ kind: 'family', id: revoked.family.id, until }] }))
          const loggingIn = logInUntilAway(store, user)
          await given.login(store)
          await cluster.stop(mode)
          const { acknowledged, error } = await loggingIn
          expect(error).toMatchObject(unavailable(/database/))
          await expect(store.loadFamily(revoked.family.id)).rejects.toMatchObject(
            unavailable(/cannot be reached|was lost/),
          )
          await expect(store.feed.snapshot()).rejects.toMatchObject(unavailable(/database/))
          await cluster.start()
          await untilBack(store)
          expect(acknowledged.length).toBeGreaterThan(0)
          for (const { family } of acknowledged) expect((await store.loadFamily(family.id))?.family).toEqual(family)
          expect((await store.feed.snapshot()).entries).toMatchObject([{ kind: 'family', id: revoked.family.id }])
          expect(brokenAuditRow(await store.readAudit(0, 100_000))).toBeUndefined()
          await given.login(store, { user })
        })
      },
    )
  },
)

test('a database that stands still is given up in time, and used again when it goes on', patience, async () => {
  await withNodes(cluster.url, async ({ open }) => {
    await open()
    const store = await open({ patienceMs: shortPatienceMs })
    const { family } = await given.login(store)
    cluster.pause()
    try {
      await expect(store.loadFamily(family.id)).rejects.toMatchObject(unavailable(/in time/))
      await expect(given.user(store)).rejects.toMatchObject(unavailable(/in time|was lost/))
    } finally {
      cluster.resume()
    }
    await untilBack(store)
    expect((await store.loadFamily(family.id))?.family).toEqual(family)
  })
})

test('a wire that swallows what comes back is a failure, never a refusal', patience, async () => {
  const proxy = await startCuttingProxy(cluster.port)
  await withNodes(cluster.url, async ({ open, clock }) => {
    // With all the patience that migrations need.
    await open()
    const store = await open({ url: proxy.url, patienceMs: shortPatienceMs })
    const { token } = await given.login(store)
    clock.advance(60)
    proxy.swallowAnswers()
    await expect(given.redeem(store, token)).rejects.toMatchObject(unavailable(/in time/))
  }).finally(proxy.close)
})

test('a commit whose answer was lost is a failure; loading again finds out that it was made', patience, async () => {
  const proxy = await startCuttingProxy(cluster.port)
  await withNodes(cluster.url, async ({ open }) => {
    const [store, beside] = [await open({ url: proxy.url, listenUrl: null, every: () => () => {} }), await open()]
    const { user, family } = await given.login(store)
    proxy.cutAtCommit()
    const record = { event: 'user.disabled', time: 1, userId: user.id } as const
    const change = given.change([{ table: 'user', row: { ...user, disabledAt: 1 } }], { audit: [record] })
    await expect(store.commit(change)).rejects.toMatchObject(unavailable(/was lost/))
    expect((await store.loadUser(user.id)).user).toMatchObject({ disabledAt: 1, version: 2 })
    expect(await beside.commit(change)).toBe('conflict')
    expect((await beside.readAudit(0, 10)).filter(row => row.record.event === 'user.disabled')).toHaveLength(1)
    expect((await store.loadFamily(family.id))?.family).toEqual(family)
  }).finally(proxy.close)
})

test('connections that are all in use are waited for, and not for ever', patience, async () => {
  await withNodes(cluster.url, async ({ open, schema }) => {
    const store = await open({ connections: 2, patienceMs: shortPatienceMs, listenUrl: null, every: () => () => {} })
    const users = [await given.user(store), await given.user(store)]
    const holder = new pg.Client({ connectionString: cluster.url })
    await holder.connect()
    await holder.query(`BEGIN; SELECT FROM "${schema}".user FOR UPDATE`)
    // Each on a connection of its own: what need not be durable is not put together. Those behind take the connections over before the last one has lost its patience.
    const stuck = [...users, ...users].map(row =>
      store.commit(given.change([{ table: 'user', row }], { durable: false })),
    )
    const outcomes = Promise.allSettled([...stuck, store.loadIssuer()])
    expect(await outcomes).toMatchObject([
      ...stuck.map(() => ({ reason: unavailable(/in time/) })),
      { reason: unavailable(/no connection to the database became free in time/) },
    ])
    await holder.query('ROLLBACK')
    await holder.end()
    await untilBack(store)
    expect((await store.loadUser(users[0]?.id ?? '')).user?.version).toBe(1)
  })
})

test(
  'a node that dies in the middle of a transaction leaves nothing of it, and its locks go with it',
  patience,
  async () => {
    await withNodes(cluster.url, async ({ open, schema }) => {
      const store = await open()
      const user = await given.user(store)
      const dying = new pg.Client({ connectionString: cluster.url })
      dying.on('error', () => {})
      await dying.connect()
      await dying.query(`BEGIN; UPDATE "${schema}".user SET epoch = 99, version = 99`)
      const writing = store.commit(given.change([{ table: 'user', row: user }]))
      ;(dying as unknown as { connection: { stream: { destroy: () => void } } }).connection.stream.destroy()
      expect(await writing).toBe('committed')
      expect((await store.loadUser(user.id)).user).toMatchObject({ epoch: 1, version: 2 })
    })
  },
)

test(
  'a standby decides nothing: no store opens on it, and one that was given both hosts goes on once it is promoted',
  patience,
  async () => {
    const standby = await startCluster({ standbyOf: cluster })
    const schema = 'countersign'
    const both = `postgres://postgres@127.0.0.1:${standby.port},127.0.0.1:${cluster.port}/postgres`
    try {
      await withNodes(cluster.url, async ({ open }) => {
        await given.login(await open())
        await expect(open({ url: standby.url })).rejects.toMatchObject(unavailable(/standby|tables are missing/))
      })
      await withNodes(both, async ({ open }) => {
        const store = await open({ schema })
        const { family, user } = await given.login(store)
        await expect.poll(() => countOf(standby, schema), { timeout: 60_000 }).toBe(1)
        await expect(open({ schema, url: standby.url })).rejects.toMatchObject(unavailable(/standby/))
        await cluster.stop('immediate')
        await expect(store.loadIssuer()).rejects.toMatchObject(unavailable(/standby|cannot be reached|was lost/))
        standby.run('pg_ctl', ['-D', `${standby.folder}/data`, '-w', 'promote'])
        await untilBack(store)
        expect((await store.loadFamily(family.id))?.user.id).toBe(user.id)
        expect(await store.readAudit(0, 10)).toHaveLength(1)
        await given.login(store, { user })
      })
    } finally {
      await standby.discard()
      await cluster.start()
    }
  },
)

function countOf(server: Cluster, schema: string): Promise<unknown> {
  return runSql(server.url, `SELECT count(*)::integer FROM "${schema}".family`).then(
    rows => rows[0]?.[0],
    () => undefined,
  )
}

test('a role that may not write says so', patience, async () => {
  await withNodes(cluster.url, async ({ open, schema }) => {
    const store = await open()
    await runSql(
      cluster.url,
      `DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN; GRANT USAGE ON SCHEMA "${schema}" TO reader;
       GRANT ALL ON ALL TABLES IN SCHEMA "${schema}" TO reader; REVOKE INSERT, UPDATE ON "${schema}".user FROM reader`,
    )
    const user = await given.user(store)
    const reading = await open({ url: cluster.url.replace('postgres@', 'reader@') })
    await expect(reading.commit(given.change([{ table: 'user', row: user }]))).rejects.toMatchObject(
      unavailable(/may not do what is needed \(SQLSTATE 42501\)/),
    )
    await runSql(cluster.url, `DROP OWNED BY reader`)
  })
})

test('what no column can hold is a mistake of the caller, and leaves those beside it alone', patience, async () => {
  await withNodes(cluster.url, async ({ open }) => {
    const store = await open()
    const logins = await Promise.all(Array.from({ length: 3 }, () => given.login(store)))
    const outcomes = await Promise.allSettled(
      logins.map(({ family }, index) => {
        const row = { ...family, scope: index === 1 ? 'a\0b' : 'account' }
        return store.commit(given.change([{ table: 'family', row }], { durable: false }))
      }),
    )
    expect(outcomes).toMatchObject([
      { value: 'committed' },
      { reason: { name: 'TypeError', message: expect.not.stringContaining('a\0b') } },
      { value: 'committed' },
    ])
  })
})
