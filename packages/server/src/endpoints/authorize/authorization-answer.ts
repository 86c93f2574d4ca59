import { type Refusal, reasonHeader, reasons } from '@countersign/protocol'
import type { HostedServices } from '../../hosted/hosted-services.ts'
import { page } from '../../hosted/page-answers.ts'
import { seeOther } from '../../http/answers.ts'
import type { HttpAnswer } from '../../http/message.ts'
import { formPostPage, formPostScriptHash } from '../../pages/form-post-page.ts'
import { stateCharactersAtMost, type Target } from './authorization-request.ts'

/**
 * An answer to the client, through the browser (RFC 6749 §4.1.2), in the response mode that it asked for. With `iss` (RFC 9207), so that a client of several
 * servers knows who answered.
 */
export function answerClient(
  services: HostedServices,
  target: Target,
  parameters: Readonly<Record<string, string>>,
): HttpAnswer {
  const { state, redirectUri: url, client, responseMode } = target
  const all = {
    ...parameters,
    ...(state !== undefined && state.length <= stateCharactersAtMost && { state }),
    iss: services.config.issuer,
  }
  if (responseMode === 'form_post') {
    const body = formPostPage(services.site, { url, applicationName: client.name, parameters: all })
    return page(200, body, { redirectUri: url, scriptHash: formPostScriptHash })
  }
  const uri = new URL(url)
  for (const [name, value] of Object.entries(all)) uri.searchParams.set(name, value)
  return seeOther(uri.href)
}

/** `as`: the error's name at this endpoint (RFC 6749 §4.1.2.1), where the reason's own is not one of its. */
export function answerError(services: HostedServices, target: Target, refusal: Refusal, as?: string): HttpAnswer {
  const { error, text } = reasons[refusal.reason]
  const answer = answerClient(services, target, {
    error: as ?? error,
    error_description: refusal.detail ?? text,
    reason: refusal.reason,
  })
  return { ...answer, headers: { ...answer.headers, [reasonHeader]: refusal.reason } }
}
