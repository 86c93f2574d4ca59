import { isRefusal, refuse } from '@countersign/protocol'
import type { HostedServices } from '../../hosted/hosted-services.ts'
import { pageOfRefusal } from '../../hosted/page-answers.ts'
import { seeOther } from '../../http/answers.ts'
import type { Endpoint } from '../../http/message.ts'
import { readForm, readParameters } from '../../http/read-form.ts'
import { answerError } from './authorization-answer.ts'
import { findTarget, judgeRequest } from './authorization-request.ts'
import { giveCode, limitCodes } from './give-code.ts'

const addressCharactersAtMost = 8_192

/**
 * `GET | POST /authorize` (RFC 6749 §4.1.1, RFC 7636 §4.3): read → whom may it be answered to → what is asked → what must the
 * user do first → a code. The request lives in the URL alone: signing in leads back to it, and it is judged anew.
 */
export function authorize(services: HostedServices): Endpoint {
  return async http => {
    const parameters = http.method === 'POST' ? readForm(http) : readParameters(http.query)
    if (isRefusal(parameters)) return pageOfRefusal(services, parameters)
    const target = await findTarget(services.store, parameters)
    if (isRefusal(target)) return pageOfRefusal(services, target)
    const request = judgeRequest(target, parameters, services.config.issuer)
    if (isRefusal(request)) return answerError(services, target, request)
    const login = await services.cookies.session(http)
    const mustSignIn = login === undefined || request.prompt === 'login'
    if (!mustSignIn) {
      const limited = await limitCodes(services, login)
      return limited === undefined
        ? giveCode(services, request, login, undefined)
        : answerError(services, target, limited, 'temporarily_unavailable')
    }
    if (request.prompt === 'none') return answerError(services, target, refuse('login_required'))
    const query = new URLSearchParams([...parameters].filter(([name]) => name !== 'prompt')).toString()
    const location = `/sign-in?return_to=${encodeURIComponent(`/authorize?${query}`)}`
    // What was posted need not fit into an address.
    if (location.length > addressCharactersAtMost) return answerError(services, target, refuse('parameter_invalid'))
    return seeOther(location)
  }
}
