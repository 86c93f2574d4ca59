import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import { CallFailure } from '../call-failure.ts'
import { refuseForged } from './cross-site.ts'
import type { KeptLogin } from './login-keeper.ts'
import type { WebContext } from './web-context.ts'
import type { WebLogin } from './web-login.ts'

/** A token for the call that a request is about. */
export interface UsableToken {
  readonly accessToken: string
  /** Where it comes from: a program's own header, or the browser's cookie. */
  readonly source: 'header' | 'cookie'
  /** `Set-Cookie` headers that the answer must carry: the login was renewed. */
  readonly setCookies: readonly string[]
}

/** A login that is alive, with what the answer must set. */
export interface LiveLogin {
  readonly login: WebLogin
  readonly setCookies: readonly string[]
}

/**
 * The token of a request: what its `Authorization` header says, or else that of the login in its cookie, renewed if it is due. A token in the header is passed
 * on as it is, since no page of another site can make a browser send one. Refused: `token_missing`, `origin_refused`, `csrf_refused`, and the reason for which a
 * login is over. Throws `CallFailure`.
 *
 * @param refused a token of the cookie's login that an API has refused
 */
export async function usableToken(
  context: WebContext,
  request: Request,
  refused?: string,
): Promise<UsableToken | Refusal> {
  const header = /^bearer +(.*)$/i.exec(request.headers.get('authorization') ?? '')?.[1]
  if (header !== undefined) return { accessToken: header, source: 'header', setCookies: [] }
  const kept = await context.keeper.read(request)
  if (kept === undefined) return refuse('token_missing')
  const isOfLogin = (token: string): boolean => context.secrets.antiForgeryIsOf(kept.login.id, token)
  const forged = refuseForged(request, context.origin, isOfLogin)
  if (forged !== undefined) return forged
  const live = await liveLogin(context, request, kept, refused)
  return isRefusal(live) ? live : { accessToken: live.login.accessToken, source: 'cookie', setCookies: live.setCookies }
}

/** Renews the login if it is due. While the issuer is away, a token that has some seconds left is good enough. */
export async function liveLogin(
  context: WebContext,
  request: Request,
  kept: KeptLogin,
  refused?: string,
): Promise<LiveLogin | Refusal> {
  const { login } = kept
  let alive: WebLogin | Refusal
  try {
    alive = await context.renewals.alive(login, refused)
  } catch (failure) {
    if (!(failure instanceof CallFailure)) throw failure
    context.onFailure(failure)
    if (login.accessToken !== refused && context.platform.now() < login.accessEndsAt) return { login, setCookies: [] }
    throw failure
  }
  if (alive === login) return { login, setCookies: [] }
  if (isRefusal(alive)) {
    await context.keeper.forget(kept)
    return alive
  }
  return { login: alive, setCookies: await context.keeper.renew(request, kept, alive) }
}
