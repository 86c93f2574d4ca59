import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import { CallFailure } from '../call-failure.ts'
import { requireSecure, requireText } from '../issuer-call.ts'
import { systemWebPlatform, type WebPlatform } from '../platform.ts'
import { failureResponse, jsonAnswer, refusalResponse, seeOther, withCookies } from './answers.ts'
import { endByIssuer } from './backchannel-logout.ts'
import { createCookieJar } from './cookie-jar.ts'
import { antiForgeryCookie, refuseForeign, refuseForged } from './cross-site.ts'
import { createIssuerKeys } from './issuer-keys.ts'
import { createCookieKeeper, createStoreKeeper } from './login-keeper.ts'
import { forward, type ProxyTarget } from './proxy.ts'
import { isForm, readForm } from './read-form.ts'
import { createRenewals } from './renewals.ts'
import { createSecrets } from './secrets.ts'
import type { SessionStore } from './session-store.ts'
import { antiForgeryLines, beginSignIn, finishSignIn } from './sign-in.ts'
import { liveLogin, type UsableToken, usableToken } from './usable-token.ts'
import type { WebContext } from './web-context.ts'
import { createWebIssuer } from './web-issuer.ts'
import type { WebLogin } from './web-login.ts'

export interface TokenHandlerOptions {
  /** The authorization server, `https://…` (plain HTTP on loopback only). */
  readonly issuer: string
  /** A confidential client with the grant types `authorization_code` and `refresh_token`, `access_token_binding: "bearer"`, and the redirect URI `{appUrl}{path}/callback`. */
  readonly clientId: string
  readonly clientSecret: string
  /** The public origin of the app: what browsers have in their address bar. */
  readonly appUrl: string
  /**
   * Of at least 32 characters each, the newest first; all processes of the app have the same. To change it, put a new one in front, and take the old one
   * away when logins of before may end.
   */
  readonly secrets: readonly string[]
  /** Default: `openid`. */
  readonly scope?: string
  /** Where the handler's own addresses begin. Default: `/auth`. */
  readonly path?: string
  /** APIs that answer what is below a path of the app: `{ '/api': 'https://api.internal/v2' }`. */
  readonly proxies?: Readonly<Record<string, string>>
  /**
   * What a sign-out ends. `app`, the default: this app's login; the person stays signed in at the issuer, and the next sign-in asks for nothing. `issuer`: the browser is led
   * to the issuer, which ends its session with every app's login in it, and back (OpenID Connect RP-Initiated Logout); `{appUrl}/` must be among the client's
   * `post_logout_redirect_uris`.
   */
  readonly logout?: 'app' | 'issuer'
  /** Where logins are kept. Default: sealed in the cookie, and nowhere else. */
  readonly sessions?: SessionStore
  /** Default: `countersign_web`, over TLS with `__Host-` before it. */
  readonly cookieName?: string
  /** How long a browser keeps the cookie after it was last renewed. Default: 30 days. When a login ends, the issuer says. */
  readonly cookieSeconds?: number
  /** `strict`: a link from another site opens the app signed out. Default: `lax`. */
  readonly sameSite?: 'lax' | 'strict'
  /** For a private network that encrypts by itself. */
  readonly allowPlainHttp?: boolean
  /** Told what went wrong with issuer or API; holds no token. Default: a line to standard error. */
  readonly onFailure?: (failure: Error) => void
  readonly platform?: Partial<WebPlatform>
}

/** Holds the tokens of a web app on its own origin; the browser has a cookie that no script can read. */
export interface TokenHandler {
  /** True for the addresses that `handle` answers. */
  owns(url: URL): boolean
  /** The answer to a request for one of the handler's own addresses or for a proxied one; undefined for any other. */
  handle(request: Request): Promise<Response | undefined>
  /**
   * A token for a call that the app makes itself while it answers this request, from the cookie or from the request's own `Authorization` header. Refused:
   * `token_missing`, `origin_refused`, `csrf_refused`, and the reason for which a login is over. Throws `CallFailure`. The answer must carry `setCookies`.
   */
  getAccessToken(request: Request): Promise<UsableToken | Refusal>
}

