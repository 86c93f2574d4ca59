/**
 * `protect` for Hono.
 *
 * @module
 */

import { rememberAuth } from './http/auth-of.ts'
import type { Answer } from './http/decision.ts'
import { type AuthOf, createGuard, type ProtectOptions } from './http/guard.ts'
import { mergeList } from './http/merge-list.ts'
import { viewFetchRequest } from './http/request-view.ts'
import { describeResource, type ResourceOptions } from './http/resource-metadata.ts'
import type { Verifier } from './verifier.ts'

export { authOf, claimsOf } from './http/auth-of.ts'
export type { ProtectOptions } from './http/guard.ts'

/** For `new Hono<{ Variables: AuthVariables }>()`: then `c.get('auth')` is typed. */
export interface AuthVariables<Options = unknown> {
  auth: AuthOf<Options>
}

/** The part of Hono's context that is used. */
export interface HonoContext {
  readonly req: { readonly raw: Request }
  readonly res: Response
  header(name: string, value?: string): void
  // biome-ignore lint/suspicious/noExplicitAny: Hono types it by the variables of each app
  set: (key: any, value: any) => void
}

export type Middleware = (context: HonoContext, next: () => Promise<void>) => Promise<Response | undefined>

/** Lets only requests with a good token pass; sets the variable `auth`. Throws a TypeError if the options are wrong. */
export function protect(verifier: Verifier, options: ProtectOptions = {}): Middleware {
  const guard = createGuard(verifier, options)
  return async (context, next) => {
    const decision = await guard(viewFetchRequest(context.req.raw))
    if (!decision.pass) return answer(context, decision)
    context.set('auth', decision.auth)
    rememberAuth(context.req.raw, decision.auth)
    await next()
    if (decision.vary.length > 0) extend(context, 'vary', decision.vary)
    if (decision.cacheControl !== undefined && !context.res.headers.has('cache-control')) {
      context.header('cache-control', decision.cacheControl)
    }
    return undefined
  }
}

/** Serves the API's description (RFC 9728), where `protect` stands only before some routes. Throws a TypeError if the options are wrong. */
export function resourceMetadata(verifier: Verifier, options: ResourceOptions): Middleware {
  const resource = describeResource(verifier, options)
  return async (context, next) => {
    const described = resource.answer(viewFetchRequest(context.req.raw))
    if (described !== undefined) return answer(context, described)
    await next()
    return undefined
  }
}

function answer(context: HonoContext, { headers, vary, expose, status, body }: Answer): Response {
  // What ran before, CORS for one, may have filled these lists already, and Hono lets the earlier value win.
  if (vary.length > 0) extend(context, 'vary', vary)
  if (expose.length > 0) extend(context, 'access-control-expose-headers', expose)
  return new Response(body === '' ? null : body, { status, headers: new Headers(headers) })
}

function extend(context: HonoContext, name: string, names: readonly string[]): void {
  context.header(name, mergeList(context.res.headers.get(name) ?? undefined, names))
}
