import { ageOf, anything, type Holding, newId, nothing, readStorage, recordOf, writeStorage } from './holding.ts'
import { type IssuerAnswer, judgeRefresh } from './issuer-answer.ts'
import { askIssuer } from './issuer-request.ts'
import { isLive, type LiveSession, type SignedOutReason, type StoredSession } from './stored-session.ts'

/**
 * What a pass through the critical section found out. `over`: the record could not be written over that version.
 * `later`: milliseconds for which the server does not want to be asked again. `stop`: why it is no use.
 */
export type Outcome =
  | { readonly adopt: StoredSession | undefined; readonly age?: number; readonly over?: string }
  | { readonly later: number }
  | { readonly stop: string }

/**
 * Read again → adopt if newer → post → compare-and-set. Runs under the lock where there is one, and must be right
 * without it. Nothing in here waits without a limit, and none of the application's code is called.
 */
export async function criticalSection(holding: Holding, seen: LiveSession): Promise<Outcome> {
  const { unsavedOver, platform, clientId } = holding
  let base: StoredSession | undefined = seen
  let over = unsavedOver ?? seen.version
  let readable = true
  try {
    const stored = await readStorage(holding)
    const version = stored?.version ?? nothing
    if (unsavedOver !== anything && unsavedOver !== version) base = stored
    over = version
  } catch {
    // Memory will do if no other tab can have gone further, or if the key makes a repetition harmless.
    if (unsavedOver === undefined && !seen.key) return { later: 0 }
    readable = false
  }
  if (!isLive(base) || isNewer(base, seen, platform.clock.now())) return { adopt: base }
  const { refreshToken, key } = base
  if (!refreshToken) return { stop: 'No refresh token.' }

  const form = { grant_type: 'refresh_token', refresh_token: refreshToken, client_id: clientId }
  const body = new URLSearchParams(form)
  const answer = await askIssuer(holding, { path: '/token', body, key })
  switch (judgeRefresh(answer)) {
    case 'tokens':
      return keep(holding, over, base, answer)
    case 'final': {
      const ended: StoredSession = { version: newId(holding), ended: answer.reason as SignedOutReason }
      const ours = !readable || (await writeStorage(holding, over, ended))
      return { adopt: ours ? ended : await readStorage(holding) }
    }
    case 'misconfigured':
      return { stop: `Client refused: ${answer.reason}.` }
    default:
      return { later: answer.retryAfter }
  }
}

/** Another tab has renewed since, and what it got has time left. */
function isNewer(base: LiveSession, seen: LiveSession, now: number): boolean {
  const age = now - base.sentAt
  return base.version !== seen.version && age >= 0 && age < base.lifetimeSeconds * 800
}

/** Writes what was got. If it cannot be written it stays in memory; if somebody else has written, that is no older. */
async function keep(holding: Holding, over: string, base: LiveSession, answer: IssuerAnswer): Promise<Outcome> {
  const next = recordOf(holding, base, answer)
  const age = ageOf(holding, answer)
  if (over === anything) return { adopt: next, age, over }
  const written = await writeStorage(holding, over, next).catch(() => undefined)
  if (written === undefined) return { adopt: next, age, over }
  return written ? { adopt: next, age } : { adopt: await readStorage(holding) }
}
