import { isRefusal, refuse } from '@countersign/protocol'
import { authorizeCaller } from '../clients/authorize-caller.ts'
import { json, refusalAnswer } from '../http/answers.ts'
import { type Endpoint, noStore } from '../http/message.ts'
import { readParameters } from '../http/read-form.ts'
import type { Services } from '../services.ts'
import { missing } from './token-request.ts'

/**
 * `GET /secrets?audience=…`: for an API, the secrets that it shares with us, as a JWK Set (RFC 7518 §6.4). It is a client with the right and with the
 * audience among what it `serves`. The first one is the primary, which signs; the others were it, or will be.
 */
export function sharedSecrets(services: Services): Endpoint {
  return async request => {
    const query = readParameters(request.query)
    if (isRefusal(query)) return refusalAnswer(query)
    const caller = await authorizeCaller(services, request, 'secrets')
    if (isRefusal(caller)) return refusalAnswer(caller)
    const audience = query.get('audience')
    if (audience === undefined) return refusalAnswer(missing('audience'))
    const found = await services.store.loadClient(caller.clientId)
    if (!found?.client.serves?.includes(audience)) {
      return refusalAnswer(refuse('client_not_allowed', { detail: 'The client does not serve this API.' }))
    }
    const secrets = services.keys.sharedSecrets(audience).toSorted((one, other) => +other.isPrimary - +one.isPrimary)
    const keys = secrets.map(({ kid, secret }) => ({
      kty: 'oct',
      kid,
      alg: 'HS256',
      use: 'sig',
      k: secret.toString('base64url'),
    }))
    return json(200, { keys }, { ...noStore, 'content-type': 'application/jwk-set+json' })
  }
}
