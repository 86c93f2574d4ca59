import { claimsAbout, type FamilySnapshot, singleClaims } from '@countersign/core'
import { type AccessTokenClaims, isRefusal, type Refusal, refuse } from '@countersign/protocol'
import { json, refusalAnswer } from '../http/answers.ts'
import type { Endpoint, HttpRequest } from '../http/message.ts'
import { readForm } from '../http/read-form.ts'
import type { Services } from '../services.ts'
import { checkAccessToken } from '../sign-in/check-access-token.ts'

/**
 * `GET | POST /userinfo` (OpenID Connect Core §5.3): what the token's scope tells of the user, and the single claims that were asked for. The token stands in the
 * header or in a posted form (RFC 6750 §2.2), one that is bound to a key always with its proof.
 */
export function userinfo(services: Services): Endpoint {
  return async http => {
    const posted = readPosted(http)
    if (isRefusal(posted)) return refusalAnswer(posted)
    const checked = await checkAccessToken(services, http, 'openid', posted.token)
    if (isRefusal(checked)) return refusalAnswer(checked)
    const { claims, login } = checked
    if (login === undefined)
      return refusalAnswer(refuse('scope_insufficient', { detail: 'The token is not one of a user.' }))
    const scopes = (claims.scope ?? '').split(' ')
    const single = isTheClientsOwn(claims, login) ? singleClaims(login, 'userinfo') : []
    return json(200, { ...claimsAbout(login.user, { scopes, single }), sub: claims.sub })
  }
}

/** What a user has allowed one client, claim by claim, a token that went on to another in exchange does not tell there. */
function isTheClientsOwn({ act, client_id }: AccessTokenClaims, { family }: FamilySnapshot): boolean {
  return act === undefined && client_id === family.clientId
}

/** A body may be empty, whatever it says it is; one that is not has to be a form. */
function readPosted(http: HttpRequest): { token?: string } | Refusal {
  if (http.method !== 'POST' || http.body === '') return {}
  const form = readForm(http)
  if (isRefusal(form)) return form
  const token = form.get('access_token')
  return token === undefined ? {} : { token }
}
