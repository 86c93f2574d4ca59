import { type AuditRecord, type Change, isShortLivedWrite, type Write } from '@countersign/core'
import { canonicalJson, type FeedEntry } from '@countersign/protocol'
import type { StoreOptions } from '@countersign/store'
import { FaultOfOne } from './batches.ts'
import { clientTable, columnsOfClient, unusedClientsText, usedClient } from './clients.ts'
import { type Column, type Row, uuidOf } from './columns.ts'
import type { Database, Outcome, Transaction } from './database.ts'
import { columnsOfFamily, familyEndTable, familyTable } from './families.ts'
import { columnsOfGrant, grantTable } from './grants.ts'
import { columnsOfIdentity, eraseIdentitiesText, identityTable } from './identities.ts'
import { columnsOfSingle, issuerTable, keyRingTable } from './issuer.ts'
import { isUniqueViolation } from './postgres-failure.ts'
import { type Columns, openRowWrites, type VersionedTable } from './row-writes.ts'
import { columnsOfSession, sessionTable } from './sessions.ts'
import { columnsOfShortLived, shortLivedTable } from './short-lived.ts'
import { askedText, durableText, type Statement } from './statements.ts'
import { columnsOfUser, eraseDevicesText, userTable } from './users.ts'

/**
 * Applies changes that write different rows, in one short transaction: each whole, or all of them not at all. `undefined`: they
 * cannot all be applied, which is a conflict for a change that was given alone.
 */
export type ApplyChanges = (changes: readonly Change[]) => Promise<'committed' | undefined>

/** True for a change that is answered once it is on the disk. */
export function isDurable({ durable, entries }: Change): boolean {
  return durable || entries.length > 0
}

/** In the order in which everybody locks them, so that two changes do not wait for each other. */
const tables: readonly VersionedTable[] = [
  issuerTable,
  keyRingTable,
  clientTable,
  userTable,
  identityTable,
  grantTable,
  sessionTable,
  familyTable,
  familyEndTable,
  shortLivedTable,
]

function tableOf(write: Write): VersionedTable {
  if (isShortLivedWrite(write)) return shortLivedTable
  switch (write.table) {
    case 'issuer':
      return issuerTable
    case 'keyRing':
      return keyRingTable
    case 'client':
      return clientTable
    case 'user':
      return userTable
    case 'identity':
      return identityTable
    case 'grant':
      return grantTable
    case 'session':
      return sessionTable
    case 'family':
      return write.endsOnly ? familyEndTable : familyTable
  }
}

function columnsOf(write: Write): Columns {
  if (isShortLivedWrite(write)) return columnsOfShortLived(write)
  switch (write.table) {
    case 'issuer':
    case 'keyRing':
      return columnsOfSingle(write.row)
    case 'client':
      return columnsOfClient(write.row)
    case 'user':
      return columnsOfUser(write.row)
    case 'identity':
      return columnsOfIdentity(write.row)
    case 'session':
      return columnsOfSession(write.row)
    case 'family':
      return columnsOfFamily(write.row)
    case 'grant':
      return columnsOfGrant(write.row)
  }
}

/** How long a transaction may stand open without a word of its node: what a node that died held is free again then. */
const silenceAtMostMs = 5_000

