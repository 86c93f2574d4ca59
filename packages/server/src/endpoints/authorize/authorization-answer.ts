import { isVouchedFor } from '@countersign/core'
import { type Refusal, reasonHeader, reasons } from '@countersign/protocol'
import type { HostedServices } from '../../hosted/hosted-services.ts'
import { page, pageOfRefusal } from '../../hosted/page-answers.ts'
import { seeOther } from '../../http/answers.ts'
import type { HttpAnswer, HttpRequest } from '../../http/message.ts'
import { formPostPage, formPostScriptHash } from '../../pages/form-post-page.ts'
import type { WayBack } from '../../pages/message-pages.ts'
import { stateCharactersAtMost, type Target } from './authorization-request.ts'

type AnswerParameters = Readonly<Record<string, string>>

/**
 * An answer to the client, through the browser (RFC 6749 §4.1.2), in the response mode that it asked for. With `iss` (RFC 9207), so that a client of several
 * servers knows who answered.
 */
export function answerClient(services: HostedServices, target: Target, parameters: AnswerParameters): HttpAnswer {
  const { redirectUri: url, client, responseMode } = target
  const all = whole(services, target, parameters)
  if (responseMode === 'form_post') {
    const body = formPostPage(services.site, { url, applicationName: client.name, parameters: all })
    return page(200, body, { redirectUri: url, scriptHash: formPostScriptHash })
  }
  return seeOther(addressWith(url, all))
}

function whole({ config }: HostedServices, { state }: Target, parameters: AnswerParameters): AnswerParameters {
  return {
    ...parameters,
    ...(state !== undefined && state.length <= stateCharactersAtMost && { state }),
    iss: config.issuer,
  }
}

function addressWith(redirectUri: string, parameters: AnswerParameters): string {
  const uri = new URL(redirectUri)
  for (const [name, value] of Object.entries(parameters)) uri.searchParams.set(name, value)
  return uri.href
}

/**
 * An error for the client. Where nobody here knows the client, neither an operator nor the user, it is told on a page that names the host and has a button: anybody can register
 * an address, and a link to this server must not be one to anywhere (RFC 9700 §4.11.2). `error_redirects: "all"` tells it without.
 */
export async function answerError(
  services: HostedServices,
  http: HttpRequest,
  target: Target,
  refusal: Refusal,
): Promise<HttpAnswer> {
  return (await isKnown(services, http, target))
    ? redirectError(services, target, refusal)
    : pageOfRefusal(services, refusal, wayBackTo(services, target, refusal))
}

/**
 * An error for the client, at its address at once: where the user has seen who asks, and pressed a button. `as`: the error's name at this endpoint
 * (RFC 6749 §4.1.2.1), where the reason's own is not one of its.
 */
export function redirectError(services: HostedServices, target: Target, refusal: Refusal, as?: string): HttpAnswer {
  const answer = answerClient(services, target, parametersOf(refusal, as))
  return { ...answer, headers: { ...answer.headers, [reasonHeader]: refusal.reason } }
}

function parametersOf(refusal: Refusal, as?: string): AnswerParameters {
  const { error, text } = reasons[refusal.reason]
  return { error: as ?? error, error_description: refusal.detail ?? text, reason: refusal.reason }
}

async function isKnown(services: HostedServices, http: HttpRequest, { client }: Target): Promise<boolean> {
  const { config, cookies, store } = services
  if (config.errorRedirects === 'all' || isVouchedFor(client)) return true
  if (client.firstParty || client.consent === 'implied') return true
  const login = await cookies.session(http)
  return login !== undefined && (await store.loadGrant(login.user.id, client.id)).grant?.withdrawnAt === null
}

/** No page of ours can lead to an app's own scheme: there the user goes back by themselves. */
function wayBackTo(services: HostedServices, target: Target, refusal: Refusal): WayBack | undefined {
  const { client, redirectUri, responseMode } = target
  if (!/^https?:/.test(redirectUri)) return undefined
  const parameters = whole(services, target, parametersOf(refusal))
  const way = { name: client.name, host: new URL(redirectUri).host }
  return responseMode === 'form_post'
    ? { ...way, url: redirectUri, fields: parameters }
    : { ...way, url: addressWith(redirectUri, parameters) }
}
