import { isRefusal, type Refusal } from '@countersign/protocol'
import { privately, refusalResponse, withCookies } from './answers.ts'
import type { UsableToken } from './usable-token.ts'

/** One prefix of the app, and the API that answers what is below it. */
export interface ProxyTarget {
  /** With a slash at both ends: `/api/`. */
  readonly prefix: string
  /** With a slash at the end. */
  readonly target: URL
}

/** Meant for one connection (RFC 9110 §7.6.1), for this app alone, or set anew by `fetch`. */
const notForwarded = [
  ...[
    'connection',
    'keep-alive',
    'proxy-authenticate',
    'proxy-authorization',
    'te',
    'trailer',
    'transfer-encoding',
    'upgrade',
  ],
  ...['cookie', 'host', 'content-length', 'expect', 'x-xsrf-token', 'accept-encoding'],
]
const notReturned = [
  ...['connection', 'keep-alive', 'proxy-authenticate', 'transfer-encoding', 'trailer', 'upgrade'],
  // `fetch` has unpacked the body; and an API sets no cookies for the app.
  ...['content-encoding', 'content-length', 'set-cookie'],
]

/** So much is kept to be sent again if the API wants a newer token. What is longer, or says no length, is sent once. */
const repeatableBytes = 256 * 1024

/**
 * Sends the request on to the API with a token in place of the cookie. If the API refuses the token, it is sent once more with a newer one. Throws
 * what `fetch` throws.
 *
 * @param obtain gives a token; with an argument, another one than that
 */
export async function forward(
  request: Request,
  { prefix, target }: ProxyTarget,
  obtain: (refused?: string) => Promise<UsableToken | Refusal>,
  send: typeof globalThis.fetch,
): Promise<Response> {
  const token = await obtain()
  if (isRefusal(token)) return refusalResponse(token, statusOf(token))
  const url = targetOf(new URL(request.url), prefix, target)
  const length = Number(request.headers.get('content-length') ?? (request.body === null ? 0 : Number.NaN))
  const isRepeatable = length <= repeatableBytes
  const body = isRepeatable && request.body !== null ? await request.arrayBuffer() : request.body
  const ask = (accessToken: string): Promise<Response> => send(url, initOf(request, body, accessToken))
  const first = await ask(token.accessToken)
  const mayHelp = first.status === 401 && isRepeatable && token.source === 'cookie'
  const newer = mayHelp ? await obtain(token.accessToken) : undefined
  if (newer === undefined || (!isRefusal(newer) && newer.accessToken === token.accessToken)) {
    return withCookies(returned(first), token.setCookies)
  }
  await first.body?.cancel()
  if (isRefusal(newer)) return refusalResponse(newer, statusOf(newer))
  return withCookies(returned(await ask(newer.accessToken)), newer.setCookies)
}

/** A login that is over is 401 here, whatever the token endpoint says of it: the page is to sign in again. */
function statusOf({ reason }: Refusal): number {
  return reason === 'origin_refused' || reason === 'csrf_refused' ? 403 : 401
}

/** Below the target, whatever the path says: `..` is resolved before this sees it, and what is left is compared. */
function targetOf({ pathname, search }: URL, prefix: string, target: URL): URL {
  const url = new URL(target)
  url.pathname = target.pathname + pathname.slice(prefix.length)
  url.search = search
  return url
}

function initOf(request: Request, body: ArrayBuffer | Request['body'], accessToken: string): RequestInit {
  const headers = new Headers(request.headers)
  for (const name of [...notForwarded, ...namedIn(headers)]) headers.delete(name)
  headers.set('Authorization', `Bearer ${accessToken}`)
  const init = { method: request.method, headers, redirect: 'manual', signal: request.signal } as const
  if (body === null) return init
  return body instanceof ArrayBuffer ? { ...init, body } : ({ ...init, body, duplex: 'half' } as RequestInit)
}

/** Headers that `Connection` names are for this connection too. */
function namedIn(headers: Headers): readonly string[] {
  const named = (headers.get('connection') ?? '').split(',').map(name => name.trim().toLowerCase())
  return named.filter(name => /^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name))
}

function returned(response: Response): Response {
  const headers = new Headers(response.headers)
  for (const name of notReturned) headers.delete(name)
  const vary = [response.headers.get('vary'), privately.Vary].filter(Boolean).join(', ')
  for (const [name, value] of Object.entries(privately)) headers.set(name, value)
  headers.set('Vary', vary)
  const hasBody = ![101, 204, 205, 304].includes(response.status)
  return new Response(hasBody ? response.body : null, { status: response.status, headers })
}
