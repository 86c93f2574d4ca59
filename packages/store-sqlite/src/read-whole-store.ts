import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { ShortLivedWrite, Write } from '@countersign/core'
import type { FeedEntry } from '@countersign/protocol'
import { type StoredAuditRow, StoreUnavailable } from '@countersign/store'
import { openAuditLog } from './audit-log.ts'
import { openClients } from './clients.ts'
import { type Column, idColumns, idOf, type Row } from './columns.ts'
import { lockDataFolder } from './data-folder.ts'
import { familyColumnCount, familyColumns, readFamily } from './families.ts'
import { openFeed } from './feed.ts'
import { openGrants } from './grants.ts'
import { openIdentities } from './identities.ts'
import { openIssuer, openKeyRing } from './issuer.ts'
import { openDatabase } from './open-database.ts'
import { readSession, sessionColumnCount, sessionColumns } from './sessions.ts'
import { prepareRead } from './statements.ts'
import { readUser, userColumns } from './users.ts'

/** Rows of one table, as they would be written to a store that does not have them: at version 0, but for issuer and key ring. */
export interface TableOfStore {
  readonly name: string
  readonly count: number
  pages(): Iterable<readonly Write[]>
}

/** Everything that an embedded store holds, table by table, in an order in which nothing names what has not come before it. */
export interface WholeStore {
  readonly tables: readonly TableOfStore[]
  readonly auditCount: number
  audit(): Iterable<readonly StoredAuditRow[]>
  /** Those that still matter. */
  entries(): Promise<readonly FeedEntry[]>
  close(): void
}

const rowsOfPage = 500

/** Opens the database of a server that does not run. Nothing in it is changed. Throws `StoreUnavailable` if there is none, or it is in use. */
export function readWholeStore(path: string, clock: () => number): WholeStore {
  const file = resolve(path)
  if (!existsSync(file)) throw new StoreUnavailable(`there is no database ${file}`)
  const lock = lockDataFolder(file)
  const database = openDatabase(file)
  const issuer = openIssuer(database, '').load()
  const clients = openClients(database)
  const identities = openIdentities(database)
  const grants = openGrants(database, clients)
  const audit = openAuditLog(database)

  const countOf = (table: string): number => Number(prepareRead(database, `SELECT count(*) FROM ${table}`).one()?.[0])

  /** By the number of the row, a page at a time; the last column is that number, and is not part of the row. */
  function table(
    name: string,
    what: { columns: string; from: string; key: string },
    read: (row: Row) => Write[],
  ): TableOfStore {
    const key = `${what.key} >> 32, ${what.key} & 4294967295`
    const page = prepareRead(
      database,
      `SELECT ${key}, ${what.columns} FROM ${what.from} WHERE ${what.key} > ? ORDER BY ${what.key} LIMIT ${rowsOfPage}`,
    )
    return {
      name,
      count: countOf(name),
      *pages() {
        for (let after = -(2n ** 63n); ; ) {
          const rows = page.all(after)
          const last = rows.at(-1)
          if (last === undefined) return
          yield rows.flatMap(row => read(row.slice(2)))
          after = BigInt.asIntN(64, (BigInt(last[0] as number) << 32n) | BigInt(last[1] as number))
        }
      },
    }
  }

  const ownerId = (row: Row): string => idOf(row[0] as Column, row[1] as Column, row[2] as Column)
  const ownerColumns = idColumns('u.key', 'u.rest')
  const born = { version: 0 }
  const tables: TableOfStore[] = [
    { name: 'issuer', count: 1, pages: () => [[{ table: 'issuer', row: issuer }]] },
    { name: 'key_ring', count: 1, pages: () => [[{ table: 'keyRing', row: openKeyRing(database).load() }]] },
    table('client', { columns: 'c.number', from: 'client c', key: 'c.number' }, ([number]) => {
      const found = clients.byNumber(number as number)
      return found === undefined ? [] : [{ table: 'client', row: { ...found.client, ...born } }]
    }),
    table('user', { columns: userColumns, from: 'user u', key: 'u.key' }, row => [
      { table: 'user', row: { ...readUser(row, 0), ...born } },
    ]),
    ofUsers(
      'identity',
      'd.connection, d.subject',
      'identity d JOIN user u ON u.key = d.user',
      ([, , , connection, subject]) => {
        const row = identities.load(connection as string, subject as string)
        return row === undefined ? [] : [{ table: 'identity', row: { ...row, ...born } }]
      },
    ),
    ofUsers('user_grant', 'g.client', 'user_grant g JOIN user u ON u.key = g.user', row => {
      const client = clients.byNumber(row[3] as number)?.client
      const grant = client && grants.load(ownerId(row), client.id)
      return grant === undefined ? [] : [{ table: 'grant', row: { ...grant, ...born } }]
    }),
    table(
      'session',
      { columns: `${sessionColumns}, ${ownerColumns}`, from: 'session s JOIN user u ON u.key = s.user', key: 's.key' },
      row => {
        const userId = ownerId(row.slice(sessionColumnCount))
        return [{ table: 'session', row: { ...readSession(row, 0, userId, clients), ...born } }]
      },
    ),
    table(
      'family',
      {
        columns: `${familyColumns}, ${idColumns('s.key', 's.rest')}, ${ownerColumns}`,
        from: 'family f JOIN session s ON s.key = f.session JOIN user u ON u.key = s.user',
        key: 'f.key',
      },
      row => {
        const ids = {
          sessionId: ownerId(row.slice(familyColumnCount)),
          userId: ownerId(row.slice(familyColumnCount + 3)),
        }
        const found = readFamily(row, 0, ids, clients)
        return found === undefined ? [] : [{ table: 'family', row: { ...found.family, ...born } }]
      },
    ),
    { name: 'short_lived', count: countOf('short_lived'), pages: shortLived },
  ]

  /** What has no number of its own is read user by user, by the index that there is. */
  function ofUsers(name: string, columns: string, from: string, read: (row: Row) => Write[]): TableOfStore {
    const rows = prepareRead(database, `SELECT ${ownerColumns}, ${columns} FROM ${from}`)
    return {
      name,
      count: countOf(name),
      *pages() {
        const all = rows.all()
        for (let from = 0; from < all.length; from += rowsOfPage) yield all.slice(from, from + rowsOfPage).flatMap(read)
      },
    }
  }

  /** They live for minutes: there are few. */
  function* shortLived(): Iterable<readonly Write[]> {
    const all = prepareRead(database, 'SELECT kind, body FROM short_lived').all()
    for (let from = 0; from < all.length; from += rowsOfPage) {
      yield all.slice(from, from + rowsOfPage).map(([kind, body]) => {
        return { table: kind, row: { ...JSON.parse(body as string), ...born } } as ShortLivedWrite
      })
    }
  }

  return {
    tables,
    auditCount: audit.head().number,
    *audit() {
      for (let after = 0; ; ) {
        const rows = audit.read(after, audit.head().number, rowsOfPage)
        const last = rows.at(-1)
        if (last === undefined) return
        yield rows
        after = last.number
      }
    },
    entries: async () => (await openFeed(database, { clock, incarnation: issuer.incarnation }).snapshot()).entries,
    close() {
      database.close()
      lock.release()
    },
  }
}
