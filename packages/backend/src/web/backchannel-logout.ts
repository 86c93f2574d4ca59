import { type Refusal, refuse } from '@countersign/protocol'
import { jsonAnswer, refusalResponse } from './answers.ts'
import type { OpenedToken } from './issuer-keys.ts'
import { isForm, readForm } from './read-form.ts'
import type { WebContext } from './web-context.ts'

const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout'
const types: ReadonlySet<unknown> = new Set(['logout+jwt', undefined])
/** The issuer's clock and ours differ; a logout token is old after minutes. */
const toleranceSeconds = 60
const oldestSeconds = 600
const bytesAtMost = 16_384

/**
 * `POST {path}/backchannel-logout`: the issuer tells that a session has ended (OpenID Connect Back-Channel Logout §2.5). The app's logins in it are over, wherever
 * they are kept; of those in cookies this process alone knows it, others when they renew them. Refused: `logout_token_invalid`,
 * `body_too_large`.
 */
export async function endByIssuer(context: WebContext, request: Request): Promise<Response> {
  if (!isForm(request)) return refused('It must be a form.')
  const form = await readForm(request, bytesAtMost)
  if (form === undefined) return refusalResponse(refuse('body_too_large'))
  const token = form.get('logout_token')
  const opened = token === null ? undefined : await context.issuerKeys.open(token)
  if (opened === undefined) return refused('It bears no signature of the issuer.')
  const ended = readLogout(opened, context)
  if (typeof ended !== 'string') return refusalResponse(ended)
  await context.keeper.endSession(ended)
  return jsonAnswer(200, {})
}

/** The session that has ended (§2.6). */
function readLogout({ header, claims }: OpenedToken, { issuerUrl, clientId, platform }: WebContext): string | Refusal {
  const { iss, aud, iat, exp, events, nonce, sid, jti } = claims
  const now = platform.now() / 1000
  if (!types.has(header.typ)) return invalid('It is a token of another kind.')
  if (iss !== issuerUrl || ![aud].flat().includes(clientId)) return invalid('It is not for this application.')
  if (typeof iat !== 'number' || iat > now + toleranceSeconds || iat < now - oldestSeconds) return invalid('It is old.')
  if (exp !== undefined && !(typeof exp === 'number' && exp > now - toleranceSeconds)) return invalid('It is old.')
  if (!namesLogout(events) || nonce !== undefined || typeof jti !== 'string') return invalid('It is no logout token.')
  return typeof sid === 'string' && sid !== '' ? sid : invalid('It names no session.')
}

function namesLogout(events: unknown): boolean {
  if (typeof events !== 'object' || events === null || !Object.hasOwn(events, logoutEvent)) return false
  const event = (events as Record<string, unknown>)[logoutEvent]
  return typeof event === 'object' && event !== null
}

function invalid(detail: string): Refusal {
  return refuse('logout_token_invalid', { detail })
}

function refused(detail: string): Response {
  return refusalResponse(invalid(detail))
}
