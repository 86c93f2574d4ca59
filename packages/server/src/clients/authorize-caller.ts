import { type Client, isPublic } from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import { orByToken } from '../http/answers.ts'
import type { HttpRequest } from '../http/message.ts'
import { type Parameters, readParameters } from '../http/read-form.ts'
import type { Services } from '../services.ts'
import { checkAccessToken, judgeAccessToken } from '../sign-in/check-access-token.ts'
import { type Authenticated, authenticateClient } from './authenticate-client.ts'
import { rightsOfBackEnds } from './rights-of-back-ends.ts'

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
  return authorizeByCredentials(services, request, right, form)
}

async function authorizeByCredentials(
  services: Services,
  request: HttpRequest,
  right: string,
  form: Parameters,
): Promise<Caller | Refusal> {
  const caller = await authenticateClient(services, request, form)
  if (isRefusal(caller)) return orByToken(caller)
  if (!mayDo(caller.client, right)) {
    return refuse('client_not_allowed', { detail: `The client needs a secret or a key, and the scope '${right}'.` })
  }
  return { clientId: caller.client.id, stands: () => stillStands(services, request, right, { caller, form }) }
}

/** Disabled, another secret, the right taken away: asked again in the same way. An assertion is used up, so its keys are compared. */
async function stillStands(
  services: Services,
  request: HttpRequest,
  right: string,
  { caller, form }: { caller: Authenticated; form: Parameters },
): Promise<boolean> {
  if (caller.method !== 'private_key_jwt') {
    return !isRefusal(await authorizeByCredentials(services, request, right, form))
  }
  const now = (await services.store.loadClient(caller.client.id))?.client
  const keysOf = ({ jwks, jwksUri, epoch }: Client): string => JSON.stringify([jwks, jwksUri, epoch])
  return now !== undefined && !now.disabled && mayDo(now, right) && keysOf(now) === keysOf(caller.client)
}

function mayDo(client: Client, right: string): boolean {
  return !isPublic(client) && client.scopes.includes(right)
}