export function createTokenHandler(options: TokenHandlerOptions): TokenHandler {
  const context = contextOf(options)
  const proxies = proxiesOf(options)
  const own = ownEndpoints(context)
  const proxyOf = ({ pathname }: URL): ProxyTarget | undefined =>
    proxies.find(({ prefix }) => pathname.startsWith(prefix) || `${pathname}/` === prefix)
  const endpointOf = ({ pathname }: URL): OwnEndpoint | undefined =>
    pathname.startsWith(`${context.path}/`) ? own[pathname.slice(context.path.length + 1)] : undefined

  async function answer(request: Request, url: URL): Promise<Response | undefined> {
    const endpoint = endpointOf(url)
    if (endpoint !== undefined) {
      const method = request.method === 'HEAD' ? 'GET' : request.method
      if (method !== endpoint.method) return refusalResponse(refuse('method_not_allowed'))
      return endpoint.answer(request)
    }
    const proxy = proxyOf(url)
    if (proxy === undefined) return undefined
    return forward(request, proxy, refused => usableToken(context, request, refused), context.platform.fetch)
  }

  return {
    owns: url => endpointOf(url) !== undefined || proxyOf(url) !== undefined,
    async handle(request) {
      try {
        return await answer(request, new URL(request.url))
      } catch (failure) {
        if (!(failure instanceof CallFailure)) context.onFailure(failure as Error)
        return failureResponse(failure)
      }
    },
    getAccessToken: request => usableToken(context, request),
  }
}

/** Of one field. */
const formBytesAtMost = 4_096

interface OwnEndpoint {
  readonly method: 'GET' | 'POST'
  answer(request: Request): Response | Promise<Response>
}

function ownEndpoints(context: WebContext): Readonly<Record<string, OwnEndpoint | undefined>> {
  return {
    __proto__: null as never,
    login: { method: 'GET', answer: request => beginSignIn(context, request) },
    callback: { method: 'GET', answer: request => finishSignIn(context, request) },
    me: { method: 'GET', answer: request => me(context, request) },
    'backchannel-logout': { method: 'POST', answer: request => endByIssuer(context, request) },
    logout: { method: 'POST', answer: request => signOut(context, request) },
  }
}

/** `GET {path}/me`: who is signed in, out of the ID token: `{"signedIn": true, "user": {"sub", …}}`, or `{"signedIn": false}` with the reason if a login is over. */
async function me(context: WebContext, request: Request): Promise<Response> {
  const foreign = refuseForeign(request, context.origin)
  if (foreign !== undefined) return refusalResponse(foreign)
  const kept = await context.keeper.read(request)
  if (kept === undefined) return jsonAnswer(200, { signedIn: false })
  const live = await liveLogin(context, request, kept)
  if (isRefusal(live)) return jsonAnswer(200, { signedIn: false, reason: live.reason })
  const setCookies = [...live.setCookies, ...antiForgeryLines(context, request, live.login)]
  return withCookies(jsonAnswer(200, { signedIn: true, user: live.login.person }), setCookies)
}

/**
 * `POST {path}/logout`: ends this login, here and at the issuer. `{"signedOut": true, "ended": …}`, where `ended` is false if the issuer could not be told; a form
 * (field `csrf`) is led to `/`. Where a sign-out is the issuer's too, the form is led there, and JSON names the address: `"continueAt"`.
 */
