import type { AuditEvent, Change } from '@countersign/core'
import { canonicalJson } from '@countersign/protocol'
import { brokenAuditRow, type StoredAuditRow } from '@countersign/store'
import type { Applied } from '../history/applied.ts'
import type { Violation } from './violation.ts'

/** One audit row for every change of rights or credentials, none for a rotation, no gaps, and the chain whole. */
export function judgeAudit(log: readonly Applied[], rows: readonly StoredAuditRow[]): Violation[] {
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
  if (expected.length !== found.length || expected.some((one, index) => one !== found[index])) {
    const text = `${expected.length} rows expected, ${found.length} found, or others`
    violations.push({ rule: 'the audit log holds what was committed', time: 0, text })
  }
  return violations
}

interface Written {
  readonly ended: boolean
  readonly generation: number
  readonly creditSpentAt: number | null
  readonly epoch: number
}

/** For each row that the log must have: the events that will do. */
function auditedAs(change: Change, before: Map<string, Written>): AuditEvent[][] {
  const wanted: AuditEvent[][] = []
  const ends: AuditEvent[] = ['session.ended', 'family.ended', 'refresh.reused', 'code.reused']
  let hasEnd = false
  for (const write of change.writes) {
    if (write.table === 'session' || write.table === 'family') {
      const key = `${write.table} ${write.row.id}`
      const known = before.get(key)
      const ended = write.row.endedAt !== null
      if (known === undefined && write.table === 'session') wanted.push(['session.created'])
      if (ended && known?.ended !== true && !hasEnd) {
        wanted.push(ends)
        hasEnd = true
      }
      const generation = write.table === 'family' ? write.row.generation : 0
      const creditSpentAt = write.table === 'family' ? write.row.creditSpentAt : null
      before.set(key, { ended, generation, creditSpentAt, epoch: 0 })
      if (write.table !== 'family' || known === undefined || ended) continue
      if (creditSpentAt !== null && known.creditSpentAt !== creditSpentAt) wanted.push(['refresh.credit_spent'])
      if (generation > known.generation + 1) wanted.push(['refresh.fast_forwarded'])
    }
    if (write.table === 'user') {
      const known = before.get(`user ${write.row.id}`)
      before.set(`user ${write.row.id}`, { ended: false, generation: 0, creditSpentAt: null, epoch: write.row.epoch })
      if (known === undefined) wanted.push(['user.created'])
      else wanted.push(['sessions.ended', 'user.disabled', 'user.enabled', 'user.deleted', 'user.password_changed'])
    }
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

function isAsWanted(events: readonly AuditEvent[], wanted: readonly AuditEvent[][]): boolean {
  const left = [...events]
  for (const names of wanted) {
    const index = left.findIndex(event => names.includes(event))
    if (index < 0) return false
    left.splice(index, 1)
  }
  return left.length <= 1 && left.every(event => optional.has(event))
}
