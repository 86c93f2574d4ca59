import { type DeviceRedemption, hashCode, redeemDeviceCode, sessionNameFor, stillAllowed } from '@countersign/core'
import { isRefusal, refuse } from '@countersign/protocol'
import { StoreUnavailable } from '@countersign/store'
import { json, refusalAnswer } from '../http/answers.ts'
import type { HttpAnswer } from '../http/message.ts'
import type { Services } from '../services.ts'
import { deviceOf } from '../sign-in/device-of.ts'
import { grantAudiences } from './grant-audiences.ts'
import { signTokenAnswer } from './token-answer.ts'
import { missing, type TokenRequest } from './token-request.ts'

const triesAtMost = 20

/** `grant_type=urn:ietf:params:oauth:grant-type:device_code` (RFC 8628 §3.4): load → decide → sign → commit → answer. */
export async function pollForDevice(services: Services, request: TokenRequest): Promise<HttpAnswer> {
  const { form, client, proof, http } = request
  const code = form.get('device_code')
  if (code === undefined) return refusalAnswer(missing('device_code'))
  for (let tries = 0; tries < triesAtMost; tries++) {
    const snapshot = await loadRequest(services, hashCode(code))
    if (snapshot === undefined) return refusalAnswer(refuse('device_code_invalid'))
    const { jkt } = proof
    const { outcome, change } = redeemDeviceCode({
      snapshot,
      client,
      jkt,
      device: deviceOf(http),
      random: services.random,
      logins: await loginsOf(services, snapshot),
    })
    const reachable = stillAllowed(snapshot.row, client).audiences
    const audiences = grantAudiences(form.get('resource'), services.config.issuer, reachable)
    if (!isRefusal(outcome) && audiences === undefined) return refusalAnswer(refuse('resource_invalid'))
    const spent = isRefusal(outcome) ? undefined : await proof.spend()
    if (spent !== undefined) return refusalAnswer(spent)
    const { approver } = snapshot
    const answer =
      isRefusal(outcome) || approver === undefined
        ? refusalAnswer(isRefusal(outcome) ? outcome : refuse('device_code_invalid'))
        : json(200, {
            ...(await signTokenAnswer(
              services,
              { ...approver, client, ...outcome },
              { generation: 0, jkt, audiences, idToken: { nonce: null } },
            )),
            session_id: sessionNameFor(client, outcome.session.id, services.pairwiseKey),
          })
    if (change === undefined || (await services.store.commit(change)) === 'committed') return answer
  }
  throw new StoreUnavailable('A device code is being redeemed by others all the time.')
}

/** The user's living logins: a new one can end those before. */
async function loginsOf(
  { store }: Services,
  { approver }: DeviceRedemption['snapshot'],
): Promise<DeviceRedemption['logins']> {
  return approver ? store.listSessions(approver.user.id) : []
}

/**
 * The request first, then who approved it: an answer that comes in between changes the request's version, and a raised epoch is found by what the new session was
 * stamped with.
 */
async function loadRequest(services: Services, hash: string): Promise<DeviceRedemption['snapshot'] | undefined> {
  const found = await services.store.loadShortLived('deviceCode', hash)
  if (found === undefined) return undefined
  const { row } = found
  if (row.state !== 'approved' || row.sessionId === null) return { ...found, approver: undefined, grant: undefined }
  const approver = await services.store.loadSessionOnly(row.sessionId)
  const under = row.epochs?.grant
  const grant = under === undefined ? undefined : await services.store.loadGrant(row.userId ?? '', row.clientId)
  return { ...found, approver, grant: grant?.grant }
}
