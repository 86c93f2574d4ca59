import { type AuditAnchor, type AuditRecord, type JournalRecord, mayBeRemoved } from '@countersign/core'
import { AuditPruned, type Store } from '@countersign/store'

/*
 * What is changed and not ended (passwords, rights, who is disabled, clients) may have been changed again since, by a record or in the store. Both say when, so that nothing is put over what is newer.
 */

/** What of a row was changed. Each is newest by itself. */
export type ChangedPart = 'password' | 'rights' | 'switched' | 'client' | 'secrets'

/** Whether what a record changes of a user or client is newer than all that is known of it. */
export type IsNewest = (part: ChangedPart, id: string) => boolean

type Told = Pick<AuditRecord, 'event' | 'userId' | 'clientId' | 'facts'>

/** What an audit row says was changed. */
function partsOf({ event, userId, clientId, facts }: Told): readonly string[] {
  switch (event) {
    case 'user.password_changed':
      return [nameOf('password', userId)]
    case 'user.rights_changed':
      return [nameOf('rights', userId)]
    case 'user.disabled':
    case 'user.enabled':
      return [nameOf('switched', userId)]
    case 'client.secrets_changed':
      return [nameOf('secrets', clientId)]
    case 'client.revoked':
      return [nameOf('client', clientId)]
    case 'client.registered':
      return [nameOf('client', clientId), nameOf('secrets', clientId)]
    case 'client.changed':
      return [nameOf('client', clientId), ...(leavesSecrets(facts) ? [] : [nameOf('secrets', clientId)])]
    default:
      return []
  }
}

/** Whether a replay has to know of it. */
export function tellsOfChange(record: Told): boolean {
  return partsOf(record).length > 0
}

/** An operator's, or a manager's, changes of settings have nothing to do with secrets. */
function leavesSecrets(facts: Told['facts']): boolean {
  return facts?.by !== undefined && facts.by !== 'client'
}

function nameOf(part: ChangedPart, id = ''): string {
  return `${part} ${id}`
}

interface Newest {
  readonly time: number
  readonly record: number
}

/** Looks through all records, and through the store's audit log: what it has done since, or has had of the records already. The records are judged in the same order afterwards. */
export async function findNewest(
  records: Iterable<JournalRecord> | AsyncIterable<JournalRecord>,
  store: Store,
): Promise<(place: number) => IsNewest> {
  const newest = new Map<string, Newest>()
  let place = 0
  for await (const record of records) {
    for (const part of record.audit.flatMap(partsOf)) {
      const before = newest.get(part)
      if (before === undefined || record.time >= before.time) newest.set(part, { time: record.time, record: place })
    }
    place++
  }
  if (newest.size > 0) await leaveWhatTheStoreHas(newest, store)
  return which => (part, id) => newest.get(nameOf(part, id))?.record === which
}

const rowsAtATime = 1_000

async function leaveWhatTheStoreHas(newest: Map<string, Newest>, store: Store): Promise<void> {
  for (let after = 0; ; ) {
    const rows = await store.readAudit(after, rowsAtATime).catch(anchorOf)
    if ('number' in rows) {
      // What may have been in rows that are gone counts as had.
      for (const [part, { time }] of newest) if (mayBeRemoved(rows, time)) newest.delete(part)
      after = rows.number
      continue
    }
    for (const { record } of rows)
      for (const part of partsOf(record)) if ((newest.get(part)?.time ?? Infinity) <= record.time) newest.delete(part)
    const last = rows.at(-1)
    if (last === undefined) return
    after = last.number
  }
}

/** Where the log begins, with rows removed from it. */
function anchorOf(error: unknown): AuditAnchor {
  if (error instanceof AuditPruned) return error.anchor
  throw error
}
