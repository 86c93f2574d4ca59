/**
 * `protect` for plain `node:http`.
 *
 * @module
 */

import { rememberAuth } from './http/auth-of.ts'
import type { Answer, Pass } from './http/decision.ts'
import { type AuthOf, createGuard, type ProtectOptions, unavailable } from './http/guard.ts'
import { type NodeResponse, prepare, send } from './http/node-answer.ts'
import { type NodeRequest, viewNodeRequest } from './http/request-view.ts'
import type { Verifier } from './verifier.ts'

export { authOf, claimsOf } from './http/auth-of.ts'
export type { ProtectOptions } from './http/guard.ts'

/**
 * Wraps a request listener so that it is called with good tokens only, and what was found as third argument.
 * Throws a TypeError if the options are wrong. If one of their functions throws, the request is answered 503; a listener
 * that throws is the listener's own affair.
 */
export function protect<
  const Options extends ProtectOptions,
  Request extends NodeRequest,
  Response extends NodeResponse,
>(
  verifier: Verifier,
  options: Options,
  listener: (request: Request, response: Response, auth: AuthOf<Options>) => unknown,
): (request: Request, response: Response) => void {
  const guard = createGuard(verifier, options)
  return async (request, response) => {
    let decision: Pass | Answer
    try {
      decision = await guard(viewNodeRequest(request))
    } catch {
      decision = unavailable
    }
    if (!decision.pass) return send(response, decision)
    prepare(response, decision)
    rememberAuth(request, decision.auth)
    await listener(request, response, decision.auth as AuthOf<Options>)
  }
}
