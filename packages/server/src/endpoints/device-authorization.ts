import {
  type AuthenticatedClient,
  beginDeviceRequest,
  deviceCodeSeconds,
  devicePollSeconds,
  grantScope,
  hashCode,
  hashUserCode,
  makeUserCode,
  showUserCode,
} from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import { authenticateClient } from '../clients/authenticate-client.ts'
import { limitStrangers } from '../clients/limit-strangers.ts'
import { json, refusalAnswer } from '../http/answers.ts'
import type { Endpoint } from '../http/message.ts'
import { type Parameters, readForm, repeatable } from '../http/read-form.ts'
import type { Services } from '../services.ts'
import { decideAndCommit } from '../sign-in/decide-and-commit.ts'
import { deviceOf } from '../sign-in/device-of.ts'
import { grantAudiences } from './grant-audiences.ts'

/** Of a client that nobody has vouched for: each request is two rows on the disk. */
const requestsAMinute = 30

export const deviceGrantType = 'urn:ietf:params:oauth:grant-type:device_code'

/** `POST /device_authorization` (RFC 8628 §3.1, §3.2): a code for the device to poll with, and one for its user to type on `/device`. */
export function authorizeDevice(services: Services): Endpoint {
  return async http => {
    const form = readForm(http, repeatable)
    if (isRefusal(form)) return refusalAnswer(form)
    const authenticated = await authenticateClient(services, http, form)
    if (isRefusal(authenticated)) return refusalAnswer(authenticated)
    const { client } = authenticated
    const asked = readAsked(client, form, services.config.issuer)
    if (isRefusal(asked)) return refusalAnswer(asked)
    const limited = await limitStrangers(services, { client, ip: http.ip, what: 'devices', perMinute: requestsAMinute })
    if (limited !== undefined) return refusalAnswer(limited)
    const deviceCode = services.random(32).toString('base64url')
    // A user code that is taken is a conflict, and the next one is tried.
    const made = await decideAndCommit(services, async () => {
      const { now } = await services.store.loadIssuer()
      const code = makeUserCode(services.random)
      const userCodeHash = hashUserCode(services.userCodeKey, code)
      const hash = hashCode(deviceCode)
      const rows = beginDeviceRequest({
        ...asked,
        clientId: client.id,
        device: deviceOf(http),
        hash,
        userCodeHash,
        now,
      })
      const writes = [
        { table: 'deviceCode' as const, row: rows.deviceCode },
        { table: 'userCode' as const, row: rows.userCode },
      ]
      return { result: { code }, change: { writes, audit: [], entries: [], durable: false, time: now } }
    })
    if (isRefusal(made)) return refusalAnswer(made)
    const userCode = showUserCode(made.code)
    const page = `${services.config.issuer}/device`
    return json(200, {
      device_code: deviceCode,
      user_code: userCode,
      verification_uri: page,
      verification_uri_complete: `${page}?user_code=${userCode}`,
      expires_in: deviceCodeSeconds,
      interval: devicePollSeconds,
    })
  }
}

function readAsked(
  client: AuthenticatedClient,
  form: Parameters,
  issuer: string,
): { scope: string; audiences: readonly string[] } | Refusal {
  if (!client.grantTypes.includes(deviceGrantType)) return refuse('client_not_allowed')
  const scope = grantScope(form.get('scope'), client.scopes, client.defaultScopes)
  if (scope === undefined) return refuse('scope_invalid')
  const audiences = grantAudiences(form.get('resource'), issuer, client.audiences)
  return audiences === undefined ? refuse('resource_invalid') : { scope, audiences }
}
