import { hidesUser } from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import type { Endpoint } from '../http/message.ts'
import type { Services } from '../services.ts'
import { type CheckedToken, checkAccessToken } from '../sign-in/check-access-token.ts'

/** The login behind a token for `/v1`; machines have none. */
export async function loginOf(
  services: Services,
  http: Parameters<Endpoint>[0],
): Promise<NonNullable<CheckedToken['login']> | Refusal> {
  const checked = await checkAccessToken(services, http, 'account')
  if (isRefusal(checked)) return checked
  // What is here has ids and addresses in it which are the same for everybody.
  if (hidesUser(checked.client)) {
    return refuse('scope_insufficient', {
      detail: 'The client knows its users by a pairwise sub; what it may know of them is at UserInfo.',
    })
  }
  // Whoever acts for somebody may use their APIs, and not their account: what is here would answer with tokens of the login itself.
  if (checked.claims.act !== undefined) return refuse('scope_insufficient', { detail: 'The token acts for somebody.' })
  return checked.login ?? refuse('scope_insufficient', { detail: 'The token is not one of a user.' })
}
