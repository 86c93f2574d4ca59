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
/** By bound login: the last generation whose predecessor came late, and when the last flag was written, by the store's clock. */
interface Repeats {
  readonly lates: Map<string, number>
  readonly flags: Map<string, number>
}

const flagsAtMostEveryMilliseconds = 3_600_000

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
  const repeats: Repeats = { lates: new Map(), flags: new Map() }
  /** What honest parties were answered for: the proof that came with it is used up at that node. */
  const used = new Set<string>()
  for (const event of history.events) {
    if (event.kind === 'forgotten' || (event.kind === 'fault' && event.what === 'store clock')) {
      rotations.clear()
      repeats.lates.clear()
    }
    if (event.kind === 'commit') noteFlags(event.applied, repeats)
    if (event.kind === 'commit') violations.push(...judgeCommit(event.applied, { truth, rotations, tolerance }))
    if (event.kind !== 'exchange') continue
    const { exchange } = event
    violations.push(...judgeExchange(exchange, { ...more, truth, rotations, used }))
    violations.push(...judgeTurns(exchange, { truth, rotations, repeats, tolerance }))
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

function noteFlags({ change, storeTime }: Applied, { flags }: Repeats): void {
  for (const { event, familyId } of change.audit) {
    if (event === 'refresh.replay_flagged') flags.set(familyId ?? '', storeTime)
  }
}

/** Two hands with one key, turn by turn: the predecessor comes late in one generation and in the next. */
function judgeTurns(
  { presented, given, row, status, storeArrivedAt, answeredAt, party }: TokenExchange,
  known: { truth: Truth; rotations: Rotations; repeats: Repeats; tolerance: Tolerance },
): Violation[] {
  const rotation = presented && known.rotations.get(presented.familyId)
  if (status !== 200 || row !== 7 || presented === undefined || given === undefined || rotation === undefined) return []
  const { familyId, generation } = presented
  const { lates, flags } = known.repeats
  const isPredecessor = given.generation === generation + 1 && rotation.generation === given.generation
  const isLate = storeArrivedAt - rotation.storeTime >= known.tolerance.graceMilliseconds + slack
  if (!isPredecessor || !isLate) return []
  const before = lates.get(familyId)
  lates.set(familyId, given.generation)
  const flaggedAt = flags.get(familyId) ?? Number.NEGATIVE_INFINITY
  if (before !== generation || storeArrivedAt - flaggedAt <= flagsAtMostEveryMilliseconds + slack) return []
  const text = `${party.name} repeated generation ${generation} late, as it was in the generation before, and nothing was flagged`
  return [{ rule: 'two hands with one key that take turns are flagged', time: answeredAt, text, familyId }]
}
