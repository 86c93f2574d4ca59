import type { SessionOnlySnapshot } from '@countersign/core'
import { isRefusal, refuse } from '@countersign/protocol'
import type { HostedServices } from '../../hosted/hosted-services.ts'
import { pageOfRefusal } from '../../hosted/page-answers.ts'
import { seeOther } from '../../http/answers.ts'
import type { Endpoint } from '../../http/message.ts'
import { answerError } from './authorization-answer.ts'
import { type AuthorizationRequest, findTarget, judgeRequest } from './authorization-request.ts'
import { giveCode, limitCodes } from './give-code.ts'
import { readAuthorizationParameters } from './pushed-requests.ts'

const addressCharactersAtMost = 8_192

/**
 * `GET | POST /authorize` (RFC 6749 §4.1.1, RFC 7636 §4.3): read → whom may it be answered to → what is asked → what must the
 * user do first → a code. The request lives in the URL alone: signing in leads back to it, and it is judged anew.
 */
export function authorize(services: HostedServices): Endpoint {
  return async http => {
    const asked = await readAuthorizationParameters(services, http)
    if (isRefusal(asked)) return pageOfRefusal(services, asked)
    const { parameters, address, pushed } = asked
    const target = await findTarget(services, parameters)
    if (isRefusal(target)) return pageOfRefusal(services, target)
    if (target.client.requiresPushedRequests && pushed === null) {
      return answerError(services, target, refuse('pushed_request_required'))
    }
    const judged = judgeRequest(target, parameters, services.config.issuer)
    if (isRefusal(judged)) return answerError(services, target, judged)
    const request = { ...judged, pushed }
    const login = await services.cookies.session(http)
    if (login !== undefined && !mustSignIn(request, login)) {
      const limited = await limitCodes(services, login)
      return limited === undefined
        ? giveCode(services, request, login, undefined)
        : answerError(services, target, limited, 'temporarily_unavailable')
    }
    if (request.prompt === 'none') return answerError(services, target, refuse('login_required'))
    const query = new URLSearchParams([...address].filter(([name]) => name !== 'prompt')).toString()
    const location = `/sign-in?return_to=${encodeURIComponent(`/authorize?${query}`)}`
    // What was posted need not fit into an address.
    if (location.length > addressCharactersAtMost) return answerError(services, target, refuse('parameter_invalid'))
    return seeOther(location)
  }
}

/** A pushed request keeps its `prompt` when one comes back from signing in: what counts is who signed in since it was opened. */
function mustSignIn({ prompt, pushed }: AuthorizationRequest, { session }: SessionOnlySnapshot): boolean {
  const since = pushed?.openedAt ?? Number.POSITIVE_INFINITY
  return prompt === 'login' && session.authenticatedAt < since
}
