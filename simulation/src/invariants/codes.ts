import type { AuthorizationCode, Grant } from '@countersign/core'
import type { Applied } from '../history/applied.ts'
import type { History, TokenExchange } from '../history/history.ts'
import type { Loot } from '../plan/plan.ts'
import { clientsThatAsk } from '../world/clients.ts'
import type { Truth } from './truth.ts'
import type { Violation } from './violation.ts'

/** Browsers repeat requests: a second redemption within so long ends nothing. */
const retryWindowMilliseconds = 10_000
/** From the store's look at the clock to the commit, and to the answer. */
const slack = 1_000
/** A "yes" that was on its way when it was taken back may still count. */
const underwayMilliseconds = 60_000
const wrongVerifiersAllowed = 5

interface Known {
  readonly truth: Truth
  readonly lootOf: (party: string) => Loot | undefined
  readonly codes: Map<string, AuthorizationCode>
  /** Codes that have given a login. */
  readonly spent: Map<string, string>
  /** Logins that ended, also if the store has forgotten it since. */
  readonly ended: Set<string>
  /** By user and client. */
  readonly allowedAt: Map<string, number>
  readonly withdrawn: Map<string, { readonly time: number; readonly epoch: number }>
  /** No judgement by the clock any more: it has jumped. */
  clockJumped: boolean
}

/**
 * The code flow: a code gives one login, to who has the verifier, and only as long as what it was begun under stands; presented again late it
 * ends what it gave, presented again soon it ends nothing. And an application has what the user has allowed it, and only while they do.
 */
export function judgeCodes(
  { events }: History,
  { truth, lootOf }: { truth: Truth; lootOf: (party: string) => Loot | undefined },
): Violation[] {
  const known: Known = {
    truth,
    lootOf,
    codes: new Map(),
    spent: new Map(),
    ended: new Set(),
    allowedAt: new Map(),
    withdrawn: new Map(),
    clockJumped: false,
  }
  return events.flatMap(event => {
    if (event.kind === 'allowed') known.allowedAt.set(`${event.userId} ${event.clientId}`, event.time)
    if (event.kind === 'fault' && event.what === 'store clock') known.clockJumped = true
    if (event.kind === 'forgotten' && event.how !== 'crash') forget(known)
    if (event.kind === 'commit') return judgeCommit(event.applied, known)
    return event.kind === 'exchange' && event.exchange.code !== undefined ? judgeExchange(event.exchange, known) : []
  })
}

/** What was acknowledged and is gone may happen again: the store is from before it. */
function forget({ codes, spent, withdrawn }: Known): void {
  codes.clear()
  spent.clear()
  withdrawn.clear()
}

function judgeCommit({ change, time, storeTime, node }: Applied, known: Known): Violation[] {
  const violations: Violation[] = []
  const isReuse = change.audit.some(({ event }) => event === 'code.reused')
  for (const write of change.writes) {
    if (write.table === 'code') known.codes.set(write.row.hash, write.row)
    if (write.table === 'grant') violations.push(...judgeGrant(write.row, time, known))
    if (write.table !== 'family') continue
    const { id, clientId, userId, version, endedAt, epochs } = write.row
    if (endedAt !== null) known.ended.add(id)
    const withdrawn = known.withdrawn.get(`${userId} ${clientId}`)
    // Beside a withdrawal a login may be born, under the epoch that has just ended: it is dead.
    const isDead = withdrawn !== undefined && (epochs.grant ?? withdrawn.epoch) < withdrawn.epoch
    if (version === 0 && clientsThatAsk.has(clientId) && withdrawn !== undefined && !isDead) {
      const text = `${node} gave ${clientId} a login, and the user had taken back what they allowed`
      violations.push({ rule: 'an application has what the user allows, and no more', time, text, familyId: id })
    }
    if (!isReuse || known.clockJumped) continue
    const code = [...known.codes.values()].find(({ familyId }) => familyId === id)
    const age = storeTime - (code?.usedAt ?? 0)
    if (code === undefined || age >= retryWindowMilliseconds - slack) continue
    const text = `${node} ended the login of a code that was repeated after ${age / 1000} s`
    violations.push({ rule: 'a code that is repeated at once ends nothing', time, text, familyId: id })
  }
  return violations
}

function judgeGrant({ userId, clientId, withdrawnAt, epoch }: Grant, time: number, known: Known): Violation[] {
  const key = `${userId} ${clientId}`
  if (withdrawnAt !== null) {
    known.withdrawn.set(key, { time, epoch })
    return []
  }
  const before = known.withdrawn.get(key)?.time ?? 0
  known.withdrawn.delete(key)
  const allowedAt = known.allowedAt.get(key)
  if (allowedAt !== undefined && allowedAt >= before - underwayMilliseconds) return []
  const text = `${clientId} was allowed, and the user has not said so${before > 0 ? ' since they took it back' : ''}`
  return [{ rule: 'an application has what the user allows, and no more', time, text }]
}

function judgeExchange(exchange: TokenExchange, known: Known): Violation[] {
  const { code: hash = '', party, status, given, arrivedAt, answeredAt, node } = exchange
  const violations: Violation[] = []
  const broken = (rule: string, text: string): void =>
    void violations.push({
      rule,
      time: answeredAt,
      text: `${party.name} at ${node}: ${text}`,
      familyId: given?.familyId,
    })
  const isBlind = !party.honest && known.lootOf(party.name) === 'code'
  if (status === 200) {
    if (isBlind) broken('a code is worth nothing without its verifier', 'was given tokens')
    const earlier = known.spent.get(hash)
    if (earlier !== undefined) broken('a code gives one login', 'was given a second one')
    const revokedAt = known.truth.codeRevokedAt(hash)
    if (revokedAt !== undefined && revokedAt < arrivedAt) {
      const seconds = ((arrivedAt - revokedAt) / 1000).toFixed(1)
      broken('a code begun before a revocation gives nothing after it', `was given tokens ${seconds} s after it`)
    }
    known.spent.set(hash, given?.familyId ?? '')
    return violations
  }
  if (status < 500 && !isBlind) violations.push(...judgeLateRepeat(exchange, known))
  return violations
}

/** RFC 6749 §4.1.2. Judged when the answer is there: by then the end is on disk. */
function judgeLateRepeat(
  { code: hash = '', storeArrivedAt, answeredAt, party }: TokenExchange,
  known: Known,
): Violation[] {
  const code = known.codes.get(hash)
  if (known.clockJumped || code === undefined || code.usedAt === null || code.familyId === null) return []
  if (code.failures >= wrongVerifiersAllowed || storeArrivedAt - code.usedAt < retryWindowMilliseconds) return []
  const { familyId } = code
  if (known.ended.has(familyId)) return []
  if ((known.truth.familyRevokedAt(familyId) ?? Number.POSITIVE_INFINITY) <= answeredAt) return []
  const text = `${party.name} presented a code again ${(storeArrivedAt - code.usedAt) / 1000} s after its use, and its login lives on`
  return [{ rule: 'a code that comes back late ends what it gave', time: answeredAt, text, familyId }]
}