export function openApplyChange(parts: {
  database: Database
  statement: (text: string) => Statement
  sealPersonal: StoreOptions['sealPersonal']
}): ApplyChanges {
  const { database, statement, sealPersonal } = parts
  const writesOf = tables.map(table => ({ table, ...openRowWrites(table, statement) }))
  const updateClient = openRowWrites(clientTable, statement).update
  const eraseDevices = statement(eraseDevicesText)
  const eraseIdentities = statement(eraseIdentitiesText)
  const readSalts = statement(
    `SELECT u.id, u.seal_salt FROM ${askedText('id', '$1::uuid[]')} JOIN countersign.user u USING (id)`,
  )
  const holdUnusedClients = statement(unusedClientsText)
  const missingClients = statement(`SELECT named FROM unnest($1::text[]) named
    WHERE NOT EXISTS (SELECT FROM countersign.client c WHERE c.id = named)`)
  const insertAudit = statement(`INSERT INTO countersign.audit_unnumbered (body)
    SELECT body FROM json_array_elements_text($1::json) WITH ORDINALITY AS record(body, place) ORDER BY place`)
  const insertEntries = statement(`INSERT INTO countersign.entry_unnumbered (kind, id, below, "at", until)
    SELECT kind, id, below, "at", until FROM ROWS FROM (
      json_to_recordset($1::json) AS (kind text, id text, below bigint, "at" bigint, until bigint)
    ) WITH ORDINALITY AS entry(kind, id, below, "at", until, place) ORDER BY place`)
  const settings = `SET LOCAL idle_in_transaction_session_timeout = ${silenceAtMostMs}`
  const beginDurable = `BEGIN ISOLATION LEVEL READ COMMITTED; ${settings}; ${durableText}`
  const beginRelaxed = `BEGIN ISOLATION LEVEL READ COMMITTED; ${settings}; SET LOCAL synchronous_commit = off`

  /** Sends all writes at once; says if each row was written, and which of the clients that rows were made for were unused. */
  async function writeRows(
    transaction: Transaction,
    writes: readonly Write[],
  ): Promise<{ complete: boolean; unused: readonly Row[] }> {
    const named = clientsOfNewRows(writes)
    let unused: Promise<readonly Row[]> | undefined
    const sent = writesOf.flatMap(({ table, insert, update }) => {
      const rows = writes.filter(write => tableOf(write) === table)
      if (table === userTable && named.length > 0) unused = transaction.query(holdUnusedClients, [named])
      const columns = rows.map(columnsOf).sort(byId)
      const born = columns.filter(({ version }) => version === 0)
      const changed = columns.filter(({ version }) => version !== 0)
      return [
        ...(born.length > 0 ? [allWritten(transaction, insert, [JSON.stringify(born)], born)] : []),
        ...(changed.length > 0 ? [allWritten(transaction, update, [JSON.stringify(changed)], changed)] : []),
        ...(table === userTable ? sendErasures(transaction, rows) : []),
      ]
    })
    const [written, rows] = await Promise.all([Promise.all(sent), unused])
    return { complete: written.every(one => one), unused: rows ?? [] }
  }

  function sendErasures(transaction: Transaction, users: readonly Write[]): Promise<boolean>[] {
    const erased = users.flatMap(({ table, row }) =>
      table === 'user' && row.deletedAt !== null ? [uuidOf(row.id)] : [],
    )
    if (erased.length === 0) return []
    return [eraseIdentities, eraseDevices].map(one => transaction.query(one, [erased]).then(() => true))
  }

  /** Rows refer to a client, so it must be there before them. */
  async function refuseUnknownClients(transaction: Transaction, writes: readonly Write[]): Promise<void> {
    const named = clientsOfNewRows(writes)
    if (named.length === 0 || (await transaction.query(missingClients, [named])).length === 0) return
    throw new TypeError('a session, family or grant names a client that is not stored')
  }

  /** Sealed under the salts as they are in this transaction. */
  function auditBodies(changes: readonly Change[], salts: readonly Row[]): string {
    const saltOf = new Map(salts.map(([id, salt]) => [String(id).replaceAll('-', ''), salt as Buffer | null]))
    const bodyOf = ({ personal, ...record }: AuditRecord): string => {
      const salt = record.userId === undefined ? null : (saltOf.get(uuidOf(record.userId)) ?? null)
      const sealed = personal === undefined ? null : sealPersonal(personal, salt)
      return `"record":${canonicalJson(record)},"sealedPersonal":${canonicalJson(sealed)}`
    }
    const bodies = changes.flatMap(({ audit }, place) => {
      try {
        return audit.map(bodyOf)
      } catch (error) {
        throw new FaultOfOne(place, error)
      }
    })
    return JSON.stringify(bodies)
  }

  async function apply(
    transaction: Transaction,
    changes: readonly Change[],
  ): Promise<Outcome<'committed'> | undefined> {
    const writes = changes.flatMap(one => one.writes)
    const audit = changes.flatMap(one => one.audit)
    const entries = changes.flatMap(one => one.entries)
    const sealedUnder = audit.flatMap(({ personal, userId }) => (personal && userId !== undefined ? [userId] : []))
    const written = writeRows(transaction, writes)
    const salts = sealedUnder.length === 0 ? [] : transaction.query(readSalts, [sealedUnder.map(uuidOf)])
    const [{ complete, unused }, saltRows] = await Promise.all([written, salts])
    if (!complete) {
      await refuseUnknownClients(transaction, writes)
      return undefined
    }
    const used = unused.map(([body]) => columnsOfClient(usedClient(body as Column)))
    const sent = Promise.all([
      ...(used.length > 0 ? [transaction.query(updateClient, [JSON.stringify(used)])] : []),
      ...(audit.length > 0 ? [transaction.query(insertAudit, [auditBodies(changes, saltRows)])] : []),
      ...(entries.length > 0 ? [transaction.query(insertEntries, [JSON.stringify(entries.map(entryColumns))])] : []),
    ])
    sent.catch(() => {})
    return { value: 'committed', sent }
  }

  return changes =>
    database.transaction(changes.some(isDurable) ? beginDurable : beginRelaxed, async transaction => {
      try {
        return await apply(transaction, changes)
      } catch (error) {
        if (isUniqueViolation(error)) return undefined
        throw error
      }
    })
}

/** The clients that rows are made for. */
function clientsOfNewRows(writes: readonly Write[]): string[] {
  const named = writes.flatMap(({ table, row }) => {
    const refers = table === 'session' || table === 'family' || table === 'grant'
    return refers && row.version === 0 && row.clientId !== null ? [row.clientId] : []
  })
  return [...new Set(named)]
}

/** Two changes that write the same rows lock them in the same order. */
function byId(one: Columns, other: Columns): number {
  return String(one.id) < String(other.id) ? -1 : 1
}

/** True if the statement wrote every row. */
async function allWritten(
  transaction: Transaction,
  statement: Statement,
  values: readonly unknown[],
  rows: readonly Columns[],
): Promise<boolean> {
  return (await transaction.query(statement, values)).length === rows.length
}

function entryColumns(entry: FeedEntry): Columns {
  const epoch = 'below' in entry ? entry : undefined
  return { kind: entry.kind, id: entry.id, below: epoch?.below, at: epoch?.at, until: entry.until }
}
