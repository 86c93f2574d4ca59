import { PassThrough } from 'node:stream'
import { isRefusal, refuse } from '@countersign/protocol'
import { authorizeCaller } from '../clients/authorize-caller.ts'
import { json, refusalAnswer } from '../http/answers.ts'
import type { Endpoint, HttpAnswer, HttpRequest } from '../http/message.ts'
import { readParameters } from '../http/read-form.ts'
import type { Services } from '../services.ts'

/** A follower that does not read is let go; it resumes where it was. */
const unreadBytesAtMost = 1_048_576

/** `GET /revocations`: the feed, as an event stream or as a JSON page. */
export function revocations(services: Services): Endpoint {
  return async request => {
    const caller = await authorizeCaller(services, request, 'revocations')
    if (isRefusal(caller)) return refusalAnswer(caller)
    const accept = request.header('accept') ?? ''
    return accept.includes('text/event-stream') ? stream(services, request) : page(services, request)
  }
}

async function page(services: Services, request: HttpRequest): Promise<HttpAnswer> {
  const query = readParameters(request.query)
  if (isRefusal(query)) return refusalAnswer(query)
  const after = query.get('after')
  if (after !== undefined && after.length > 100) return refusalAnswer(refuse('parameter_invalid'))
  const found = await services.feed.page(after)
  // The position names the content: as_of moves on, but what a reader of this position lacks does not change.
  const etag = `"${found.position}${found.snapshot ? 's' : ''}"`
  const headers = { etag, 'cache-control': 'private, no-cache', vary: 'Authorization, Accept' }
  if (request.header('if-none-match') === etag) return { status: 304, headers }
  return json(200, found, headers)
}

async function stream(services: Services, request: HttpRequest): Promise<HttpAnswer> {
  const body = new PassThrough({ highWaterMark: unreadBytesAtMost })
  const stop = await services.feed.follow(
    {
      send(event, id, data) {
        const more = body.write(`id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
        if (!more && body.writableLength > unreadBytesAtMost) body.destroy()
      },
    },
    request.header('last-event-id'),
  )
  body.on('close', stop)
  body.on('error', stop)
  return {
    status: 200,
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' },
    body,
  }
}
