/**
 * The token handler in Express, or in whatever speaks `node:http` (`@countersign/backend/web/node`).
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import { isRefusal } from '@countersign/protocol'
import { failureResponse, refusalResponse } from '../answers.ts'
import { parseUrl } from '../parse-url.ts'
import type { TokenHandler } from '../token-handler.ts'

export type NodeNext = (error?: unknown) => void

/** Answers what is the token handler's, and passes on everything else. Mount it before what parses bodies. */
export function mount(
  handler: TokenHandler,
): (incoming: IncomingMessage, outgoing: ServerResponse, next?: NodeNext) => void {
  return (incoming, outgoing, next = passedOn(outgoing)) => {
    const url = urlOf(incoming)
    if (url === null || !handler.owns(url)) return next()
    answer(handler, url, incoming, outgoing).catch(next)
  }
}

/**
 * Cookie or token, for the app's own endpoints: a request that comes with the cookie of a login goes on with that login's token in `Authorization`, so that what
 * protects the endpoint sees no difference. One that another site has caused is refused; one without a login goes on as it is.
 */
export function bearerFromCookie(
  handler: TokenHandler,
): (incoming: IncomingMessage, outgoing: ServerResponse, next: NodeNext) => void {
  return (incoming, outgoing, next) => {
    const url = urlOf(incoming)
    if (url === null || incoming.headers.authorization !== undefined) return next()
    const request = new Request(url, { method: incoming.method ?? 'GET', headers: headersOf(incoming) })
    handler.getAccessToken(request).then(
      async token => {
        outgoing.appendHeader('Vary', 'Cookie')
        if (!isRefusal(token)) {
          outgoing.setHeader('Cache-Control', 'private, no-store')
          for (const line of token.setCookies) outgoing.appendHeader('Set-Cookie', line)
          // Both views that Node gives of one header, so that whoever reads either sees it.
          incoming.headers.authorization = `Bearer ${token.accessToken}`
          incoming.rawHeaders.push('Authorization', `Bearer ${token.accessToken}`)
          return next()
        }
        if (token.reason === 'origin_refused' || token.reason === 'csrf_refused')
          return send(refusalResponse(token), outgoing)
        next()
      },
      failure => void send(failureResponse(failure), outgoing).catch(next),
    )
  }
}

async function answer(
  handler: TokenHandler,
  url: URL,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const hasBody = incoming.method !== 'GET' && incoming.method !== 'HEAD'
  if (hasBody && incoming.readableEnded && (incoming as { body?: unknown }).body !== undefined) {
    throw new TypeError('The body was read already: mount the token handler before what parses bodies.')
  }
  const gone = new AbortController()
  outgoing.once('close', () => gone.abort())
  const request = new Request(url, {
    method: incoming.method ?? 'GET',
    headers: headersOf(incoming),
    signal: gone.signal,
    ...(hasBody && { body: Readable.toWeb(incoming), duplex: 'half' }),
  } as unknown as RequestInit)
  const response = await handler.handle(request)
  if (response !== undefined) await send(response, outgoing)
}

async function send(response: Response, outgoing: ServerResponse): Promise<void> {
  outgoing.statusCode = response.status
  for (const [name, value] of response.headers) if (name !== 'set-cookie') outgoing.setHeader(name, value)
  for (const line of response.headers.getSetCookie()) outgoing.appendHeader('Set-Cookie', line)
  if (response.body === null) return void outgoing.end()
  await pipeline(Readable.fromWeb(response.body as ReadableStream), outgoing)
}

/** The path and query alone matter; which host was asked for is the app's configuration, not the request's to say. */
export function urlOf(incoming: IncomingMessage & { readonly originalUrl?: string }): URL | null {
  const path = incoming.originalUrl ?? incoming.url ?? '/'
  return parseUrl(`http://app.invalid${path.startsWith('/') ? path : '/'}`)
}

function headersOf(incoming: IncomingMessage): Headers {
  const headers = new Headers()
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value === undefined || name.startsWith(':')) continue
    for (const one of Array.isArray(value) ? value : [value]) headers.append(name, one)
  }
  return headers
}

function passedOn(outgoing: ServerResponse): NodeNext {
  return error => {
    outgoing.statusCode = error === undefined ? 404 : 500
    outgoing.end()
  }
}
