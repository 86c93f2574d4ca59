import { join } from 'node:path'
import type { Change, Write } from '@countersign/core'
import { type Store, StoreUnavailable } from '@countersign/store'
import {
  type AuditImport,
  importAuditInto,
  openPostgresStore,
  type PostgresOptions,
  unfinishedCopy,
} from '@countersign/store-postgres'
import { readWholeStore, type WholeStore } from '@countersign/store-sqlite'
import { WrongConfiguration } from './configuration-problems.ts'

export interface CopyOptions {
  /** `sqlite:` and a data folder, or the database file in one. */
  readonly from: string
  readonly to: PostgresOptions
  readonly clock: () => number
  readonly newIncarnation: () => string
  /** Told after each page: how many rows of a table are over. */
  readonly progress: (table: string, done: number, of: number) => void
}

/**
 * Copies everything that an embedded store holds into a PostgreSQL database that holds nothing: users, logins, grants, clients,
 * keys, what lives for minutes, the feed, the audit log with its chain. The master key stays the same, so that every token goes on. Only the feed's history
 * is a new one: verifiers get a snapshot.
 */
export async function copyStore({ from, to, clock, newIncarnation, progress }: CopyOptions): Promise<void> {
  const source = readWholeStore(sqliteFile(from), clock)
  try {
    const seed = { incarnation: newIncarnation() }
    const target = await openPostgresStore({ ...to, seed, sealPersonal: () => null, listenUrl: null, forCopy: true })
    try {
      await copyInto(target, source, to, progress)
    } finally {
      await target.close()
    }
  } finally {
    source.close()
  }
}

function sqliteFile(from: string): string {
  const path = /^sqlite:(?:\/\/)?(.+)$/.exec(from)?.[1]
  if (path === undefined) throw new WrongConfiguration('--from must be sqlite: and a data folder, such as sqlite:data.')
  return path.endsWith('.sqlite') ? path : join(path, 'countersign.sqlite')
}

async function copyInto(
  target: Store,
  source: WholeStore,
  to: PostgresOptions,
  progress: CopyOptions['progress'],
): Promise<void> {
  const audit = importAuditInto(to)
  try {
    await begin(target, audit)
    let done = 0
    for (const rows of source.audit()) {
      await audit.put(rows)
      done += rows.length
      progress('audit', done, source.auditCount)
    }
  } finally {
    await audit.close()
  }
  await copyRows(source, target, progress)
}

/** Marks the target in the first commit, and is the only one who may: of two that begin at once, the other's mark is a conflict. */
async function begin(target: Store, audit: AuditImport): Promise<void> {
  const { issuer, now } = await target.loadIssuer()
  if (issuer.unfinishedCopy) throw new StoreUnavailable(unfinishedCopy())
  if (!(await audit.isEmpty()))
    throw new WrongConfiguration('The database to copy to holds something already. Give an empty one.')
  const writes: Write[] = [{ table: 'issuer', row: { ...issuer, unfinishedCopy: true } }]
  const outcome = await target.commit({ writes, audit: [], entries: [], durable: true, time: now })
  if (outcome === 'conflict') throw new StoreUnavailable(unfinishedCopy())
}

async function copyRows(source: WholeStore, target: Store, progress: CopyOptions['progress']): Promise<void> {
  const { issuer, keyRing, now } = await target.loadIssuer()
  const commit = async (writes: readonly Write[], more: Partial<Change> = {}): Promise<void> => {
    const change = { writes, audit: [], entries: [], durable: false, time: now, ...more }
    if ((await target.commit(change)) === 'conflict')
      throw new WrongConfiguration('Somebody else writes to the database.')
  }
  for (const table of source.tables) {
    let done = 0
    for (const rows of table.pages()) {
      await commit(rows.map(write => onto(write, { issuer, keyRing })))
      done += rows.length
      progress(table.name, done, table.count)
    }
  }
  // What came before it in the log is on the disk with it. The mark goes last.
  const { unfinishedCopy: _, ...finished } = (await target.loadIssuer()).issuer
  await commit([{ table: 'issuer', row: finished }], { entries: await source.entries(), durable: true })
}

/** Two rows are there from the beginning. The feed's numbers begin anew, so its history must be another. */
function onto(write: Write, there: Pick<Awaited<ReturnType<Store['loadIssuer']>>, 'issuer' | 'keyRing'>): Write {
  if (write.table === 'issuer') {
    const { incarnation, version } = there.issuer
    return { table: 'issuer', row: { ...write.row, incarnation, version, unfinishedCopy: true } }
  }
  if (write.table === 'keyRing') return { table: 'keyRing', row: { ...write.row, version: there.keyRing.version } }
  return write
}
