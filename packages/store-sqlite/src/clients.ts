import type { DatabaseSync } from 'node:sqlite'
import { type Client, declareClient } from '@countersign/core'
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
  readonly list: () => readonly Client[]
  readonly put: (client: Client) => boolean
  /** After a rollback: what was read meanwhile may never have been. */
  readonly forget: () => void
}

/** So many are kept parsed; beyond, all are forgotten at once. */
const keptAtMost = 10_000

export function openClients(database: DatabaseSync): Clients {
  const columns = 'SELECT number, body FROM client'
  const readById = prepareRead(database, `${columns} WHERE id = ?`)
  const readByNumber = prepareRead(database, `${columns} WHERE number = ?`)
  const readAll = prepareRead(database, `${columns} ORDER BY number`)
  const insert = database.prepare('INSERT INTO client (id, version, body) VALUES (?, 1, ?) ON CONFLICT DO NOTHING')
  const update = database.prepare('UPDATE client SET version = ?, body = ? WHERE id = ? AND version = ?')
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

  return {
    forget,
    byId: id => byId.get(id) ?? keep(readById.one(id)),
    byNumber: number => byNumber.get(number) ?? keep(readByNumber.one(number)),
    list: () => readAll.all().map(row => clientOf(row[1])),
    put(client) {
      const kept = byId.get(client.id)
      byId.delete(client.id)
      if (kept !== undefined) byNumber.delete(kept.number)
      const version = client.version + 1
      const body = JSON.stringify({ ...client, version })
      return client.version === 0
        ? wrote(insert, client.id, body)
        : wrote(update, version, body, client.id, client.version)
    },
  }
}

/** What an earlier version has written lacks the members that came since: they have their defaults. */
function clientOf(body: Column | undefined): Client {
  return declareClient(JSON.parse(body as string) as Client)
}
