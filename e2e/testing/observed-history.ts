import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { AuditRecord, Change, Write } from '@countersign/core'
import type { FeedEntry } from '@countersign/protocol'
import type { Applied } from '@countersign/simulation/history/applied'

interface ObservedRow {
  readonly job: string
  readonly at: number
  readonly store_at: number
  readonly name: string
  readonly body: string
}

/** What `observe.ts` has left in the data folder of a server that has ended, as the simulation's judges read it. */
export function readObserved(dataFolder: string): Applied[] {
  const database = new DatabaseSync(join(dataFolder, 'countersign.sqlite'), { readOnly: true })
  const rows = database.prepare('SELECT * FROM observed ORDER BY number').all() as unknown as ObservedRow[]
  database.close()
  const known = idsOf(rows)
  const log: Applied[] = []
  let open: { job: string; writes: Write[]; audit: AuditRecord[]; entries: FeedEntry[] } | undefined
  for (const row of rows) {
    const isAlone = row.job.endsWith('.0')
    if (open === undefined || isAlone || open.job !== row.job) {
      open = { job: row.job, writes: [], audit: [], entries: [] }
      const change: Change = { ...open, durable: true, time: row.store_at }
      log.push({ change, time: row.at, storeTime: row.store_at, node: 'server' })
    }
    const body = JSON.parse(row.body) as Record<string, unknown>
    if (row.name === 'audit') open.audit.push(body.record as AuditRecord)
    else if (row.name === 'entry') open.entries.push(body as unknown as FeedEntry)
    else open.writes.push(writeOf(row.name, body, known))
  }
  return log
}

/** References hold the first eight bytes of an id: the whole one by these, and the user of each session. */
interface KnownIds {
  readonly whole: ReadonlyMap<string, string>
  readonly userOf: ReadonlyMap<string, string>
}

function idsOf(rows: readonly ObservedRow[]): KnownIds {
  const [whole, userOf] = [new Map<string, string>(), new Map<string, string>()]
  for (const { name, body } of rows) {
    if (name !== 'session' && name !== 'user') continue
    const { id, user = '' } = JSON.parse(body) as { id: string; user?: string }
    whole.set(id.slice(0, 16), idText(id))
    if (name === 'session') userOf.set(id.slice(0, 16), user)
  }
  return { whole, userOf }
}

function idText(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64url')
}

/** A row as far as judges look at it. In the file is the version that it has now; a write names the one that it was made from. */
function writeOf(name: string, body: Record<string, unknown>, { whole, userOf }: KnownIds): Write {
  const version = Number(body.version) - 1
  const id = (member: string): string => idText(String(body[member]))
  switch (name) {
    case 'family': {
      const session = String(body.session)
      const owner = { sessionId: whole.get(session) ?? '', userId: whole.get(userOf.get(session) ?? '') ?? '' }
      const row = { ...body, ...owner, version, id: id('id'), jkt: body.jkt || null }
      return { table: 'family', row } as unknown as Write
    }
    case 'session': {
      const row = { ...body, version, id: id('id'), userId: whole.get(String(body.user)) ?? '' }
      return { table: 'session', row } as unknown as Write
    }
    case 'user':
      return { table: 'user', row: { ...body, version, id: id('id') } } as unknown as Write
    case 'client':
      return { table: 'client', row: { ...body, version } } as unknown as Write
    case 'issuer':
      return { table: 'issuer', row: { ...(body.body as object), version } } as unknown as Write
    default:
      return { table: 'keyRing', row: { version } } as unknown as Write
  }
}
