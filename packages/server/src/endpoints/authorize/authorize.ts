import { isRefusal } from '@countersign/protocol'
import { StoreUnavailable } from '@countersign/store'
import type { HostedServices } from '../../hosted/hosted-services.ts'
import { pageOfRefusal } from '../../hosted/page-answers.ts'
import type { Endpoint, HttpAnswer, HttpRequest } from '../../http/message.ts'
import { readForm, repeatable } from '../../http/read-form.ts'
import { admit, isAdmitted } from './admit.ts'
import { answerError } from './authorization-answer.ts'
import { findTarget } from './authorization-request.ts'
import { giveCode } from './give-code.ts'
import { tooLong } from './invalid-parameter.ts'
import { toPath } from './reauthentication.ts'

const triesAtMost = 10

/**
 * `GET | POST /authorize` (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2): admit (`admit.ts`) → ask the user → a code. The request lives in the URL alone: the sign-in
 * leads back to it, and it is judged anew.
 */
export function authorize(services: HostedServices): Endpoint {
  return async http => {
    if (http.method === 'POST') return asLink(services, http)
    for (let tries = 0; tries < triesAtMost; tries++) {
      const admitted = await admit(services, http)
      if (!isAdmitted(admitted)) return admitted
      const { request, address, decision } = admitted
      if (decision.asks) return toPath('/consent', address) ?? answerError(services, http, request, tooLong)
      const answer = await giveCode(services, http, admitted, { allowed: false })
      if (answer !== 'conflict') return answer
    }
    throw new StoreUnavailable('The same rows are being changed by others all the time.')
  }
}

/** Another site's form comes without the session's cookie (SameSite=Lax); a link brings it. */
async function asLink(services: HostedServices, http: HttpRequest): Promise<HttpAnswer> {
  const parameters = readForm(http, repeatable)
  if (isRefusal(parameters)) return pageOfRefusal(services, parameters)
  const link = toPath('/authorize', parameters)
  if (link !== undefined) return link
  const target = await findTarget(services, parameters)
  return isRefusal(target) ? pageOfRefusal(services, target) : answerError(services, http, target, tooLong)
}
