/**
 * `protect` for Fastify: an `onRequest` hook, for the whole app or for one route.
 *
 * @module
 */

import { rememberAuth } from './http/auth-of.ts'
import type { Answer } from './http/decision.ts'
import { createGuard, type ProtectOptions } from './http/guard.ts'
import { mergeList } from './http/merge-list.ts'
import { type NodeRequest, viewNodeRequest } from './http/request-view.ts'
import { describeResource, type ResourceOptions } from './http/resource-metadata.ts'
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
    return answer(reply, decision)
  }
}

/** Serves the API's description (RFC 9728), where `protect` stands only before some routes. Throws a TypeError if the options are wrong. */
export function resourceMetadata(verifier: Verifier, options: ResourceOptions): Hook {
  const resource = describeResource(verifier, options)
  return async (request, reply) => {
    const described = resource.answer(viewNodeRequest(request.raw))
    return described && answer(reply, described)
  }
}

/** A reply that is returned tells Fastify that the answer is given. */
function answer(reply: FastifyReply, { headers, expose, status, body }: Answer): unknown {
  for (const [name, value] of Object.entries(headers)) reply.header(name, value)
  extend(reply, 'access-control-expose-headers', expose)
  reply.code(status)
  return reply.send(body)
}

function extend(reply: FastifyReply, name: string, names: readonly string[]): void {
  if (names.length > 0) reply.header(name, mergeList(reply.getHeader(name)?.toString(), names))
}
