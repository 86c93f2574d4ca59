import * as given from '@countersign/store/given'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDatabase } from './database.ts'
import { familyTable } from './families.ts'
import { openReads } from './reads.ts'
import { openRotations } from './rotations.ts'
import type { VersionedTable } from './row-writes.ts'
import { sessionTable } from './sessions.ts'
import { type Statement, statementsIn } from './statements.ts'
import { type Cluster, startCluster } from './testing/cluster.ts'
import { runSql } from './testing/schemas.ts'
import { withNodes } from './testing/stores.ts'
import { userTable } from './users.ts'

let cluster: Cluster

beforeAll(async () => {
  // Nothing else writes, and what need not be on the disk is left where it is for a while.
  const settings = ['autovacuum=off', 'wal_writer_delay=10s', 'wal_level=minimal', 'max_wal_senders=0']
  cluster = await startCluster({ settings })
})
afterAll(() => cluster.discard())

async function numberOf(text: string): Promise<number> {
  return (await runSql(cluster.url, text))[0]?.[0] as number
}

test('rotations write no index: more than 95 % of them are heap-only updates', async () => {
  let measured = ''
  await withNodes(cluster.url, async ({ open, clock, schema }) => {
    const store = await open()
    const client = await given.client(store)
    const logins = await Promise.all(Array.from({ length: 100 }, () => given.login(store, { client })))
    for (let generation = 0; generation < 40; generation++) {
      clock.advance(60)
      await Promise.all(logins.map(({ family }) => given.redeem(store, given.token(family, generation))))
    }
    measured = schema
  })
  const of = (column: string) =>
    `SELECT coalesce(sum(${column}), 0)::integer FROM pg_stat_user_tables WHERE schemaname = '${measured}' AND relname = 'family'`
  await expect.poll(() => numberOf(of('n_tup_upd')), { timeout: 20_000 }).toBe(4000)
  expect(await numberOf(of('n_tup_hot_upd'))).toBeGreaterThan(0.95 * 4000)
})

test('a refresh is one read and one conditional write, each row by its primary key, however many there are', async () => {
  await withNodes(cluster.url, async ({ open, clock, schema }) => {
    const store = await open()
    const { family } = await given.login(store)
    const asked: { statement: Statement; values: readonly unknown[] }[] = []
    const database = openDatabase({ url: cluster.url, connections: 1, namedStatements: true, patienceMs: 5_000 })
    const counting = {
      ...database,
      query: (statement: Statement, values: readonly unknown[]) => {
        asked.push({ statement, values })
        return database.query(statement, values)
      },
    }
    const reads = openReads(counting, statementsIn(schema), clock.now)
    const rotate = openRotations(counting, statementsIn(schema))
    const [snapshot] = await reads.families([family.id])
    expect(await rotate(snapshot ? [{ ...snapshot.family, generation: 1 }] : [])).toEqual(['committed'])
    await database.close()

    const plansAreByKey = async (): Promise<void> => {
      const plans = await Promise.all(asked.map(({ statement, values }) => genericPlan(statement.text, values)))
      expect(plans).toHaveLength(2)
      for (const key of ['family_pkey', 'session_pkey', 'user_pkey'])
        expect(plans[0]).toMatch(`Index Scan using ${key}`)
      expect(plans[1]).toMatch(/Index Scan (using|on) family_pkey/)
      for (const plan of plans) expect(plan).not.toMatch(/Seq Scan on (family|session|user)/)
    }
    // A plan is kept for long: it may have been made when there was next to nothing.
    await plansAreByKey()
    await runSql(cluster.url, manyMore(schema))
    await plansAreByKey()
  })
})

