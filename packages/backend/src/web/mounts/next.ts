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
 */
export function routes(
  handler: TokenHandler,
): Record<'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', RouteHandler> {
  const answer: RouteHandler = async request => (await handler.handle(request)) ?? refusalResponse(refuse('not_found'))
  return { GET: answer, HEAD: answer, POST: answer, PUT: answer, PATCH: answer, DELETE: answer }
}
