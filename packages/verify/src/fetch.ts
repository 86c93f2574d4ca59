/**
 * `protect` for handlers of standard requests: `(request) => Response`.
 *
 * @module
 */

import { rememberAuth } from './http/auth-of.ts'
import type { Answer, Pass } from './http/decision.ts'
import { type AuthOf, createGuard, type ProtectOptions } from './http/guard.ts'
import { mergeList } from './http/merge-list.ts'
import { viewFetchRequest } from './http/request-view.ts'
import type { Verifier } from './verifier.ts'

export { authOf, claimsOf } from './http/auth-of.ts'
export type { ProtectOptions } from './http/guard.ts'

/** Wraps a handler so that it is called with good tokens only. Throws a TypeError if the options are wrong. */
export function protect<const Options extends ProtectOptions, Rest extends readonly unknown[]>(
  verifier: Verifier,
  options: Options,
  handler: (request: Request, auth: AuthOf<Options>, ...rest: Rest) => Response | Promise<Response>,
): (request: Request, ...rest: Rest) => Promise<Response> {
  const guard = createGuard(verifier, options)
  return async (request, ...rest) => {
    const decision = await guard(viewFetchRequest(request))
    if (!decision.pass) return responseOf(decision)
    rememberAuth(request, decision.auth)
    return withCaching(await handler(request, decision.auth as AuthOf<Options>, ...rest), decision)
  }
}

function responseOf(answer: Answer): Response {
  const headers = new Headers(answer.headers)
  if (answer.vary.length > 0) headers.set('vary', answer.vary.join(', '))
  if (answer.expose.length > 0) headers.set('access-control-expose-headers', answer.expose.join(', '))
  return new Response(answer.body === '' ? null : answer.body, { status: answer.status, headers })
}

/** A copy, since the headers of a response may be immutable. */
function withCaching(response: Response, { vary, cacheControl }: Pass): Response {
  const headers = new Headers(response.headers)
  if (vary.length > 0) headers.set('vary', mergeList(headers.get('vary') ?? undefined, vary))
  if (cacheControl !== undefined && !headers.has('cache-control')) headers.set('cache-control', cacheControl)
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers })
}
