import { type Refusal, refuse } from '@countersign/protocol'

/*
 * A browser sends the app's cookie with whatever it asks of the app, whoever made it ask. So who made it ask is looked at, three times: by
 * Fetch metadata (W3C), which every browser of today sends and no page can change; by Origin; and by a token that only a page of this
 * origin can read (double submit, the pair that Angular and axios speak), made from the login, so that a sibling host that plants cookies has
 * nothing to plant.
 */

export const antiForgeryCookie = 'XSRF-TOKEN'
const antiForgeryHeader = 'x-xsrf-token'

const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

const isSafe = (request: Request): boolean => safeMethods.has(request.method)

/** For what is read with the cookie: by pages of the app's own origin, or by a person who follows a link or has typed the address. */
export function refuseForeign(request: Request, appOrigin: string): Refusal | undefined {
  const site = request.headers.get('sec-fetch-site')
  const isLink =
    isSafe(request) && request.headers.get('sec-fetch-mode') === 'navigate' && refuseFramed(request) === undefined
  const isOwn = site === null || site === 'same-origin' || isLink
  const origin = request.headers.get('origin')
  return isOwn && (origin === null || origin === appOrigin) ? undefined : refuse('origin_refused')
}

/** For what the browser opens as a page of its own (sign-in, and the way back from it): from anywhere, but not inside another page. */
export function refuseFramed(request: Request): Refusal | undefined {
  const mode = request.headers.get('sec-fetch-mode')
  const destination = request.headers.get('sec-fetch-dest')
  const isPage = (mode === null || mode === 'navigate') && (destination === null || destination === 'document')
  return isPage ? undefined : refuse('origin_refused')
}

/** For what changes something: from the app's own origin, and with the token that belongs to the login. `field`: of a form, in place of the header. */
export function refuseForged(
  request: Request,
  appOrigin: string,
  isOfLogin: (token: string) => boolean,
  field?: string,
): Refusal | undefined {
  const foreign = refuseForeign(request, appOrigin)
  if (foreign !== undefined || isSafe(request)) return foreign
  const token = request.headers.get(antiForgeryHeader) ?? field
  return token != null && isOfLogin(token) ? undefined : refuse('csrf_refused')
}
