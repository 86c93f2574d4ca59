/**
 * `protect` for Fastify: an `onRequest` hook, for the whole app or for one route.
 *
 * @module
 */

import { rememberAuth } from './http/auth-of.ts'
import { createGuard, type ProtectOptions } from './http/guard.ts'
import { mergeList } from './http/merge-list.ts'
import { type NodeRequest, viewNodeRequest } from './http/request-view.ts'
import type { Verifier } from './verifier.ts'

export { authOf, claimsOf } from './http/auth-of.ts'
export type { ProtectOptions } from './http/guard.ts'

/** The parts of Fastify's request and reply that are used. */
export interface FastifyRequest {
  readonly raw: NodeRequest
}

export interface FastifyReply {
  code(status: number): unknown
  header(name: string, value: string): unknown
  getHeader(name: string): number | string | string[] | undefined
  send(body: string): unknown
}

export type Hook = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>

/** Lets only requests with a good token pass; `authOf(request)` tells what was found. Throws a TypeError if the options are wrong. */
export function protect(verifier: Verifier, options: ProtectOptions = {}): Hook {
  const guard = createGuard(verifier, options)
  return async (request, reply) => {
    const decision = await guard(viewNodeRequest(request.raw))
    extend(reply, 'vary', decision.vary)
    if (decision.pass) {
      if (decision.cacheControl !== undefined) reply.header('cache-control', decision.cacheControl)
      rememberAuth(request, decision.auth)
      return undefined
    }
    for (const [name, value] of Object.entries(decision.headers)) reply.header(name, value)
    extend(reply, 'access-control-expose-headers', decision.expose)
    reply.code(decision.status)
    // A reply that is returned tells Fastify that the answer is given.
    return reply.send(decision.body)
  }
}

function extend(reply: FastifyReply, name: string, names: readonly string[]): void {
  if (names.length > 0) reply.header(name, mergeList(reply.getHeader(name)?.toString(), names))
}
