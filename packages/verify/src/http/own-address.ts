import { type RequestView, single } from './request-view.ts'

/** How an API knows the address under which the outside calls it. */
export interface OwnAddress {
  /** Scheme, host and, if a proxy takes it off, the path before the target. The sure way. */
  readonly baseUrl?: string
  /** Believes `X-Forwarded-Proto` and `X-Forwarded-Host`. Only if a proxy in front sets them on *every* request. */
  readonly trustProxy?: boolean
}

const hostForm = /^[A-Za-z0-9.-]+(?::\d{1,5})?$|^\[[0-9A-Fa-f:.]+\](?::\d{1,5})?$/

/**
 * The URL that the client called. Undefined if nobody trustworthy says so: `Host` alone is the caller's word, and a
 * proof that was made for another API would fit an invented one.
 */
export function calledUrl(view: RequestView, { baseUrl, trustProxy }: OwnAddress): string | undefined {
  if (!view.target.startsWith('/')) return undefined
  if (baseUrl !== undefined) return `${baseUrl.replace(/\/$/, '')}${view.target}`
  const origin = trustProxy === true ? forwardedOrigin(view) : undefined
  return origin === undefined ? undefined : `${origin}${view.target}`
}

/** What the nearest proxy says stands last. */
function forwardedOrigin(view: RequestView): string | undefined {
  const protocol = last(view, 'x-forwarded-proto')?.toLowerCase()
  const host = last(view, 'x-forwarded-host') ?? single(view, 'host')
  if ((protocol !== 'https' && protocol !== 'http') || host === undefined || !hostForm.test(host)) return undefined
  return `${protocol}://${host}`
}

function last(view: RequestView, name: string): string | undefined {
  return view.header(name).at(-1)?.split(',').at(-1)?.trim()
}

/** True if a page of this origin is this API's own. Here `Host` will do: it is the browser that wrote it. */
export function isOwnOrigin(view: RequestView, origin: string, address: OwnAddress): boolean {
  const called = calledUrl(view, address)
  if (called !== undefined) return new URL(called).origin === origin
  const host = single(view, 'host') ?? single(view, ':authority')
  return host !== undefined && URL.canParse(origin) && new URL(origin).host === host.toLowerCase()
}
