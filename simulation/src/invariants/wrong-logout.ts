import type { History, TokenExchange } from '../history/history.ts'
import type { Truth } from './truth.ts'
import type { Violation } from './violation.ts'

/** A family that a thief has presented a token of. */
function stolenFamilies(history: History): Set<string> {
  const stolen = new Set<string>()
  for (const event of history.events) {
    if (event.kind !== 'exchange' || event.exchange.party.honest || event.exchange.presented === undefined) continue
    stolen.add(event.exchange.presented.familyId)
  }
  return stolen
}

/**
 * Nobody is logged out except by logout, expiry, policy or proven reuse. Judged by what the server answered to honest parties:
 * a final refusal must have its cause in the truth; `ever` also knows what was revoked and has been forgotten since.
 */
export function judgeLogouts(history: History, truth: Truth, ever: Truth, graceMilliseconds: number): Violation[] {
  const stolen = stolenFamilies(history)
  const lostLogins = lostFamilies(history)
  const violations: Violation[] = []
  for (const event of history.events) {
    if (event.kind !== 'exchange') continue
    const { exchange } = event
    if (!exchange.party.honest || exchange.path !== '/token' || exchange.presented === undefined) continue
    const why = wrongRefusal(exchange, { truth, ever, stolen, lostLogins, history, graceMilliseconds })
    if (why === undefined) continue
    violations.push({
      rule: 'nobody is logged out except by logout, expiry, policy or proven reuse',
      time: exchange.answeredAt,
      text: `${exchange.party.name} presented generation ${exchange.presented.generation} and was told ${exchange.reason} (row ${exchange.row}): ${why}`,
      familyId: exchange.presented.familyId,
    })
  }
  return violations
}

function wrongRefusal(
  { reason, presented, answeredAt, storeArrivedAt }: TokenExchange,
  known: {
    truth: Truth
    ever: Truth
    stolen: ReadonlySet<string>
    lostLogins: ReadonlySet<string>
    history: History
    graceMilliseconds: number
  },
): string | undefined {
  const { truth, ever, stolen, lostLogins, history } = known
  const familyId = presented?.familyId ?? ''
  switch (reason) {
    case undefined:
    // Try again later, or with a better proof.
    case 'unavailable':
    case 'proof_nonce_required':
    case 'proof_replayed':
    case 'proof_invalid':
      return undefined
    case 'session_ended':
    case 'authorization_revoked':
    case 'user_disabled':
      return (ever.familyRevokedAt(familyId) ?? Number.POSITIVE_INFINITY) <= answeredAt
        ? undefined
        : 'and nothing was revoked'
    case 'refresh_token_reused': {
      if (truth.isBound(familyId)) return 'and a bound login has no reuse'
      if (stolen.has(familyId)) return undefined
      return lateRepeats(history, familyId, { until: answeredAt, graceMilliseconds: known.graceMilliseconds }) >= 2
        ? undefined
        : 'and no thief was near, nor two late repeats'
    }
    case 'session_idle_expired':
      return storeArrivedAt - lastUse(history, familyId, answeredAt) >= idleMilliseconds
        ? undefined
        : 'and it was in use'
    case 'family_unknown':
      return lostLogins.has(familyId) ? undefined : 'and the login is in the store'
    default:
      return 'and that is no reason to be refused for'
  }
}

/** Logins that were lost with what the store forgot: a backup or a replica from before them. */
function lostFamilies(history: History): Set<string> {
  const lost = new Set<string>()
  for (const event of history.events) {
    if (event.kind !== 'forgotten' || event.how === 'crash') continue
    for (const { change } of event.lost) {
      for (const write of change.writes) if (write.table === 'family' && write.row.version === 0) lost.add(write.row.id)
    }
  }
  return lost
}

const idleMilliseconds = 30 * 86_400_000 - 1_000

/** When a login was last used, or the store last restored, by the store's clock. */
function lastUse({ events }: History, familyId: string, until: number): number {
  let last = 0
  for (const event of events) {
    if (event.time > until) break
    if (event.kind !== 'commit') continue
    const { change, storeTime } = event.applied
    // A leak that is flagged is no use of the login: it is not in its client's hands.
    const isFlag = change.audit.some(record => record.event === 'refresh.leaked')
    const isUse = !isFlag && change.writes.some(write => write.table === 'family' && write.row.id === familyId)
    const isRestore = change.writes.some(write => write.table === 'issuer' && write.row.restoredAt !== null)
    if (isUse || isRestore) last = storeTime
  }
  return last
}

const creditReturnsAfter = 8
/** From the store's look at the clock to the commit. */
const slack = 1_000

/**
 * How often in a row, without eight rotations in between, the previous generation of an unbound family was presented after the
 * grace, up to a moment. The first one is forgiven; from the second on nothing tells it from theft.
 */
function lateRepeats(
  history: History,
  familyId: string,
  { until, graceMilliseconds }: { until: number; graceMilliseconds: number },
): number {
  let generation = 0
  let usedAt = 0
  let lates = 0
  let lateGeneration = 0
  for (const event of history.events) {
    if (event.time > until) break
    if (event.kind !== 'commit') continue
    const { change, storeTime } = event.applied
    const write = change.writes.find(one => one.table === 'family' && one.row.id === familyId)
    if (write?.table !== 'family') continue
    const isLate = change.audit.some(({ event: name }) => name === 'refresh.credit_spent' || name === 'refresh.reused')
    if (write.row.generation > generation && write.row.generation - lateGeneration >= creditReturnsAfter) lates = 0
    // Not late by the store's own clock, and taken for late: that is no late repeat of the client's.
    if (isLate && storeTime - usedAt >= graceMilliseconds - slack) lates++
    if (isLate) lateGeneration = write.row.generation
    generation = write.row.generation
    usedAt = storeTime
  }
  return lates
}
