import type { DatabaseSync } from 'node:sqlite'
import { type Client, type ClientOrigin, declareClient, type Instant, webOrigins } from '@countersign/core'
import type { ClientPage } from '@countersign/store'
import type { Column, Row } from './columns.ts'
import { prepareRead, wrote } from './statements.ts'

/** A client with the number by which other rows refer to it. */
export interface NumberedClient {
  readonly number: number
  readonly client: Client
}

export interface Clients {
  readonly byId: (id: string) => NumberedClient | undefined
  readonly byNumber: (number: number) => NumberedClient | undefined
  readonly list: (page: ClientPage) => readonly Client[]
  readonly count: (origin: ClientOrigin) => number
  readonly knowsWebOrigin: (origin: string) => boolean
  readonly put: (client: Client) => boolean
  /** The number of a client that a row is written for, which keeps the client from then on. */
  readonly use: (id: string) => number
  /** Deletes at most so many that nobody has used; says how many went. */
  readonly forgetUnused: (now: Instant, rowsAtMost: number) => number
  /** After a rollback: what was read meanwhile may never have been. */
  readonly forget: () => void
}

/** So many are kept parsed; beyond, all are forgotten at once. */
const keptAtMost = 10_000

export function openClients(database: DatabaseSync): Clients {
  const columns = 'SELECT number, body FROM client'
  const readById = prepareRead(database, `${columns} WHERE id = ?`)
  const readByNumber = prepareRead(database, `${columns} WHERE number = ?`)
  const readPage = prepareRead(database, `${columns} WHERE id > ? ORDER BY id LIMIT ?`)
  const readPageOf = prepareRead(database, `${columns} WHERE origin = ? AND id > ? ORDER BY id LIMIT ?`)
  const readCount = prepareRead(database, 'SELECT count(*) FROM client WHERE origin = ?')
  const writes = openClientWrites(database)
  const byId = new Map<string, NumberedClient>()
  const byNumber = new Map<number, NumberedClient>()

  /** Parses a client once per version. */
  function keep(row: Row | undefined): NumberedClient | undefined {
    if (row === undefined) return undefined
    const client = clientOf(row[1])
    const numbered = { number: row[0] as number, client }
    if (byId.size >= keptAtMost) forget()
    byId.set(client.id, numbered)
    byNumber.set(numbered.number, numbered)
    return numbered
  }

  function forget(): void {
    byId.clear()
    byNumber.clear()
  }

  function load(id: string): NumberedClient | undefined {
    return byId.get(id) ?? keep(readById.one(id))
  }

  function put(client: Client): boolean {
    const kept = byId.get(client.id)
    byId.delete(client.id)
    if (kept !== undefined) byNumber.delete(kept.number)
    return writes.put({ ...client, version: client.version + 1 })
  }

  return {
    forget,
    byId: load,
    byNumber: number => byNumber.get(number) ?? keep(readByNumber.one(number)),
    list({ origin, after = '', limit }) {
      const rows = origin === undefined ? readPage.all(after, limit) : readPageOf.all(origin, after, limit)
      return rows.map(row => clientOf(row[1]))
    },
    count: origin => readCount.one(origin)?.[0] as number,
    knowsWebOrigin: writes.knowsWebOrigin,
    put,
    use(id) {
      const numbered = load(id)
      if (numbered === undefined) throw new TypeError('a session, family or grant names a client that is not stored')
      if (numbered.client.expiresAt !== null) put({ ...numbered.client, expiresAt: null })
      return numbered.number
    },
    forgetUnused(now, rowsAtMost) {
      const gone = writes.dropExpired(now, rowsAtMost)
      if (gone > 0) forget()
      return gone
    },
  }
}

interface ClientWrites {
  /** Writes a client as it is to be stored, over the version before it. */
  readonly put: (client: Client) => boolean
  readonly knowsWebOrigin: (origin: string) => boolean
  readonly dropExpired: (now: Instant, rowsAtMost: number) => number
}

/** The row of a client and, beside it, the web origins of its redirect URIs: CORS asks for one among very many. */
function openClientWrites(database: DatabaseSync): ClientWrites {
  const insert = database.prepare(
    'INSERT INTO client (version, body, origin, expires_at, id) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
  )
  const update = database.prepare(
    'UPDATE client SET version = ?, body = ?, origin = ?, expires_at = ? WHERE id = ? AND version = ?',
  )
  const readNumber = prepareRead(database, 'SELECT number FROM client WHERE id = ?')
  const readOrigin = prepareRead(database, 'SELECT 1 FROM client_web_origin WHERE origin = ? LIMIT 1')
  const addOrigin = database.prepare('INSERT OR IGNORE INTO client_web_origin (origin, client) VALUES (?, ?)')
  const dropOrigins = database.prepare('DELETE FROM client_web_origin WHERE client = ?')
  const readExpired = prepareRead(
    database,
    'SELECT number FROM client WHERE expires_at <= ? ORDER BY expires_at LIMIT ?',
  )
  const drop = database.prepare('DELETE FROM client WHERE number = ?')
  return {
    put(client) {
      const { id, version, origin, expiresAt } = client
      const values = [version, JSON.stringify(client), origin, expiresAt, id]
      const isWritten = version === 1 ? wrote(insert, ...values) : wrote(update, ...values, version - 1)
      if (!isWritten) return false
      const number = readNumber.one(id)?.[0] as number
      dropOrigins.run(number)
      if (!client.disabled) for (const one of webOrigins(client.redirectUris)) addOrigin.run(one, number)
      return true
    },
    knowsWebOrigin: origin => readOrigin.one(origin) !== undefined,
    dropExpired(now, rowsAtMost) {
      const numbers = rowsAtMost > 0 ? readExpired.all(now, rowsAtMost).map(row => row[0] as number) : []
      for (const number of numbers) {
        dropOrigins.run(number)
        drop.run(number)
      }
      return numbers.length
    },
  }
}

/** What an earlier version has written lacks the members that came since: they have their defaults. */
function clientOf(body: Column | undefined): Client {
  return declareClient(JSON.parse(body as string) as Client)
}
