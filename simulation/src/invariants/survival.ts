import type { Change } from '@countersign/core'
import type { Applied } from '../history/applied.ts'
import type { History, HistoryEvent, TokenExchange } from '../history/history.ts'
import type { Violation } from './violation.ts'

/**
 * What was acknowledged survives a crash of the store, all but rotations; what failed has cost nothing; and who is answered with
 * a refresh token is given the current one.
 */
export function judgeSurvival(history: History): Violation[] {
  const violations: Violation[] = []
  const generations = new Map<string, { time: number; generation: number }[]>()
  for (const event of history.events) {
    if (event.kind === 'forgotten' && event.how === 'crash') {
      for (const { change, time } of event.lost) {
        if (!mayBeForgotten(change)) {
          const text = `a commit of ${time / 1000} s is gone: ${change.audit.map(record => record.event).join(', ')}`
          violations.push({ rule: 'logins, consents, ends and credits survive a crash', time: event.time, text })
        }
      }
      for (const { change } of event.lost) noteGenerations(generations, change, event.time, -1)
    }
    if (event.kind === 'forgotten' && event.how !== 'crash') generations.clear()
    if (event.kind === 'commit') noteGenerations(generations, event.applied.change, event.time, 0)
    if (event.kind === 'exchange') violations.push(...judgeGiven(event.exchange, generations))
  }
  return [...violations, ...judgeFailed(history.events)]
}

/** A rotation, a fast-forward or a flag: the token itself says what was forgotten. */
function mayBeForgotten({ writes, audit }: Change): boolean {
  const repairable = audit.every(({ event }) => /^refresh\.(fast_forwarded|replay_flagged|leaked)$/.test(event))
  return repairable && writes.every(write => write.table === 'family' && write.row.endedAt === null)
}

type Generations = Map<string, { time: number; generation: number }[]>

function noteGenerations(generations: Generations, { writes }: Change, time: number, by: number): void {
  for (const write of writes) {
    if (write.table !== 'family') continue
    const known = generations.get(write.row.id) ?? []
    generations.set(write.row.id, known)
    known.push({ time, generation: Math.max(0, write.row.generation + by) })
  }
}

function judgeGiven(exchange: TokenExchange, generations: Generations): Violation[] {
  const { given, path, arrivedAt, answeredAt, party } = exchange
  const known = given && generations.get(given.familyId)
  if (given === undefined || known === undefined || path !== '/token') return []
  const before = known.findLast(({ time }) => time <= arrivedAt)
  const current = known.filter(({ time }) => time > arrivedAt).concat(before ?? [])
  if (current.some(({ generation }) => generation === given.generation)) return []
  const text = `${party.name} was given generation ${given.generation}, and the store was at ${current.map(one => one.generation).join(', ')}`
  return [{ rule: 'who is answered gets the current generation', time: answeredAt, text, familyId: given.familyId }]
}

/** A request that was answered 503 has written nothing, unless the node could not know. */
function judgeFailed(events: readonly HistoryEvent[]): Violation[] {
  const violations: Violation[] = []
  const exchanges = events.flatMap(event => (event.kind === 'exchange' ? [event.exchange] : []))
  for (const exchange of exchanges) {
    if (exchange.status < 500 || exchange.presented === undefined) continue
    const { presented, node, party, answeredAt } = exchange
    const { familyId } = presented
    const isAlone = !exchanges.some(other => other !== exchange && isBeside(other, exchange))
    const within = events.filter(({ time }) => time >= exchange.arrivedAt && time <= answeredAt)
    const isExcused = within.some(event => event.kind === 'untold' && event.node === node)
    const wrote = within.some(event => event.kind === 'commit' && writesFamily(event.applied, node, familyId))
    if (!isAlone || isExcused || !wrote) continue
    const text = `${party.name} was told to come again, and its generation was spent all the same`
    violations.push({ rule: 'what failed has cost nothing', time: answeredAt, text, familyId })
  }
  return violations
}

function isBeside(other: TokenExchange, one: TokenExchange): boolean {
  const sameLogin = other.presented?.familyId === one.presented?.familyId
  return sameLogin && other.arrivedAt <= one.answeredAt && other.answeredAt >= one.arrivedAt
}

function writesFamily({ node, change }: Applied, by: string, familyId: string): boolean {
  return node === by && change.writes.some(write => write.table === 'family' && write.row.id === familyId)
}