test('what is asked again and again is planned a few times and not at each call, however many rows are asked for', async () => {
  await withNodes(cluster.url, async ({ open, clock, schema }) => {
    const store = await open({ listenUrl: null, every: () => () => {} })
    const logins = [await given.login(store), await given.login(store), await given.login(store)]
    const database = openDatabase({ url: cluster.url, connections: 1, namedStatements: true, patienceMs: 5_000 })
    const reads = openReads(database, statementsIn(schema), clock.now)
    for (let n = 0; n < 9; n++) {
      const some = logins.slice(0, 1 + (n % 3))
      await reads.families(some.map(({ family }) => family.id))
      await reads.sessions(some.map(({ session }) => session.id))
      await reads.sessionsOnly(some.map(({ session }) => session.id))
      await reads.sessionsOfUsers(some.map(({ user }) => user.id))
      await reads.usersById(some.map(({ user }) => user.id))
      await reads.clientsById(some.map(({ client }) => client.id))
      await reads.usersByIdentity(some.map(({ user }) => ({ connection: 'x', subject: user.id })))
    }
    const planned = await database.script(
      'SELECT custom_plans::integer, generic_plans::integer FROM pg_prepared_statements',
    )
    expect(planned).toEqual(Array.from({ length: 7 }, () => [5, 4]))
    await database.close()
  })
})

test('what waits for its number is found by the index: what was numbered since the last vacuum is not read', async () => {
  await withNodes(cluster.url, async ({ open, schema }) => {
    await open()
    for (const kind of ['entry', 'audit']) {
      const table = `"${schema}".${kind}_unnumbered`
      const lowest = await genericPlan(`SELECT min(place) FROM ${table} WHERE $1::boolean`, [true])
      const taken = await genericPlan(`DELETE FROM ${table} WHERE place >= $1 AND place < $1 + 1000`, [1])
      for (const plan of [lowest, taken])
        expect(plan).toMatch(new RegExp(`Index (Only )?Scan (using|on) ${kind}_unnumbered_pkey`))
    }
  })
})

/** Five thousand logins, and the statistics that say so. */
function manyMore(schema: string): string {
  const copies = (table: string, columns: string): string =>
    `CREATE TEMP TABLE more AS SELECT * FROM "${schema}".${table} CROSS JOIN generate_series(1, 5000);
     UPDATE more SET id = gen_random_uuid(); INSERT INTO "${schema}".${table} (${columns}) SELECT ${columns} FROM more;
     DROP TABLE more; ANALYZE "${schema}".${table};`
  const columnsOf = ({ key, born, changing }: VersionedTable): string =>
    [...key, ...born, ...changing, 'version'].join(', ')
  const user = columnsOf(userTable).replace('email_key, ', '')
  return `${copies('user', user)} ${copies('session', columnsOf(sessionTable))} ${copies('family', columnsOf(familyTable))}`
}

/** The plan that the server keeps for a statement that it meets often. */
async function genericPlan(text: string, values: readonly unknown[]): Promise<string> {
  const literal = (value: unknown): string => {
    if (value === null || typeof value === 'number') return String(value)
    return `'${Array.isArray(value) ? `{${value.join(',')}}` : String(value).replaceAll("'", "''")}'`
  }
  const rows = await runSql(
    cluster.url,
    `SET plan_cache_mode = force_generic_plan; PREPARE measured AS ${text};
     EXPLAIN EXECUTE measured (${values.map(literal).join(', ')})`,
  )
  return rows.map(([line]) => line).join('\n')
}

test('logins at once are few transactions, and the audit row of each is its own', async () => {
  await withNodes(cluster.url, async ({ open, schema }) => {
    const store = await open({ listenUrl: null, every: () => () => {} })
    const client = await given.client(store)
    const users = await Promise.all(Array.from({ length: 40 }, () => given.user(store)))
    const logins = await Promise.all(users.map(user => given.login(store, { client, user })))
    const of = (column: string): Promise<number> =>
      numberOf(`SELECT count(DISTINCT ${column})::integer FROM "${schema}".session`)
    expect(await of('id')).toBe(logins.length)
    expect(await of('xmin::text')).toBeLessThan(logins.length / 4)
    const opened = (await store.readAudit(0, 1000)).filter(({ record }) => record.event === 'session.created')
    expect(new Set(opened.map(({ record }) => record.userId))).toEqual(new Set(users.map(({ id }) => id)))
  })
})

test('a change in conflict is refused alone: those that were sent with it are committed', async () => {
  await withNodes(cluster.url, async ({ open }) => {
    const store = await open({ listenUrl: null, every: () => () => {} })
    const users = await Promise.all(Array.from({ length: 9 }, () => given.user(store)))
    const outcomes = users.map((user, n) => {
      const row = { ...user, disabledAt: 1, version: n % 4 === 1 ? user.version + 1 : user.version }
      return store.commit(given.change([{ table: 'user', row }]))
    })
    expect(await Promise.all(outcomes)).toEqual(users.map((_, n) => (n % 4 === 1 ? 'conflict' : 'committed')))
  })
})

