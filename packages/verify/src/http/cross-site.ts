import { isOwnOrigin, type OwnAddress } from './own-address.ts'
import { type RequestView, single } from './request-view.ts'

const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * True if a request that carries its token in a cookie may have been sent by another site against the user's will.
 * Browsers say where a request comes from in `Sec-Fetch-Site`, older ones in `Origin`; what says neither is refused. A
 * WebSocket opens with GET and asks no CORS, so it counts as unsafe.
 */
export function isForgeable(view: RequestView, origins: readonly string[], address: OwnAddress): boolean {
  if (safeMethods.has(view.method) && view.header('upgrade').length === 0) return false
  const origin = single(view, 'origin')
  if (origin !== undefined && origins.includes(origin)) return false
  const sites = view.header('sec-fetch-site')
  if (sites.length > 0) return sites.length > 1 || (sites[0] !== 'same-origin' && sites[0] !== 'none')
  return origin === undefined || !isOwnOrigin(view, origin, address)
}
