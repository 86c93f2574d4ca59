import type { DatabaseSync } from 'node:sqlite'
import type { Issuer, KeyRing } from '@countersign/core'
import { prepareRead, wrote } from './statements.ts'

/** A table of one row, kept as JSON. It is read once and again after each write. */
export interface Single<R> {
  readonly load: () => R
  readonly put: (row: R) => boolean
}

export function openIssuer(database: DatabaseSync, incarnation: string): Single<Issuer> {
  const first: Issuer = { epoch: 1, incarnation, restoredAt: null, longestAccessTokenSeconds: 900, version: 1 }
  return openSingle(database, 'issuer', first)
}

export function openKeyRing(database: DatabaseSync): Single<KeyRing> {
  return openSingle<KeyRing>(database, 'key_ring', { signing: [], refresh: [], version: 1 })
}

function openSingle<R extends { readonly version: number }>(
  database: DatabaseSync,
  table: 'issuer' | 'key_ring',
  first: R,
): Single<R> {
  const seed = database.prepare(`INSERT INTO ${table} VALUES (1, ?, ?) ON CONFLICT DO NOTHING`)
  const read = prepareRead(database, `SELECT body FROM ${table}`)
  const update = database.prepare(`UPDATE ${table} SET version = ?, body = ? WHERE version = ?`)
  let known: R | undefined
  seed.run(first.version, JSON.stringify(first))
  return {
    load() {
      known ??= JSON.parse(read.one()?.[0] as string) as R
      return known
    },
    put(row) {
      // Read anew next time: the transaction may still be rolled back.
      known = undefined
      const version = row.version + 1
      return wrote(update, version, JSON.stringify({ ...row, version }), row.version)
    },
  }
}