test('a rotation does not wait for the disk; a login does, and so does a change that carries an entry', async () => {
  await withNodes(cluster.url, async ({ open, clock }) => {
    const store = await open({ listenUrl: null, every: () => () => {} })
    const unsynced = (): Promise<number> =>
      numberOf('SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), pg_current_wal_flush_lsn())::integer')
    /** Until some of it is not on the disk: all of it is for a moment every ten seconds, which the server sees to by itself. */
    const rotate = async ({ family }: given.Login): Promise<void> => {
      for (let version = family.version; (await unsynced()) <= 1_000; version++) {
        const row = { ...family, version }
        expect(await store.commit(given.change([{ table: 'family', row }], { durable: false }))).toBe('committed')
      }
    }
    const client = await given.client(store)
    const user = await given.user(store)
    const [first, second] = [await given.login(store, { user, client }), await given.login(store, { user, client })]
    expect(await unsynced()).toBeLessThan(100)
    await rotate(first)
    await given.login(store, { user, client })
    expect(await unsynced()).toBeLessThan(100)
    await rotate(second)
    const entries = [{ kind: 'token', id: 'jti', until: Math.floor(clock.now() / 1000) + 900 }] as const
    await store.commit(given.change([], { entries, durable: false }))
    expect(await unsynced()).toBeLessThan(100)
  })
})

test('a login waits for the disk, also where synchronous_commit was switched off since the node started', async () => {
  await withNodes(cluster.url, async ({ open, clock, schema }) => {
    const store = await open({ listenUrl: null, every: () => () => {} })
    const [user, client] = [await given.user(store), await given.client(store)]
    await runSql(
      cluster.url,
      `CREATE TABLE public.seen (setting text);
       CREATE FUNCTION public.see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         INSERT INTO public.seen VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$;
       CREATE TRIGGER see AFTER INSERT ON "${schema}".session FOR EACH ROW EXECUTE FUNCTION public.see();
       CREATE TRIGGER see AFTER INSERT ON "${schema}".entry FOR EACH ROW EXECUTE FUNCTION public.see()`,
    )
    const entries = [{ kind: 'token', id: 'jti', until: Math.floor(clock.now() / 1000) + 900 }] as const
    try {
      // What is configured for a role counts for connections that are made from then on.
      for (const setting of ['off', 'remote_write']) {
        await runSql(cluster.url, `ALTER ROLE postgres SET synchronous_commit = ${setting}`)
        await runSql(
          cluster.url,
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'countersign'",
        )
        await expect.poll(() => store.loadIssuer().then(Boolean, () => false), { timeout: 20_000 }).toBe(true)
        await given.login(store, { user, client })
        await store.commit(given.change([], { entries }))
      }
    } finally {
      await runSql(cluster.url, 'ALTER ROLE postgres RESET synchronous_commit')
    }
    const seen = await runSql(cluster.url, 'SELECT setting FROM public.seen')
    expect(seen.map(([setting]) => setting)).toEqual(['on', 'on', 'remote_write', 'remote_write'])
  })
})

test('a function that somebody else has made in a schema that is searched is none of ours (CVE-2018-1058)', async () => {
  // It fits better than PostgreSQL's own, which takes any array: by its name alone it would be called, with our rights.
  const planted = `CREATE FUNCTION public.unnest(text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RAISE 'planted'; END $$;
    CREATE FUNCTION public.cardinality(text[]) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN RAISE 'planted'; END $$`
  await runSql(cluster.url, planted)
  try {
    await withNodes(cluster.url, async ({ open, clock }) => {
      const store = await open()
      const client = await given.client(store)
      expect((await store.loadClient(client.id))?.client.id).toBe(client.id)
      await given.login(store, { client })
      await store.commit(given.change([], { entries: [{ kind: 'family', id: client.id, until: clock.now() }] }))
      expect((await store.readAudit(0, 10)).length).toBeGreaterThan(0)
    })
  } finally {
    await runSql(cluster.url, 'DROP FUNCTION public.unnest(text[]), public.cardinality(text[])')
  }
})
