/**
 * `protect` for Hono.
 *
 * @module
 */

import { rememberAuth } from './http/auth-of.ts'
import { type AuthOf, createGuard, type ProtectOptions } from './http/guard.ts'
import { mergeList } from './http/merge-list.ts'
import { viewFetchRequest } from './http/request-view.ts'
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
    if (!decision.pass) {
      const headers = new Headers(decision.headers)
      // What ran before, CORS for one, may have filled these lists already, and Hono lets the earlier value win.
      extend(context, 'vary', decision.vary)
      extend(context, 'access-control-expose-headers', decision.expose)
      return new Response(decision.body === '' ? null : decision.body, { status: decision.status, headers })
    }
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

function extend(context: HonoContext, name: string, names: readonly string[]): void {
  context.header(name, mergeList(context.res.headers.get(name) ?? undefined, names))
}
