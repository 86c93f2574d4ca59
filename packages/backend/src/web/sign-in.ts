import { createHash } from 'node:crypto'
import { isRefusal } from '@countersign/protocol'
import { CallFailure } from '../call-failure.ts'
import { messagePage, refusalResponse, seeOther, withCookies } from './answers.ts'
import { antiForgeryCookie, refuseFramed } from './cross-site.ts'
import { parseUrl } from './parse-url.ts'
import type { WebContext } from './web-context.ts'
import type { WebLogin } from './web-login.ts'

/** A sign-in that was begun in this browser: sealed in a cookie of its own, so that several tabs may sign in at once. */
interface BegunSignIn {
  readonly state: string
  readonly verifier: string
  readonly nonce: string
  readonly returnTo: string
}

const begunCookie = 'countersign_sign_in_'
const begunSeconds = 900
/** Of tabs that were left in the middle. */
const begunAtMost = 5

/** What an app may add to the request, as the issuer knows it (OpenID Connect Core §3.1.2.1). */
const passedOn = ['prompt', 'login_hint', 'max_age', 'ui_locales', 'acr_values'] as const

/**
 * `GET {path}/login?return_to=/somewhere`: to the issuer's sign-in page, by authorization code with PKCE (RFC 7636), the code bound to the app's key (RFC 9449
 * §10). `return_to` is a path of this app; anything else is taken for `/`.
 */
export function beginSignIn(context: WebContext, request: Request): Response {
  const framed = refuseFramed(request)
  if (framed !== undefined) return refusalResponse(framed)
  const { platform, secrets, jar } = context
  const asked = new URL(request.url).searchParams
  const random = (count: number): string => platform.randomBytes(count).toString('base64url')
  const begun: BegunSignIn = {
    state: random(16),
    verifier: random(32),
    nonce: random(16),
    returnTo: ownPath(asked.get('return_to'), context.origin),
  }
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: context.clientId,
    redirect_uri: callbackOf(context),
    scope: context.scope,
    state: begun.state,
    nonce: begun.nonce,
    code_challenge: createHash('sha256').update(begun.verifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  const key = secrets.proofKey(secrets.newestKeyId)
  if (key !== undefined) query.set('dpop_jkt', key.thumbprint)
  for (const name of passedOn) {
    const value = asked.get(name)
    if (value !== null) query.set(name, value)
  }
  const left = jar.namesOf(request, begunCookie)
  return withCookies(seeOther(`${context.issuerUrl}/authorize?${query}`), [
    ...(left.length < begunAtMost ? [] : left.flatMap(name => jar.clear(request, name))),
    ...jar.write(request, nameOf(begun.state), secrets.seal('sign-in', begun), { maxAgeSeconds: begunSeconds }),
  ])
}

/** `GET {path}/callback`: only for a sign-in that this browser has begun (login CSRF), and from the issuer that was asked (RFC 9207 §2.4). */
export async function finishSignIn(context: WebContext, request: Request): Promise<Response> {
  const framed = refuseFramed(request)
  if (framed !== undefined) return refusalResponse(framed)
  const query = new URL(request.url).searchParams
  const begun = readBegun(context, request, query.get('state'))
  if (begun === undefined) return notBegunHere(context, request)
  const done = (response: Response, setCookies: readonly string[] = []): Response =>
    withCookies(response, [...setCookies, ...context.jar.clear(request, nameOf(begun.state))])
  if (query.get('iss') !== context.issuerUrl) return done(failedPage(context, 'Another server has answered.'))
  const code = query.get('code')
  if (code === null) return done(seeOther(withError(begun.returnTo, query.get('reason') ?? query.get('error'))))
  let answer: Awaited<ReturnType<WebContext['issuer']['redeem']>>
  try {
    answer = await context.issuer.redeem(code, { redirectUri: callbackOf(context), ...begun })
  } catch (failure) {
    if (!(failure instanceof CallFailure)) throw failure
    context.onFailure(failure)
    const text = 'The server that signs you in cannot be reached just now.'
    return done(messagePage(503, 'Not signed in', text, loginOf(context)))
  }
  if (isRefusal(answer)) {
    context.onFailure(new CallFailure(`POST /token: refused (${answer.reason})`, { refusal: answer }))
    return done(failedPage(context, 'The sign-in was too old, or was used before.'))
  }
  const before = await context.keeper.read(request)
  const setCookies = await context.keeper.begin(request, answer)
  if (before !== undefined) await endQuietly(context, before.login)
  return done(seeOther(begun.returnTo), [...setCookies, ...antiForgeryLines(context, request, answer)])
}

/** The token that the app's pages send along with what changes something: readable for them, and made from the login. */
export function antiForgeryLines({ jar, secrets }: WebContext, request: Request, login: WebLogin): readonly string[] {
  const terms = { maxAgeSeconds: 34_560_000, httpOnly: false, plainName: true }
  return jar.write(request, antiForgeryCookie, secrets.antiForgeryOf(login.id), terms)
}

/** The login that another one takes the place of. That it could not be ended now must not keep anybody from signing in. */
async function endQuietly(context: WebContext, login: WebLogin): Promise<void> {
  await context.issuer.revoke(login).catch(context.onFailure)
}

/** A reload or the back button after a sign-in that worked leads on; everything else is told. */
async function notBegunHere(context: WebContext, request: Request): Promise<Response> {
  if ((await context.keeper.read(request)) !== undefined) return seeOther('/')
  return messagePage(
    400,
    'Not signed in',
    'This sign-in was not begun in this browser, or it took too long.',
    loginOf(context),
  )
}

function failedPage(context: WebContext, text: string): Response {
  return messagePage(400, 'Not signed in', text, loginOf(context))
}

function readBegun({ jar, secrets }: WebContext, request: Request, state: string | null): BegunSignIn | undefined {
  if (state === null || !/^[\w-]{22}$/.test(state)) return undefined
  const sealed = jar.read(request, nameOf(state))
  const begun = sealed === undefined ? undefined : (secrets.open('sign-in', sealed) as BegunSignIn | undefined)
  return begun?.state === state ? begun : undefined
}

const nameOf = (state: string): string => begunCookie + state.slice(0, 8)
const callbackOf = ({ origin, path }: WebContext): string => `${origin}${path}/callback`
const loginOf = ({ path }: WebContext): string => `${path}/login`

/** A path of this app, so that nobody is led elsewhere (CWE-601); judged before and after `..` is resolved, which makes `//` of `/..//`. */
export function ownPath(wanted: string | null, origin: string): string {
  const url = wanted !== null && isPath(wanted) ? parseUrl(wanted, origin) : null
  if (url === null || url.origin !== origin || !isPath(url.pathname)) return '/'
  return `${url.pathname}${url.search}${url.hash}`
}

const isPath = (text: string): boolean => /^\/(?![/\\])/.test(text)

function withError(path: string, error: string | null): string {
  const url = new URL(path, 'http://app.invalid')
  url.searchParams.set('auth_error', error?.slice(0, 100) ?? 'unknown')
  return `${url.pathname}${url.search}${url.hash}`
}
