import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { ShortLivedWrite } from '@countersign/core'
import type { FeedEntry } from '@countersign/protocol'
import { type StoredAuditRow, StoreUnavailable } from '@countersign/store'
import { openAuditLog } from './audit-log.ts'
import { openClients } from './clients.ts'
import { type Column, idColumns, idOf, type Row } from './columns.ts'
import { lockDataFolder } from './data-folder.ts'
import { familyColumnCount, familyColumns, readFamily } from './families.ts'
import { openFeed } from './feed.ts'
import { openGrants } from './grants.ts'
import { identityColumns, readIdentity } from './identities.ts'
import { openIssuer, openKeyRing } from './issuer.ts'
import { openDatabase } from './open-database.ts'
import { readSession, sessionColumnCount, sessionColumns } from './sessions.ts'
import { byNumber, byNumbers, byTexts, openTablePages, type TableOfStore, type TablePages } from './table-pages.ts'
import { readUser, userColumns } from './users.ts'

/** Everything that an embedded store holds, table by table, in an order in which nothing names what has not come before it. */
export interface WholeStore {
  readonly tables: readonly TableOfStore[]
  readonly auditCount: number
  audit(): Iterable<readonly StoredAuditRow[]>
  /** Those that still matter. */
  entries(): Promise<readonly FeedEntry[]>
  close(): void
}

const usualRowsOfPage = 500

/** Opens the database of a server that does not run. Nothing in it is changed. Throws `StoreUnavailable` if there is none, or it is in use. */
export function readWholeStore(path: string, clock: () => number, rowsOfPage: number = usualRowsOfPage): WholeStore {
  const file = resolve(path)
  if (!existsSync(file)) throw new StoreUnavailable(`there is no database ${file}`)
  const lock = lockDataFolder(file)
  const database = openDatabase(file)
  const issuer = openIssuer(database, '').load()
  const clients = openClients(database)
  const grants = openGrants(database, clients)
  const audit = openAuditLog(database)

  const ownerId = (row: Row): string => idOf(row[0] as Column, row[1] as Column, row[2] as Column)
  const ownerColumns = idColumns('u.key', 'u.rest')
  const born = { version: 0 }
  const table = (pages: TablePages): TableOfStore => openTablePages(database, pages, rowsOfPage)
  const tables: TableOfStore[] = [
    { name: 'issuer', count: 1, pages: () => [[{ table: 'issuer', row: issuer }]] },
    { name: 'key_ring', count: 1, pages: () => [[{ table: 'keyRing', row: openKeyRing(database).load() }]] },
    table({
      name: 'client',
      from: 'client c',
      key: byNumber('c.number'),
      columns: 'c.number',
      read([number]) {
        const found = clients.byNumber(number as number)
        return found === undefined ? [] : [{ table: 'client', row: { ...found.client, ...born } }]
      },
    }),
    table({
      name: 'user',
      from: 'user u',
      key: byNumber('u.key'),
      columns: userColumns,
      read: row => [{ table: 'user', row: { ...readUser(row, 0), ...born } }],
    }),
    table({
      name: 'identity',
      from: 'identity i CROSS JOIN user u ON u.key = i.user',
      key: byTexts('i.connection', 'i.subject'),
      columns: identityColumns,
      read: row => [{ table: 'identity', row: { ...readIdentity(row), ...born } }],
    }),
    table({
      name: 'user_grant',
      from: 'user_grant g CROSS JOIN user u ON u.key = g.user',
      key: byNumbers('g.user', 'g.client'),
      columns: `${ownerColumns}, g.client`,
      read(row) {
        const client = clients.byNumber(row[3] as number)?.client
        const grant = client && grants.load(ownerId(row), client.id)
        return grant === undefined ? [] : [{ table: 'grant', row: { ...grant, ...born } }]
      },
    }),
    table({
      name: 'session',
      from: 'session s CROSS JOIN user u ON u.key = s.user',
      key: byNumber('s.key'),
      columns: `${sessionColumns}, ${ownerColumns}`,
      read(row) {
        const userId = ownerId(row.slice(sessionColumnCount))
        return [{ table: 'session', row: { ...readSession(row, 0, userId, clients), ...born } }]
      },
    }),
    table({
      name: 'family',
      from: 'family f CROSS JOIN session s ON s.key = f.session CROSS JOIN user u ON u.key = s.user',
      key: byNumber('f.key'),
      columns: `${familyColumns}, ${idColumns('s.key', 's.rest')}, ${ownerColumns}`,
      read(row) {
        const ids = {
          sessionId: ownerId(row.slice(familyColumnCount)),
          userId: ownerId(row.slice(familyColumnCount + 3)),
        }
        const found = readFamily(row, 0, ids, clients)
        return found === undefined ? [] : [{ table: 'family', row: { ...found.family, ...born } }]
      },
    }),
    table({
      name: 'short_lived',
      from: 'short_lived',
      key: byTexts('kind', 'hash'),
      columns: 'kind, body',
      read: ([kind, body]) => [{ table: kind, row: { ...JSON.parse(body as string), ...born } } as ShortLivedWrite],
    }),
  ]

  return {
    tables,
    auditCount: audit.count(),
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
