import type { AuditEvent, Change } from '@countersign/core'
import { canonicalJson } from '@countersign/protocol'
import { brokenAuditRow, type StoredAuditRow } from '@countersign/store'
import type { Applied } from '../history/applied.ts'
import type { Violation } from './violation.ts'

/** One audit row for every change of rights or credentials, none for a rotation, no gaps, and the chain whole. */
export function judgeAudit(log: readonly Applied[], rows: readonly StoredAuditRow[], inOrder: boolean): Violation[] {
  const violations: Violation[] = []
  const versions = new Map<string, Written>()
  for (const { change, time, node } of log) {
    const wanted = auditedAs(change, versions)
    const events = change.audit.map(({ event }) => event)
    if (!isAsWanted(events, wanted)) {
      const text = `${node}: ${wanted.map(names => names.join(' or ')).join(' and ') || 'nothing'} expected, ${events.join(', ') || 'nothing'} written`
      violations.push({ rule: 'each change has its audit row', time, text })
    }
  }
  const broken = brokenAuditRow(rows)
  if (broken !== undefined) {
    violations.push({ rule: 'the audit chain is whole', time: 0, text: `row ${broken} does not follow` })
  }
  const expected = log.flatMap(({ change }) =>
    change.audit.map(({ personal: _sealed, ...kept }) => canonicalJson(kept)),
  )
  const found = rows.map(({ record }) => canonicalJson(record))
  if (!inOrder) for (const one of [expected, found]) one.sort()
  if (expected.length !== found.length || expected.some((one, index) => one !== found[index])) {
    const text = `${expected.length} rows expected, ${found.length} found, or others`
    violations.push({ rule: 'the audit log holds what was committed', time: 0, text })
  }
  return violations
}

interface Written {
  readonly ended: boolean
  readonly authenticatedAt: number
  readonly generation: number
  readonly creditSpentAt: number | null
  /** What a user's row held. */
  readonly held?: string
}

/** For each row that the log must have: the events that will do. */
function auditedAs(change: Change, before: Map<string, Written>): AuditEvent[][] {
  const wanted: AuditEvent[][] = []
  const ends: AuditEvent[] = ['session.ended', 'family.ended', 'refresh.reused', 'code.reused']
  const endedSessions = new Set<string>()
  for (const { table, row } of change.writes) {
    if (table === 'session' && row.endedAt !== null && before.get(`session ${row.id}`)?.ended !== true) {
      endedSessions.add(row.id)
    }
  }
  for (const write of change.writes) {
    if (write.table === 'session' || write.table === 'family') {
      const key = `${write.table} ${write.row.id}`
      const known = before.get(key)
      const ended = write.row.endedAt !== null
      if (known === undefined && write.table === 'session') wanted.push(['session.created'])
      const authenticatedAt = write.table === 'session' ? write.row.authenticatedAt : 0
      if (known !== undefined && authenticatedAt !== known.authenticatedAt) wanted.push(['session.reauthenticated'])
      // The families of a session end with it, in one row.
      const isItsOwn = write.table === 'session' || !endedSessions.has(write.row.sessionId)
      if (ended && known?.ended !== true && isItsOwn) wanted.push(ends)
      const generation = write.table === 'family' ? write.row.generation : 0
      const creditSpentAt = write.table === 'family' ? write.row.creditSpentAt : null
      before.set(key, { ended, authenticatedAt, generation, creditSpentAt })
      if (write.table !== 'family' || known === undefined || ended) continue
      const isBound = write.table === 'family' && write.row.jkt !== null
      // A late repeat of a bound login is written down, and no more.
      if (!isBound && creditSpentAt !== null && known.creditSpentAt !== creditSpentAt)
        wanted.push(['refresh.credit_spent'])
      if (generation > known.generation + 1) wanted.push(['refresh.fast_forwarded'])
    }
    if (write.table === 'user') {
      const key = `user ${write.row.id}`
      const known = before.get(key)
      const held = JSON.stringify({ ...write.row, version: 0 })
      before.set(key, { ended: false, authenticatedAt: 0, generation: 0, creditSpentAt: null, held })
      // As it was, beside what is written: so that nobody else writes it meanwhile.
      const isGuard = known?.held === held && change.writes.length > 1
      if (known === undefined) wanted.push(['user.created'])
      else if (!isGuard)
        wanted.push(['sessions.ended', 'user.disabled', 'user.enabled', 'user.deleted', 'user.password_changed'])
    }
    if (write.table === 'grant') wanted.push(['grant.allowed', 'grant.withdrawn', 'grant.renewed'])
    if (write.table === 'client') wanted.push(['client.changed'])
    if (write.table === 'keyRing') wanted.push(['keys.turned', 'key.retired'])
  }
  return wanted
}

/** What may be there besides: a family in a new session, a leak or replay that is flagged, a jump by one, a restore. */
const optional: ReadonlySet<AuditEvent> = new Set<AuditEvent>([
  'family.created',
  'refresh.leaked',
  'refresh.replay_flagged',
  'refresh.fast_forwarded',
  'all.revoked',
])

const endsByEpoch: ReadonlySet<AuditEvent> = new Set<AuditEvent>(['family.ended', 'session.ended'])

function isAsWanted(events: readonly AuditEvent[], wanted: readonly AuditEvent[][]): boolean {
  const left = [...events]
  for (const names of wanted) {
    const index = left.findIndex(event => names.includes(event))
    if (index < 0) return false
    left.splice(index, 1)
  }
  // The epoch of the grant ends them: their rows need not be written, and are not where the application is in the way by writing them too.
  const isEndOfGrant = events.includes('grant.withdrawn')
  const besides = left.filter(event => !(isEndOfGrant && endsByEpoch.has(event)))
  return besides.length <= 1 && besides.every(event => optional.has(event))
}
