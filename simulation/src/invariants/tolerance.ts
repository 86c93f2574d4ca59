import type { Applied } from '../history/applied.ts'
import type { History, PresentedToken, TokenExchange } from '../history/history.ts'
import type { Loot } from '../plan/plan.ts'
import type { Truth } from './truth.ts'
import type { Violation } from './violation.ts'

/** How long the predecessor of an unbound token is good, and how long nothing rotates (H). */
export interface Tolerance {
  readonly graceMilliseconds: number
  readonly minimumLifeMilliseconds: number
}

/** A request may have waited for the store, and so was judged later than it came. */
const slack = 8_000

/** When a family last changed hands from one generation to the next, by the store's clock. */
type Rotations = Map<string, { readonly generation: number; readonly storeTime: number }>

/**
 * Tolerance without proof is bounded: after the grace the predecessor of an unbound login costs the credit or the login. And who has
 * not the key of a bound one, or not both halves of the secret, gets nothing at all.
 */
export function judgeTolerance(
  history: History,
  truth: Truth,
  more: { lootOf: (party: string) => Loot | undefined; nodes: number; tolerance: Tolerance },
): Violation[] {
  const { tolerance } = more
  const violations: Violation[] = []
  const rotations: Rotations = new Map()
  /** What honest parties were answered for: the proof that came with it is used up at that node. */
  const used = new Set<string>()
  for (const event of history.events) {
    if (event.kind === 'forgotten') rotations.clear()
    if (event.kind === 'fault' && event.what === 'store clock') rotations.clear()
    if (event.kind === 'commit') violations.push(...judgeCommit(event.applied, { truth, rotations, tolerance }))
    if (event.kind !== 'exchange') continue
    const { exchange } = event
    violations.push(...judgeExchange(exchange, { ...more, truth, rotations, used }))
    if (exchange.party.honest && exchange.status === 200 && exchange.presented) used.add(usedName(exchange.presented))
  }
  return violations
}

function usedName({ familyId, generation }: PresentedToken): string {
  return `${familyId} ${generation}`
}

function judgeCommit(
  { change, storeTime, time, node }: Applied,
  { truth, rotations, tolerance }: { truth: Truth; rotations: Rotations; tolerance: Tolerance },
): Violation[] {
  const { graceMilliseconds, minimumLifeMilliseconds } = tolerance
  const violations: Violation[] = []
  for (const write of change.writes) {
    if (write.table !== 'family' || write.row.endedAt !== null) continue
    const { id, generation } = write.row
    const known = rotations.get(id)
    const events = change.audit.map(record => record.event)
    const seconds = known === undefined ? Number.POSITIVE_INFINITY : (storeTime - known.storeTime) / 1000
    const broken = (rule: string, text: string): void =>
      void violations.push({ rule, time, text: `${node} ${text} after ${seconds} s`, familyId: id })
    if (!truth.isBound(id) && events.length === 0 && generation === (known?.generation ?? generation) + 1) {
      if (seconds * 1000 < minimumLifeMilliseconds - slack)
        broken('an unbound token lives for its minimum life', 'rotated')
    }
    if (events.includes('refresh.credit_spent') && seconds * 1000 < graceMilliseconds - slack) {
      broken('the credit is spent on late retries alone', 'spent it')
    }
    if (known?.generation !== generation || events.includes('refresh.credit_spent')) {
      rotations.set(id, { generation, storeTime })
    }
  }
  return violations
}

function judgeExchange(
  exchange: TokenExchange,
  known: {
    truth: Truth
    rotations: Rotations
    lootOf: (party: string) => Loot | undefined
    nodes: number
    tolerance: Tolerance
    used: ReadonlySet<string>
  },
): Violation[] {
  const { presented, row, status, party, answeredAt, storeArrivedAt, given } = exchange
  if (presented === undefined) return []
  const violations: Violation[] = []
  const { familyId, generation } = presented
  const bound = known.truth.isBound(familyId)
  const loot = party.honest ? undefined : known.lootOf(party.name)
  const broken = (rule: string, text: string): void => void violations.push({ rule, time: answeredAt, text, familyId })
  if (status === 200 && (loot === 'database' || loot === 'refresh key')) {
    broken('half a secret is none', `${party.name} made a token from the ${loot} alone`)
  }
  if (
    status === 200 &&
    bound &&
    (loot === 'token' || (loot === 'request' && known.nodes === 1 && known.used.has(usedName(presented))))
  ) {
    broken('a bound token is worth nothing without its key', `${party.name} was answered`)
  }
  const rotation = known.rotations.get(familyId)
  const seconds = rotation === undefined ? 0 : (storeArrivedAt - rotation.storeTime) / 1000
  if (row === 8 && seconds * 1000 > known.tolerance.graceMilliseconds + slack) {
    broken('tolerance without proof is bounded', `${party.name} was forgiven ${seconds} s after the rotation`)
  }
  if (bound && row !== undefined && row >= 8) broken('a bound login knows no grace and no reuse', `row ${row}`)
  if (row === 4 && given !== undefined && given.generation !== generation) {
    broken('a fast-forward rotates nothing', `${party.name} was given generation ${given.generation}`)
  }
  return violations
}
