import type { AuditRecord, Change, Write } from '@countersign/core'
import type { FeedEntry } from '@countersign/protocol'
import type { Applied } from '@countersign/simulation/history/applied'
import { openPostgresStore } from '@countersign/store-postgres'
import { runSql } from '@countersign/store-postgres/testing/schemas'
import { wallClockAtZero } from './http-call.ts'
import { wholeAudit } from './stored-state.ts'

/*
 * A PostgreSQL database writes down its own history, by triggers in the same transactions: what is rolled back is not in it, and what a
 * crash forgets goes with what it tells of. The time of a commit is the server's own (`track_commit_timestamp`); who wrote is what the
 * node calls itself (`application_name`).
 */

export const observedSettings: readonly string[] = ['track_commit_timestamp=on']

const watched = ['family', 'session', 'user', 'issuer', 'key_ring', 'client', 'audit_unnumbered', 'entry_unnumbered']

const install = `CREATE SCHEMA observed;
  CREATE TABLE observed.row (number bigserial PRIMARY KEY, xid xid NOT NULL, node text, name text, body jsonb);
  CREATE FUNCTION observed.note() RETURNS trigger LANGUAGE plpgsql AS $note$ BEGIN
    INSERT INTO observed.row (xid, node, name, body)
      VALUES (pg_current_xact_id()::xid, current_setting('application_name'), TG_TABLE_NAME, to_jsonb(NEW));
    RETURN NULL;
  END $note$;
  ${watched
    .map(
      name => `CREATE TRIGGER observe AFTER INSERT OR UPDATE ON countersign.${name}
        FOR EACH ROW EXECUTE FUNCTION observed.note();`,
    )
    .join('\n')}`

/** Before the first node starts on it, and after the migration. */
export async function observeDatabase(url: string): Promise<void> {
  await runSql(url, install)
}

/** One transaction, and what tells it from all others. */
export interface Observed extends Applied {
  readonly transaction: string
}

/** What was committed and is still there, in the order of the commits, as the simulation's judges read it. */
export async function readObservedDatabase(url: string): Promise<Observed[]> {
  const rows = await runSql(
    url,
    `SELECT xid::text, extract(epoch FROM pg_xact_commit_timestamp(xid))::float8 * 1000, node, name, body::text
     FROM observed.row ORDER BY pg_xact_commit_timestamp(xid), number`,
  )
  const users = new Map<string, string>()
  const log: Observed[] = []
  let open: { writes: Write[]; audit: AuditRecord[]; entries: FeedEntry[] } | undefined
  for (const [xid, committedMs, node, name, text] of rows as unknown as [string, number, string, string, string][]) {
    const transaction = `${xid} ${committedMs}`
    if (open === undefined || log.at(-1)?.transaction !== transaction) {
      open = { writes: [], audit: [], entries: [] }
      const change: Change = { ...open, durable: true, time: Math.floor(committedMs) }
      log.push({ change, time: committedMs - wallClockAtZero, storeTime: Math.floor(committedMs), node, transaction })
    }
    const body = JSON.parse(text) as Columns
    if (name === 'session') users.set(String(body.id), idText(body.user_id))
    if (name === 'audit_unnumbered') open.audit.push((JSON.parse(`{${body.body}}`) as { record: AuditRecord }).record)
    else if (name === 'entry_unnumbered') open.entries.push(body as unknown as FeedEntry)
    // What a new database begins with is no change.
    else if (!isSeed(name, body)) open.writes.push(writeOf(name, body, users))
  }
  return log
}

function isSeed(name: string, { version }: Columns): boolean {
  return (name === 'issuer' || name === 'key_ring') && version === 1
}

type Columns = Readonly<Record<string, unknown>>

function idText(uuid: unknown): string {
  return Buffer.from(String(uuid).replaceAll('-', ''), 'hex').toString('base64url')
}

/** A row as far as judges look at it. In the table is the version that it has now; a write names the one that it was made from. */
function writeOf(name: string, body: Columns, users: ReadonlyMap<string, string>): Write {
  const version = Number(body.version) - 1
  const epochs = { all: body.epoch_all, user: body.epoch_user ?? undefined, client: body.epoch_client ?? undefined }
  const common = { id: idText(body.id), version, epochs, endedAt: body.ended_at, createdAt: body.created_at }
  const row = ((): object => {
    switch (name) {
      case 'family':
        return {
          ...common,
          sessionId: idText(body.session_id),
          userId: users.get(String(body.session_id)) ?? '',
          clientId: body.client_id,
          generation: body.generation,
          rotatedAt: body.rotated_at,
          jkt: body.jkt,
          creditSpentAt: body.credit_spent_at,
        }
      case 'session':
        return { ...common, userId: idText(body.user_id), authenticatedAt: body.authenticated_at }
      case 'user':
        return { id: common.id, version, epoch: body.epoch }
      case 'client':
        return { id: body.id, version }
      case 'issuer':
        return { ...(JSON.parse(String(body.body)) as object), version }
      default:
        return { version }
    }
  })()
  return { table: name === 'key_ring' ? 'keyRing' : name, row } as Write
}

/** The whole audit log of a database; throws if it has a gap or its chain is broken. */
export async function auditOf(url: string): ReturnType<typeof wholeAudit> {
  const store = await openPostgresStore({
    url,
    connections: 2,
    listenUrl: null,
    seed: { incarnation: 'unused' },
    sealPersonal: () => null,
  })
  try {
    return await wholeAudit(store)
  } finally {
    await store.close()
  }
}
