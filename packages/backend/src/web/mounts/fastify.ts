/**
 * The token handler in Fastify (`@countersign/backend/web/fastify`).
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TokenHandler } from '../token-handler.ts'
import { mount, urlOf } from './node.ts'

/** As much of Fastify as is used. */
interface Request {
  readonly raw: IncomingMessage
}
interface Reply {
  readonly raw: ServerResponse
  hijack(): unknown
}

/** An `onRequest` hook, so before bodies are parsed: `app.addHook('onRequest', mountFastify(handler))`. */
export function mountFastify(
  handler: TokenHandler,
): (request: Request, reply: Reply, done: (error?: Error) => void) => void {
  const answer = mount(handler)
  return ({ raw }, reply, done) => {
    const url = urlOf(raw)
    if (url === null || !handler.owns(url)) return done()
    reply.hijack()
    answer(raw, reply.raw, () => reply.raw.destroy())
  }
}
