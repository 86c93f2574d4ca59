import type { History, TokenExchange } from '../history/history.ts'
import type { Truth } from './truth.ts'
import type { Violation } from './violation.ts'

/** Ten seconds until a verifier calls itself stale, and what messages are on their way. */
const revocationBoundMilliseconds = 13_000

/** A revoked login mints nothing, and its tokens are refused within the bound; what was minted later is never killed. */
export function judgeRevocation(history: History, truth: Truth): Violation[] {
  const violations: Violation[] = []
  // A verifier may know of what the store has forgotten, and a store whose clock jumped calls tokens expired.
  const excused = history.events.some(
    event =>
      (event.kind === 'forgotten' && event.how !== 'crash') || (event.kind === 'fault' && event.what === 'store clock'),
  )
  for (const event of history.events) {
    if (event.kind === 'exchange') {
      const text = mintedAfterRevocation(event.exchange, truth)
      const { claims, answeredAt } = event.exchange
      if (text)
        violations.push({ rule: 'a revoked login mints nothing', time: answeredAt, text, familyId: claims?.fam })
    }
    if (event.kind !== 'judgement') continue
    const { claims, kid, verdict, time, api, party } = event.judgement
    const revokedAt = truth.tokenRevokedAt(claims, kid)
    if (verdict === 'accepted' && revokedAt !== undefined && time > revokedAt + revocationBoundMilliseconds) {
      violations.push({
        rule: 'a revoked token is refused everywhere within the bound',
        time,
        text: `${api} accepted a token of ${party.name} ${((time - revokedAt) / 1000).toFixed(1)} s after it was revoked`,
        familyId: claims.fam,
      })
    }
    if (!excused && verdict === 'token_revoked' && (revokedAt === undefined || revokedAt > time)) {
      violations.push({
        rule: 'a token minted after a revocation is never killed by it',
        time,
        text: `${api} called a token of ${party.name} revoked, and nothing has revoked it`,
        familyId: claims.fam,
      })
    }
  }
  return violations
}

function mintedAfterRevocation(exchange: TokenExchange, truth: Truth): string | undefined {
  const { claims, status, arrivedAt, party } = exchange
  if (status >= 300 || claims?.fam === undefined) return undefined
  const revokedAt = truth.familyRevokedAt(claims.fam)
  if (revokedAt === undefined || revokedAt >= arrivedAt) return undefined
  return `${party.name} was given a token ${((arrivedAt - revokedAt) / 1000).toFixed(1)} s after its login was revoked`
}
