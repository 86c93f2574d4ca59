import { type AuthenticatedClient, isPublic } from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import type { HttpRequest } from '../http/message.ts'
import { type Parameters, readParameters } from '../http/read-form.ts'
import type { Services } from '../services.ts'
import { checkAccessToken, judgeAccessToken } from '../sign-in/check-access-token.ts'
import { authenticateClient } from './authenticate-client.ts'

/** Scopes that only a back end can use; a client without a secret cannot have them. */
export const rightsOfBackEnds: readonly string[] = ['introspection', 'sessions:manage']

/** Who asks, and whether what they have shown is still good: for an answer that takes long. */
export interface Caller {
  readonly clientId: string
  stands(): Promise<boolean>
}

/**
 * A back end that may do `right`: a confidential client (its own scopes hold the right), or a token whose scope does.
 * For introspection, the feed and trusted sessions.
 */
export async function authorizeCaller(
  services: Services,
  request: HttpRequest,
  right: string,
  form: Parameters = readParameters('') as Parameters,
): Promise<Caller | Refusal> {
  const authorization = request.header('authorization') ?? ''
  if (/^(Bearer|DPoP) /i.test(authorization)) {
    const checked = await checkAccessToken(services, request, right)
    if (isRefusal(checked)) return checked
    // A back end's right is none of its users', whatever scope an application was given by mistake.
    if (checked.login !== undefined && rightsOfBackEnds.includes(right)) return refuse('scope_insufficient')
    const token = authorization.replace(/^\S+ +/, '')
    const stands = async () => !isRefusal(await judgeAccessToken(services, token))
    return { clientId: checked.claims.client_id, stands }
  }
  return authorizeBySecret(services, request, right, form)
}

async function authorizeBySecret(
  services: Services,
  request: HttpRequest,
  right: string,
  form: Parameters,
): Promise<Caller | Refusal> {
  const caller = await authenticateClient(services.store, request, form)
  if (isRefusal(caller)) return caller
  if (!mayDo(caller.client, right)) {
    return refuse('client_not_allowed', { detail: `The client needs a secret and the scope '${right}'.` })
  }
  // Disabled, another secret, the right taken away: asked again in the same way.
  const stands = async () => !isRefusal(await authorizeBySecret(services, request, right, form))
  return { clientId: caller.client.id, stands }
}

function mayDo(client: AuthenticatedClient, right: string): boolean {
  return !isPublic(client) && client.scopes.includes(right)
}
