import { Readable } from 'node:stream'
import { isRefusal, refuse } from '@countersign/protocol'
import { authorizeCaller, type Caller } from '../clients/authorize-caller.ts'
import type { Follower } from '../feed/feed-broadcaster.ts'
import { json, refusalAnswer } from '../http/answers.ts'
import type { Endpoint, HttpAnswer, HttpRequest } from '../http/message.ts'
import { readParameters } from '../http/read-form.ts'
import type { Services } from '../services.ts'

/** A follower that does not read is let go; it resumes where it was. */
const unreadBytesAtMost = 1_048_576

/** Of one client at one node: each holds what it has not read yet. An API has as many as it has processes. */
const streamsAtMost = 2_000

/** `GET /revocations`: the feed, as an event stream or as a JSON page. */
export function revocations(services: Services, atMost: number = streamsAtMost): Endpoint {
  const streams = countedStreams(atMost)
  return async request => {
    const caller = await authorizeCaller(services, request, 'revocations')
    if (isRefusal(caller)) return refusalAnswer(caller)
    const accept = request.header('accept') ?? ''
    return accept.includes('text/event-stream') ? stream(services, request, caller, streams) : page(services, request)
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
  if (matches(request.header('if-none-match'), etag)) return { status: 304, headers }
  return json(200, found, headers)
}

/** Weakly compared (RFC 9110 §13.1.2). */
function matches(header: string | undefined, etag: string): boolean {
  const tags = header?.split(',').map(tag => tag.trim().replace(/^W\//, '')) ?? []
  return tags.includes(etag)
}

/** How many streams each client has open. */
interface CountedStreams {
  /** Counts one until it is closed; false if there are too many. */
  open(clientId: string, body: Readable): boolean
}

function countedStreams(atMost: number): CountedStreams {
  const counts = new Map<string, number>()
  return {
    open(clientId, body) {
      const count = counts.get(clientId) ?? 0
      if (count >= atMost) return false
      counts.set(clientId, count + 1)
      body.once('close', () => {
        const left = (counts.get(clientId) ?? 0) - 1
        if (left > 0) counts.set(clientId, left)
        else counts.delete(clientId)
      })
      return true
    },
  }
}

async function stream(
  services: Services,
  request: HttpRequest,
  { clientId, stands }: Caller,
  streams: CountedStreams,
): Promise<HttpAnswer> {
  const body = new Readable({ read() {} })
  if (!streams.open(clientId, body)) {
    const detail = 'The client follows the feed from too many places already.'
    return refusalAnswer(refuse('too_many_attempts', { detail, retryAfterSeconds: 60 }))
  }
  // Who hangs up is no failure of ours.
  body.on('error', () => {})
  let longest = 0
  let isOver = false
  const follower: Follower = {
    isGone: () => body.destroyed || isOver,
    end() {
      isOver = true
      body.push(null)
    },
    stands,
    send(frame) {
      longest = Math.max(longest, frame.length)
      // A first snapshot may be as long as it is; what counts is how far the reader falls behind it.
      if (body.readableLength > Math.max(unreadBytesAtMost, 2 * longest)) body.destroy()
      else body.push(frame)
    },
  }
  body.on('close', () => services.feed.leave(follower))
  try {
    await services.feed.follow(follower, request.header('last-event-id'))
  } catch (error) {
    body.destroy()
    throw error
  }
  return {
    status: 200,
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' },
    body,
  }
}
