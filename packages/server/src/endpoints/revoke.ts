import {
  type AuditRecord,
  type AuthenticatedClient,
  type Change,
  endLogin,
  judgeHolder,
  namedEntry,
  type OpenedRefreshToken,
  personalOf,
} from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import { authenticateClient } from '../clients/authenticate-client.ts'
import { refusalAnswer } from '../http/answers.ts'
import { type Endpoint, type HttpAnswer, type HttpRequest, noStore } from '../http/message.ts'
import { readForm } from '../http/read-form.ts'
import { readRefreshToken } from '../keys/read-refresh-token.ts'
import type { Services } from '../services.ts'
import { judgeAccessToken } from '../sign-in/check-access-token.ts'
import { decideAndCommit } from '../sign-in/decide-and-commit.ts'
import { deviceOf } from '../sign-in/device-of.ts'
import { holderRefusal } from './token-refresh.ts'
import { missing } from './token-request.ts'

/**
 * So many access tokens of one login (or of one client's machines) die by name in an hour: every API holds every entry of
 * the feed, so one login must not be able to fill it.
 */
const tokensAnHour = 20

/**
 * `POST /revoke` (RFC 7009 §2.1, §2.2). A refresh token ends its login; any generation will do, so that signing out works with
 * what the app happens to hold; for a bound login with the proof of its key, as at `/token`. An access token dies by its name; beyond twenty an
 * hour its login ends, and machine tokens get `too_many_attempts`. Unknown tokens are answered 200 (§2.2).
 */
export function revoke(services: Services): Endpoint {
  return async http => {
    const form = readForm(http)
    if (isRefusal(form)) return refusalAnswer(form)
    const token = form.get('token')
    if (token === undefined) return refusalAnswer(missing('token'))
    const authenticated = await authenticateClient(services, http, form, { asStored: true })
    if (isRefusal(authenticated)) return refusalAnswer(authenticated)
    const { client } = authenticated
    const refresh = await readRefreshToken(services.keys, token)
    if (refresh === undefined) return revokeAccessToken(services, http, token, client.id)
    return revokeLogin(services, http, refresh, client)
  }
}

/** Rows 1 and 2 of the refresh rule stand before the end of a login too: whoever lacks the key of a bound one ends nothing. */
async function revokeLogin(
  services: Services,
  http: HttpRequest,
  token: OpenedRefreshToken,
  client: AuthenticatedClient,
): Promise<HttpAnswer> {
  const proof = services.proofs.check(http)
  if (isRefusal(proof)) return refusalAnswer(proof)
  const device = deviceOf(http)
  let isSpent = false
  const outcome = await decideAndCommit(services, async (): Promise<RevokeDecision | Refusal> => {
    const snapshot = await services.store.loadFamily(token.familyId)
    if (snapshot === undefined) return { result: {} }
    const denied = judgeHolder({ token, snapshot, client, jkt: proof.jkt, device })
    if (denied?.row === 1) return { result: {} }
    if (denied) return { result: isRefusal(denied.outcome) ? { refusal: denied.outcome } : {}, change: denied.change }
    const replayed = isSpent ? undefined : proof.spend()
    if (replayed !== undefined) return replayed
    isSpent = true
    return { result: {}, change: endLogin(snapshot, 'signed_out', { device, by: 'client' }) }
  })
  if (isRefusal(outcome)) return refusalAnswer(outcome)
  return outcome.refusal ? holderRefusal(services, outcome.refusal) : done()
}

interface RevokeDecision {
  /** A refusal that is answered once the leak is written down. */
  readonly result: { readonly refusal?: Refusal; readonly refused?: never }
  readonly change?: Change | undefined
}

async function revokeAccessToken(
  services: Services,
  http: HttpRequest,
  token: string,
  clientId: string,
): Promise<HttpAnswer> {
  const judged = await judgeAccessToken(services, token)
  if (isRefusal(judged)) return done()
  const { claims } = judged
  if (claims.client_id !== clientId) return refusalAnswer(refuse('client_mismatch'))
  // Who acts for somebody ends what it was given, and not their login.
  const familyId = claims.act === undefined ? claims.fam : undefined
  const counted = familyId === undefined ? `token.revoked client ${clientId}` : `token.revoked family ${familyId}`
  const { allowed, retryAfterSeconds } = await services.counters.take(counted, tokensAnHour, 3600)
  if (!allowed && familyId === undefined) return refusalAnswer(refuse('too_many_attempts', { retryAfterSeconds }))
  if (!allowed && familyId !== undefined) return endLoginOf(services, http, familyId)
  const outcome = await decideAndCommit(services, async () => {
    const { now, issuer } = await services.store.loadIssuer()
    const entries = [namedEntry('token', claims.jti, now, issuer)]
    const audit: AuditRecord = {
      event: 'token.revoked',
      time: now,
      clientId,
      ...(judged.login && { userId: judged.login.user.id, sessionId: judged.login.session.id }),
      ...personalOf(deviceOf(http)),
    }
    return { result: {}, change: { writes: [], audit: [audit], entries, durable: true, time: now } }
  })
  return isRefusal(outcome) ? refusalAnswer(outcome) : done()
}

/** One entry in the place of any number: every token of the login is dead, the one that was named among them. */
async function endLoginOf(services: Services, http: HttpRequest, familyId: string): Promise<HttpAnswer> {
  const outcome = await decideAndCommit(services, async () => {
    const snapshot = await services.store.loadFamily(familyId)
    const change = snapshot && endLogin(snapshot, 'signed_out', { device: deviceOf(http), by: 'client' })
    return { result: {}, change }
  })
  return isRefusal(outcome) ? refusalAnswer(outcome) : done()
}

function done(): HttpAnswer {
  return { status: 200, headers: { ...noStore, 'content-length': '0' } }
}
