import {
  type AuthenticatedClient,
  type Change,
  endLogin,
  judgeHolder,
  type OpenedRefreshToken,
} from '@countersign/core'
import { isRefusal, type Refusal } from '@countersign/protocol'
import { authenticateClient } from '../clients/authenticate-client.ts'
import { refusalAnswer } from '../http/answers.ts'
import type { Endpoint, HttpAnswer, HttpRequest } from '../http/message.ts'
import { readForm } from '../http/read-form.ts'
import { readRefreshToken } from '../keys/read-refresh-token.ts'
import type { Services } from '../services.ts'
import { decideAndCommit } from '../sign-in/decide-and-commit.ts'
import { deviceOf } from '../sign-in/device-of.ts'
import { accessTokenRevoker, revoked } from './revoke-access-token.ts'
import { holderRefusal } from './token-refresh.ts'
import { missing } from './token-request.ts'

/**
 * `POST /revoke` (RFC 7009 §2.1, §2.2). A refresh token ends its login; any generation will do, so that signing out works with
 * what the app happens to hold; for a bound login with the proof of its key, as at `/token`. An access token dies by its name
 * (`accessTokenRevoker`). Unknown tokens are answered 200 (§2.2).
 */
export function revoke(services: Services): Endpoint {
  const revokeAccessToken = accessTokenRevoker(services)
  return async http => {
    const form = readForm(http)
    if (isRefusal(form)) return refusalAnswer(form)
    const token = form.get('token')
    if (token === undefined) return refusalAnswer(missing('token'))
    const authenticated = await authenticateClient(services, http, form, { asStored: true })
    if (isRefusal(authenticated)) return refusalAnswer(authenticated)
    const { client } = authenticated
    const refresh = await readRefreshToken(services.keys, token)
    if (refresh === undefined) return revokeAccessToken(http, token, client.id)
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
  const outcome = await decideAndCommit(services, async (): Promise<RevokeDecision | Refusal> => {
    const snapshot = await services.store.loadFamily(token.familyId)
    if (snapshot === undefined) return { result: {} }
    const denied = judgeHolder({ token, snapshot, client, jkt: proof.jkt, device })
    if (denied?.row === 1) return { result: {} }
    if (denied) return { result: isRefusal(denied.outcome) ? { refusal: denied.outcome } : {}, change: denied.change }
    const replayed = await proof.spend()
    if (replayed !== undefined) return replayed
    return { result: {}, change: endLogin(snapshot, 'signed_out', { device, by: 'client' }) }
  })
  if (isRefusal(outcome)) return refusalAnswer(outcome)
  return outcome.refusal ? holderRefusal(services, outcome.refusal) : revoked()
}

interface RevokeDecision {
  /** A refusal that is answered once the leak is written down. */
  readonly result: { readonly refusal?: Refusal; readonly refused?: never }
  readonly change?: Change | undefined
}
