import { isRefusal, refuse } from '@countersign/protocol'
import { authorizeCaller } from '../clients/authorize-caller.ts'
import { providerTokens } from '../connections/provider-tokens.ts'
import { json, refusalAnswer } from '../http/answers.ts'
import type { Endpoint } from '../http/message.ts'
import type { Services } from '../services.ts'
import { namedUser } from './named-user.ts'

/** The right that a back end needs; that of sessions is not enough (CVE-2026-63203). */
const right = 'connections:tokens'

/** `GET /v1/trusted/users/{user}/connections/{connection}/token`: the provider's access token of a user, good for a while yet. */
export function getProviderToken(services: Services): Endpoint {
  return async http => {
    const caller = await authorizeCaller(services, http, right)
    if (isRefusal(caller)) return refusalAnswer(caller)
    const connection = services.connections.byName(http.params.connection ?? '')
    if (connection === undefined) return refusalAnswer(refuse('connection_unknown'))
    const tokens = await providerTokens(services, connection, namedUser(http))
    if (isRefusal(tokens)) return refusalAnswer(tokens)
    const { accessToken, expiresAt, scope } = tokens
    return json(200, {
      access_token: accessToken,
      ...(expiresAt !== undefined && { expires_at: new Date(expiresAt).toISOString() }),
      ...(scope !== undefined && { scope }),
    })
  }
}
