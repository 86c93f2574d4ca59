import {
  type AuditPlace,
  type AuditRecord,
  type Change,
  clientsOutlived,
  clientsToTell,
  endedBy,
  hashCode,
  type LogoutDelivery,
  logoutDeliveryHash,
  newLogoutDelivery,
  type Write,
} from '@countersign/core'
import { AuditPruned, type Store, type StoredAuditRow, StoreUnavailable } from '@countersign/store'

/*
 * Whatever ends a session is audited in the same commit, and the audit log has no gaps and loses nothing. So it is what is followed: each end leads to the
 * deliveries that it makes necessary, and these are committed together with the place in the log. However a node dies, none is lost; of many nodes, one
 * commits.
 */

const placeHash = hashCode('back-channel logout')
const rowsAtATime = 200
/** The place moves on with each delivery, and by itself so often, so that no start has to read much again. */
const rowsUntilNoted = 1_000
const never = Number.MAX_SAFE_INTEGER

/** Reads on from where it is; resolves once everything up to now has been acted on. */
export interface EndFollower {
  follow(): Promise<void>
}

export function createEndFollower(store: Store): EndFollower {
  let place: AuditPlace | undefined
  /** What this node has read; of the rows between the two nothing follows. */
  let read = 0

  async function goToPlace(): Promise<void> {
    const found = await store.loadShortLived('auditPlace', placeHash)
    place = found?.row ?? { hash: placeHash, number: 0, expiresAt: never, version: 0 }
    read = place.number
  }

  async function readOn(): Promise<readonly StoredAuditRow[]> {
    try {
      return await store.readAudit(read, rowsAtATime)
    } catch (error) {
      if (!(error instanceof AuditPruned)) throw error
      // Of a session that ended as long ago nobody is told any more.
      read = error.anchor.number
      return store.readAudit(read, rowsAtATime)
    }
  }

  /** False: there is no more. */
  async function step(): Promise<boolean> {
    if (place === undefined) await goToPlace()
    const rows = await readOn()
    const last = rows.at(-1)
    if (last === undefined || place === undefined) return false
    const deliveries = await deliveriesFor(store, rows)
    if (deliveries.length > 0 || last.number - place.number >= rowsUntilNoted) {
      const moved = { ...place, number: last.number }
      if (
        (await store.commit(await changeOf(store, [{ table: 'auditPlace', row: moved }, ...deliveries]))) === 'conflict'
      ) {
        place = undefined
        return true
      }
      place = { ...moved, version: moved.version + 1 }
    }
    read = last.number
    return rows.length === rowsAtATime
  }

  return {
    async follow() {
      // Another node that is always first has done the work; whoever loses this often says so.
      for (let conflicts = 0; conflicts < 100; ) {
        if (!(await step())) return
        if (place === undefined) conflicts++
      }
      throw new StoreUnavailable('The place in the audit log is being moved by others all the time.')
    },
  }
}

async function changeOf(store: Store, writes: readonly Write[]): Promise<Change> {
  const { now } = await store.loadIssuer()
  return { writes, audit: [], entries: [], durable: true, time: now }
}

type Told = Pick<LogoutDelivery, 'clientId' | 'sessionId' | 'userId'>

/** What is looked up for many rows is asked at once, so that a store may answer it together. */
async function deliveriesFor(store: Store, rows: readonly StoredAuditRow[]): Promise<readonly Write[]> {
  const found = (await Promise.all(rows.map(({ record }) => toldOf(store, record)))).flat()
  const told = new Map(found.map(one => [logoutDeliveryHash(one.sessionId, one.clientId), one]))
  const toTell = await clientsWithAddress(store, new Set(found.map(({ clientId }) => clientId)))
  const writes: Write[] = []
  for (const [hash, one] of told) {
    if (!toTell.has(one.clientId)) continue
    const { now } = await store.loadIssuer()
    const before = (await store.loadShortLived('logoutDelivery', hash))?.row
    const row = newLogoutDelivery(one, now, before)
    if (row !== undefined) writes.push({ table: 'logoutDelivery', row })
  }
  return writes
}

/** Those of them that want to be told. */
async function clientsWithAddress(store: Store, clientIds: ReadonlySet<string>): Promise<ReadonlySet<string>> {
  const wanting = [...clientIds].map(async id => {
    const client = (await store.loadClient(id))?.client
    return client === undefined || client.disabled || client.backchannelLogoutUri === null ? [] : [id]
  })
  return new Set((await Promise.all(wanting)).flat())
}

async function toldOf(store: Store, record: Omit<AuditRecord, 'personal'>): Promise<readonly Told[]> {
  const ended = endedBy(record)
  if (ended === undefined) return []
  if (ended.userId === undefined) {
    const found = await store.loadSession(ended.sessionId)
    if (found === undefined) return []
    const { session, families } = found
    return clientsToTell(session, families).map(clientId => ({
      clientId,
      sessionId: session.id,
      userId: session.userId,
    }))
  }
  const sessions = await store.listSessionsUnder(ended.userId, ended.epoch)
  return sessions.flatMap(({ session, families }) =>
    clientsOutlived(families).map(clientId => ({ clientId, sessionId: session.id, userId: session.userId })),
  )
}
