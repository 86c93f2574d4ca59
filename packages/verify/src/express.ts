/**
 * `protect` for Express (4 and 5) and everything else that speaks connect.
 *
 * @module
 */

import { rememberAuth } from './http/auth-of.ts'
import type { Answer, Pass } from './http/decision.ts'
import { type AuthOf, createGuard, type ProtectOptions } from './http/guard.ts'
import { type NodeResponse, prepare, send } from './http/node-answer.ts'
import { type NodeRequest, viewNodeRequest } from './http/request-view.ts'
import { describeResource, type ResourceOptions } from './http/resource-metadata.ts'
import type { Verifier } from './verifier.ts'

export { authOf, claimsOf } from './http/auth-of.ts'
export type { ProtectOptions } from './http/guard.ts'

/** A request behind `protect`: `Request & Protected` in a handler's type. */
export interface Protected<Options = unknown> {
  readonly auth: AuthOf<Options>
}

export type Middleware = (request: NodeRequest, response: NodeResponse, next: (fault?: unknown) => void) => void

/** Serves the API's description (RFC 9728), where `protect` stands only before a part of the paths. Throws a TypeError if the options are wrong. */
export function resourceMetadata(verifier: Verifier, options: ResourceOptions): Middleware {
  const { answer } = describeResource(verifier, options)
  return (request, response, next) => {
    const described = answer(viewNodeRequest(request))
    if (described === undefined) next()
    else send(response, described)
  }
}

/** Lets only requests with a good token pass; sets `request.auth`. Throws a TypeError if the options are wrong. */
export function protect(verifier: Verifier, options: ProtectOptions = {}): Middleware {
  const guard = createGuard(verifier, options)
  return (request, response, next) => {
    const settle = (decision: Pass | Answer): boolean => {
      if (!decision.pass) {
        send(response, decision)
        return false
      }
      prepare(response, decision)
      rememberAuth(request, decision.auth)
      ;(request as { auth?: unknown }).auth = decision.auth
      return true
    }
    // What is thrown before `next` is a programmer's mistake; the request does not pass. What `next` throws is not ours.
    let passes: boolean | Promise<boolean>
    try {
      const decision = guard(viewNodeRequest(request))
      passes = decision instanceof Promise ? decision.then(settle) : settle(decision)
    } catch (fault) {
      return next(fault)
    }
    if (passes instanceof Promise) passes.then(may => may && next(), next)
    else if (passes === true) next()
  }
}
