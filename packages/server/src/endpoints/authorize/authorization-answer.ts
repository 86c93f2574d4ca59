import { type Refusal, reasons } from '@countersign/protocol'
import type { HostedServices } from '../../hosted/hosted-services.ts'
import { seeOther } from '../../http/answers.ts'
import type { HttpAnswer } from '../../http/message.ts'
import { stateCharactersAtMost, type Target } from './authorization-request.ts'

/** An answer to the client, through the browser (RFC 6749 §4.1.2). With `iss` (RFC 9207), so that a client of several servers knows who answered. */
export function answerClient(
  services: HostedServices,
  target: Target,
  parameters: Readonly<Record<string, string>>,
): HttpAnswer {
  const uri = new URL(target.redirectUri)
  for (const [name, value] of Object.entries(parameters)) uri.searchParams.set(name, value)
  if (target.state !== undefined && target.state.length <= stateCharactersAtMost)
    uri.searchParams.set('state', target.state)
  uri.searchParams.set('iss', services.config.issuer)
  return seeOther(uri.href)
}

/** `as`: the error's name at this endpoint (RFC 6749 §4.1.2.1), where the reason's own is not one of its. */
export function answerError(services: HostedServices, target: Target, refusal: Refusal, as?: string): HttpAnswer {
  const { error, text } = reasons[refusal.reason]
  return answerClient(services, target, {
    error: as ?? error,
    error_description: refusal.detail ?? text,
    reason: refusal.reason,
  })
}
