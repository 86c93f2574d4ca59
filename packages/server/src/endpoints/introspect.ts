import { isRefusal } from '@countersign/protocol'
import { authorizeCaller } from '../clients/authorize-caller.ts'
import { json, refusalAnswer } from '../http/answers.ts'
import type { Endpoint } from '../http/message.ts'
import { readForm } from '../http/read-form.ts'
import type { Services } from '../services.ts'
import { judgeAccessToken } from '../sign-in/check-access-token.ts'
import { missing } from './token-request.ts'

/**
 * `POST /introspect` (RFC 7662). Judges by the store, and recomputes the countersign: a token forged or altered with a
 * stolen signing key is not active, though its signature is right.
 */
export function introspect(services: Services): Endpoint {
  return async http => {
    const form = readForm(http)
    if (isRefusal(form)) return refusalAnswer(form)
    const token = form.get('token')
    if (token === undefined) return refusalAnswer(missing('token'))
    const caller = await authorizeCaller(services, http, 'introspection', form)
    if (isRefusal(caller)) return refusalAnswer(caller)
    const judged = await judgeAccessToken(services, token)
    if (isRefusal(judged)) return json(200, { active: false })
    return json(200, { active: true, token_type: judged.claims.cnf ? 'DPoP' : 'Bearer', ...judged.claims })
  }
}
