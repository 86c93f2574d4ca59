import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import { authorizeCaller } from '../clients/authorize-caller.ts'
import { withdraw } from '../grants/end-application.ts'
import { type Application, listApplications } from '../grants/list-applications.ts'
import { json, noContent, refusalAnswer } from '../http/answers.ts'
import type { Endpoint, HttpAnswer, HttpRequest } from '../http/message.ts'
import type { Services } from '../services.ts'
import { deviceOf } from '../sign-in/device-of.ts'
import { loginOf } from './login-of.ts'
import { namedUser } from './named-user.ts'

/** The right that a trusted back end needs. */
const right = 'sessions:manage'

/** `GET /v1/grants`: what this user has allowed applications. */
export function listGrants(services: Services): Endpoint {
  return async http => {
    const caller = await loginOf(services, http)
    return isRefusal(caller) ? refusalAnswer(caller) : grantsOf(services, caller.user.id)
  }
}

/** `DELETE /v1/grants/{client}`: takes it back. */
export function endGrant(services: Services): Endpoint {
  return async http => {
    const caller = await loginOf(services, http)
    if (isRefusal(caller)) return refusalAnswer(caller)
    const actor = { device: deviceOf(http), by: 'user' as const }
    return ended(await withdraw(services, caller.user.id, clientOf(http), actor))
  }
}

/** `GET /v1/trusted/users/{user}/grants`. */
export function listTrustedGrants(services: Services): Endpoint {
  return async http => {
    const caller = await authorizeCaller(services, http, right)
    if (isRefusal(caller)) return refusalAnswer(caller)
    const { user } = await services.store.loadUser(namedUser(http))
    return user === undefined ? refusalAnswer(refuse('user_unknown')) : grantsOf(services, user.id)
  }
}

/** `DELETE /v1/trusted/users/{user}/grants/{client}`. */
export function endTrustedGrant(services: Services): Endpoint {
  return async http => {
    const caller = await authorizeCaller(services, http, right)
    if (isRefusal(caller)) return refusalAnswer(caller)
    const { user } = await services.store.loadUser(namedUser(http))
    if (user === undefined) return refusalAnswer(refuse('user_unknown'))
    return ended(await withdraw(services, user.id, clientOf(http), { by: 'operator' }))
  }
}

async function grantsOf(services: Services, userId: string): Promise<HttpAnswer> {
  const applications = await listApplications(services, userId)
  return json(200, { grants: applications.flatMap(grantView) })
}

/** A grant as the API tells it; times RFC 3339. */
function grantView({ clientId, client, grant, logins, lastUsedAt }: Application): object[] {
  if (grant === undefined) return []
  const view = {
    client_id: clientId,
    client_name: client?.name ?? clientId,
    scope: grant.scopes.join(' '),
    audiences: grant.audiences,
    allowed_at: new Date(grant.allowedAt).toISOString(),
    last_used_at: new Date(lastUsedAt).toISOString(),
    sessions: logins.map(({ session }) => ({ id: session.id, device: session.device.label })),
  }
  return [view]
}

function ended(outcome: object | Refusal): HttpAnswer {
  return isRefusal(outcome) ? refusalAnswer(outcome) : noContent()
}

function clientOf(http: HttpRequest): string {
  return http.params.client ?? ''
}
