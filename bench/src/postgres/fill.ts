import { runSql } from '@countersign/store-postgres/testing/schemas'
import { figure } from '../harness/workload.ts'

const rowsAtOnce = 100_000

/**
 * More logins, each of a user, an identity, a session and a family of its own, until there are so many families: copies of rows that the server has written, under ids of
 * their own, as random as all. Of the audit log there are no copies: it is a chain.
 */
export async function fill(url: string, count: number, progress: (text: string) => void): Promise<void> {
  const present = async (): Promise<number> =>
    Number((await runSql(url, 'SELECT count(*) FROM countersign.family'))[0]?.[0])
  const columns = {
    user: await columnsBut(url, 'user', ['id']),
    identity: await columnsBut(url, 'identity', ['subject', 'user_id']),
    session: await columnsBut(url, 'session', ['id', 'user_id']),
    family: await columnsBut(url, 'family', ['id', 'session_id']),
  }
  for (let there = await present(); there < count; there = await present()) {
    await runSql(url, copying(columns, Math.min(rowsAtOnce, count - there)))
    progress(`${figure(Math.min(count, there + rowsAtOnce))} of ${figure(count)} logins are there`)
  }
  // VACUUM stands in no transaction, so in no script with others.
  await runSql(url, 'VACUUM ANALYZE countersign.user, countersign.identity, countersign.session, countersign.family')
  await runSql(url, 'CHECKPOINT')
}

function copying(columns: Readonly<Record<'user' | 'identity' | 'session' | 'family', string>>, count: number): string {
  const copies = (table: keyof typeof columns, own: string, ids: string): string => `
    INSERT INTO countersign.${table} (${own}, ${columns[table]}) SELECT ${ids}, ${prefixed('t', columns[table])}
      FROM made m JOIN sample USING (place) JOIN countersign.${table} t ON t.${own.split(', ').at(-1)} = sample.${table}`
  return `SET synchronous_commit = off;
    CREATE TEMP TABLE sample AS SELECT row_number() OVER () AS place, f.id AS family, s.id AS session, s.user_id AS user, s.user_id AS identity
      FROM countersign.family f JOIN countersign.session s ON s.id = f.session_id LIMIT 1000;
    CREATE TEMP TABLE made AS SELECT gen_random_uuid() AS family, gen_random_uuid() AS session, gen_random_uuid() AS user,
      1 + n % (SELECT count(*) FROM sample) AS place FROM generate_series(1, ${count}) n;
    ${copies('user', 'id', 'm.user')};
    ${copies('identity', 'subject, user_id', 'm.user::text, m.user')};
    ${copies('session', 'user_id, id', 'm.user, m.session')};
    ${copies('family', 'session_id, id', 'm.session, m.family')};`
}

/** Names of a table's columns, but for those. */
async function columnsBut(url: string, table: string, those: readonly string[]): Promise<string> {
  const rows = await runSql(
    url,
    `SELECT quote_ident(column_name) FROM information_schema.columns
     WHERE table_schema = 'countersign' AND table_name = '${table}' ORDER BY ordinal_position`,
  )
  return rows.flatMap(([name]) => (those.includes(String(name)) ? [] : [String(name)])).join(', ')
}

function prefixed(table: string, columns: string): string {
  return columns
    .split(', ')
    .map(column => `${table}.${column}`)
    .join(', ')
}
