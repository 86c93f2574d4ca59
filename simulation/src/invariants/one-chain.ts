import { type Applied, rowKeyOf } from '../history/applied.ts'
import type { Violation } from './violation.ts'

/** An old token of a bound login that is presented for ever counts as use, a few times in each idle period. */
const notedUseMilliseconds = 86_400_000

/**
 * What the store has applied is one line of descent: each write follows the version before it, a family's generation goes up
 * by one (or jumps by a fast-forward that is audited), and what has ended stays ended.
 */
export function judgeChain(log: readonly Applied[]): Violation[] {
  const violations: Violation[] = []
  const versions = new Map<string, number>()
  const families = new Map<
    string,
    { generation: number; ended: boolean; rotatedAt: number; creditSpentAt: number | null }
  >()
  for (const { change, time, node } of log) {
    for (const write of change.writes) {
      const key = rowKeyOf(write)
      const version = 'version' in write.row ? write.row.version : 0
      const known = versions.get(key)
      if (known !== undefined && version !== known) {
        violations.push({
          rule: 'no update is lost',
          time,
          text: `${node} wrote ${key} over version ${version}, but the store was at ${known}`,
          familyId: write.table === 'family' ? write.row.id : undefined,
        })
      }
      versions.set(key, version + 1)
      if (write.table !== 'family') continue
      const { id, generation, endedAt, rotatedAt, jkt, creditSpentAt } = write.row
      const before = families.get(id)
      families.set(id, { generation, ended: endedAt !== null, rotatedAt, creditSpentAt })
      if (before === undefined) continue
      const jumps = change.audit.some(({ event }) => event === 'refresh.fast_forwarded')
      const steps = generation - before.generation
      const broken = (rule: string): void =>
        void violations.push({
          rule,
          time,
          text: `${node}: ${key} from ${before.generation} to ${generation}`,
          familyId: id,
        })
      if (steps < 0) broken('a generation never goes down')
      if (steps > 1 && !jumps) broken('a generation goes up one at a time')
      if (steps === 1 && jumps && change.audit.length !== 1) broken('a fast-forward is audited once')
      const isNote = jkt !== null && creditSpentAt === generation && before.creditSpentAt !== generation
      if (steps === 0 && !isNote && change.audit.length === 0 && rotatedAt - before.rotatedAt < notedUseMilliseconds) {
        broken('one generation has one successor')
      }
      if (before.ended && endedAt === null) broken('what has ended stays ended')
    }
  }
  return violations
}