async function signOut(context: WebContext, request: Request): Promise<Response> {
  const hasForm = isForm(request)
  const form = hasForm ? await readForm(request, formBytesAtMost) : undefined
  if (hasForm && form === undefined) return refusalResponse(refuse('body_too_large'))
  const field = form?.get('csrf')
  const kept = await context.keeper.read(request)
  const isOfLogin = (token: string): boolean =>
    kept === undefined || context.secrets.antiForgeryIsOf(kept.login.id, token)
  const forged =
    kept === undefined
      ? refuseForeign(request, context.origin)
      : refuseForged(request, context.origin, isOfLogin, field ?? undefined)
  if (forged !== undefined) return refusalResponse(forged)
  const setCookies = await context.keeper.end(request)
  const ended = await endAtIssuer(context, kept?.login)
  const terms = { maxAgeSeconds: 0, httpOnly: false, plainName: true }
  const continueAt = context.logout === 'issuer' ? issuerLogoutOf(context, kept?.login) : undefined
  const told = { signedOut: true, ended, ...(continueAt !== undefined && { continueAt }) }
  const answer = hasForm ? seeOther(continueAt ?? '/') : jsonAnswer(200, told)
  return withCookies(answer, [...setCookies, ...context.jar.write(request, antiForgeryCookie, '', terms)])
}

/** Whose ID token comes along is not asked (OpenID Connect RP-Initiated Logout §2). */
function issuerLogoutOf({ issuerUrl, clientId, origin }: WebContext, login: WebLogin | undefined): string {
  const query = new URLSearchParams({ client_id: clientId, post_logout_redirect_uri: `${origin}/` })
  if (login?.idToken !== undefined) query.set('id_token_hint', login.idToken)
  return `${issuerUrl}/logout?${query}`
}

async function endAtIssuer(context: WebContext, login: WebLogin | undefined): Promise<boolean> {
  if (login === undefined) return true
  try {
    await context.issuer.revoke(login)
    return true
  } catch (failure) {
    context.onFailure(failure as Error)
    return false
  }
}

function contextOf(options: TokenHandlerOptions): WebContext {
  const { issuer: issuerUrl, clientId, clientSecret, allowPlainHttp = false, cookieName = 'countersign_web' } = options
  const platform: WebPlatform = { ...systemWebPlatform, ...options.platform }
  requireText('issuer', issuerUrl, 'ISSUER')
  requireText('clientId', clientId, 'CLIENT_ID')
  requireText('clientSecret', options.clientSecret, 'CLIENT_SECRET')
  requireText('appUrl', options.appUrl, 'APP_URL')
  const app = new URL(options.appUrl)
  if (app.origin !== options.appUrl) throw new TypeError('appUrl: an origin, without a slash at the end')
  requireSecure('issuer', issuerUrl, allowPlainHttp)
  requireSecure('appUrl', options.appUrl, allowPlainHttp)
  const path = options.path ?? '/auth'
  if (!/^(\/[\w.~-]+)+$/.test(path)) throw new TypeError('path: such as /auth')
  const secrets = createSecrets(options.secrets, platform)
  const jar = createCookieJar(app, options.sameSite ?? 'lax')
  const kept = { jar, secrets, cookieName, cookieSeconds: options.cookieSeconds ?? 30 * 86_400, platform }
  const { scope = 'openid', logout = 'app' } = options
  const keepsIdToken = logout === 'issuer'
  const issuer = createWebIssuer({ issuer: issuerUrl, clientId, clientSecret, scope, keepsIdToken, secrets, platform })
  return {
    issuerUrl,
    clientId,
    origin: app.origin,
    path,
    scope,
    logout,
    cookieName,
    jar,
    secrets,
    keeper: options.sessions === undefined ? createCookieKeeper(kept) : createStoreKeeper(kept, options.sessions),
    issuer,
    issuerKeys: createIssuerKeys({ issuer: issuerUrl, platform }),
    renewals: createRenewals(issuer, platform),
    platform,
    onFailure: options.onFailure ?? (failure => console.error(`token handler: ${failure.message}`)),
  }
}

function proxiesOf({ proxies = {}, allowPlainHttp = false }: TokenHandlerOptions): readonly ProxyTarget[] {
  return Object.entries(proxies).map(([prefix, address]) => {
    if (!/^(\/[\w.~-]+)+\/?$/.test(prefix)) throw new TypeError(`proxies: '${prefix}' is not a path such as /api`)
    requireSecure('proxies', address, allowPlainHttp)
    const target = new URL(address)
    if (!target.pathname.endsWith('/')) target.pathname += '/'
    return { prefix: prefix.endsWith('/') ? prefix : `${prefix}/`, target }
  })
}
