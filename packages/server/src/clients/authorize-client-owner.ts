import { isPublic, placeOfHash } from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import type { Actor } from '../admin/client-admin.ts'
import { orByToken } from '../http/answers.ts'
import type { HttpRequest } from '../http/message.ts'
import { type Parameters, readParameters } from '../http/read-form.ts'
import type { Services } from '../services.ts'
import { checkAccessToken } from '../sign-in/check-access-token.ts'
import { authenticateClient } from './authenticate-client.ts'
import { bearerToken } from './registration/bearer-token.ts'

/** The right that whoever manages all clients needs. */
export const managing = 'clients:manage'

/**
 * Who may change the secrets of one client and revoke it: a back end with the right `clients:manage`; the client itself, by its secret or by the token of its
 * registration; the user who owns it, by an access token with the scope `account`. Whoever is none of these does not learn whether there is such a client.
 */
export async function authorizeClientOwner(
  services: Services,
  http: HttpRequest,
  clientId: string,
): Promise<Actor | Refusal> {
  const owned = (await services.store.loadClient(clientId))?.client
  const authorization = http.header('authorization') ?? ''
  if (/^Basic /i.test(authorization)) {
    const caller = await authenticateClient(services, http, readParameters('') as Parameters)
    if (isRefusal(caller)) return orByToken(caller)
    if (!isPublic(caller.client) && caller.client.scopes.includes(managing)) return 'manager'
    return caller.client.id === clientId ? 'client' : refuse('client_not_allowed')
  }
  const token = bearerToken(http)
  if (token !== undefined && owned !== undefined && !owned.disabled) {
    if (placeOfHash(owned.registrationTokenHashes, token) >= 0) return 'client'
  }
  const checked = await checkAccessToken(services, http, [managing, 'account'])
  if (isRefusal(checked)) return checked
  // A right of back ends is none of a user's, whatever scope an application was given by mistake.
  if (checked.login === undefined) {
    return checked.claims.scope?.split(' ').includes(managing) ? 'manager' : refuse('scope_insufficient')
  }
  const isOwner = owned !== undefined && owned.ownerId === checked.login.user.id
  return isOwner && checked.claims.scope?.split(' ').includes('account') ? 'owner' : refuse('scope_insufficient')
}
