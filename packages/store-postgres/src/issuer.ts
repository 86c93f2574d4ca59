import type { Issuer, KeyRing } from '@countersign/core'
import { bodyOf } from './clients.ts'
import type { Columns, VersionedTable } from './row-writes.ts'

/** Tables of one row, kept as JSON. */
export const issuerTable: VersionedTable = {
  name: 'issuer',
  key: ['one'],
  born: [],
  changing: ['body'],
}
export const keyRingTable: VersionedTable = {
  name: 'key_ring',
  key: ['one'],
  born: [],
  changing: ['body'],
}

export function columnsOfSingle(row: Issuer | KeyRing): Columns {
  return { one: true, version: row.version, body: bodyOf(row) }
}

export function firstIssuer(incarnation: string): Issuer {
  return { epoch: 1, incarnation, restoredAt: null, longestAccessTokenSeconds: 900, version: 1 }
}

export const firstKeyRing: KeyRing = { signing: [], refresh: [], version: 1 }
