import { type AuditRecord, endLogin, macMatches, namedEntry, personalOf } from '@countersign/core'
import { isRefusal, refuse } from '@countersign/protocol'
import { authenticateClient } from '../clients/authenticate-client.ts'
import { refusalAnswer } from '../http/answers.ts'
import { type Endpoint, type HttpAnswer, type HttpRequest, noStore } from '../http/message.ts'
import { readForm } from '../http/read-form.ts'
import { readRefreshToken } from '../keys/read-refresh-token.ts'
import type { Services } from '../services.ts'
import { judgeAccessToken } from '../sign-in/check-access-token.ts'
import { decideAndCommit } from '../sign-in/decide-and-commit.ts'
import { deviceOf } from '../sign-in/device-of.ts'
import { missing } from './token-request.ts'

/**
 * `POST /revoke` (RFC 7009). A refresh token ends its login; any generation will do, so that signing out works with
 * what the app happens to hold. An access token dies by its name. Unknown tokens are answered 200 (§2.2).
 */
export function revoke(services: Services): Endpoint {
  return async http => {
    const form = readForm(http)
    if (isRefusal(form)) return refusalAnswer(form)
    const token = form.get('token')
    if (token === undefined) return refusalAnswer(missing('token'))
    const authenticated = await authenticateClient(services.store, http, form)
    if (isRefusal(authenticated)) return refusalAnswer(authenticated)
    const { client } = authenticated
    const refresh = await readRefreshToken(services.keys, token)
    if (refresh === undefined) return revokeAccessToken(services, http, token, client.id)
    const outcome = await decideAndCommit(services, async () => {
      const snapshot = await services.store.loadFamily(refresh.familyId)
      if (snapshot === undefined || !macMatches(refresh, snapshot.family.salt)) return { result: {} }
      if (snapshot.family.clientId !== client.id) return refuse('client_mismatch')
      return { result: {}, change: endLogin(snapshot, 'signed_out', { device: deviceOf(http), by: 'client' }) }
    })
    return isRefusal(outcome) ? refusalAnswer(outcome) : done()
  }
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
  const outcome = await decideAndCommit(services, async () => {
    const { now, issuer } = await services.store.loadIssuer()
    const entries = [namedEntry('token', claims.jti, now, issuer)]
    const audit: AuditRecord = {
      event: 'token.revoked',
      time: now,
      clientId,
      ...(claims.sid !== undefined && { userId: claims.sub, sessionId: claims.sid }),
      ...personalOf(deviceOf(http)),
    }
    return { result: {}, change: { writes: [], audit: [audit], entries, durable: true, time: now } }
  })
  return isRefusal(outcome) ? refusalAnswer(outcome) : done()
}

function done(): HttpAnswer {
  return { status: 200, headers: { ...noStore, 'content-length': '0' } }
}
