/**
 * The token handler in Next.js (`@countersign/backend/web/next`).
 *
 * @module
 */
import { refuse } from '@countersign/protocol'
import { refusalResponse } from '../answers.ts'
import type { TokenHandler } from '../token-handler.ts'

type RouteHandler = (request: Request) => Promise<Response>

/**
 * Route handlers for `app/auth/[...path]/route.ts`, and for `app/api/[...path]/route.ts` if the handler proxies `/api`:
 * `export const { GET, POST, PUT, PATCH, DELETE } = routes(handler)`.
 *
 * @param handler a function is asked at each request, and not before: `next build` loads these files where secrets may not be.
 */
export function routes(
  handler: TokenHandler | (() => TokenHandler),
): Record<'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', RouteHandler> {
  const current = typeof handler === 'function' ? handler : () => handler
  const answer: RouteHandler = async request =>
    (await current().handle(request)) ?? refusalResponse(refuse('not_found'))
  return { GET: answer, HEAD: answer, POST: answer, PUT: answer, PATCH: answer, DELETE: answer }
}
