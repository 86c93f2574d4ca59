import { type Client, isPublic } from '@countersign/core'
import type { HttpAnswer } from '../http/message.ts'
import { goOnPage } from '../pages/message-pages.ts'
import type { HostedServices } from './hosted-services.ts'
import { page } from './page-answers.ts'

/*
 * Browsers hold the answer to a form, and everywhere that it leads on to, to the policy of the form's page (`form-action`). A web application's callback may lead on to
 * another origin of its own, or on to a program by its scheme, which no policy of ours can name. So from a form one leaves for it by a page that moves on by itself: what follows is no form's any more.
 */

/**
 * Whether one leaves for an application in that way: where a web server is at its address, or may be. One of the operator's own without a secret may be an app on a phone
 * (RFC 8252 §7.2), which some systems only open from a redirect that follows what somebody has pressed; where its callback leads on to, the operator has in hand.
 */
export function isLeftForByPage(client: Client, redirectUri: string): boolean {
  const mayBeOwnApp = client.firstParty && isPublic(client)
  return !mayBeOwnApp && /^https?:/.test(redirectUri)
}

/** Moves on by itself; `body`: what is shown for that moment. */
export function goOn(
  services: HostedServices,
  url: string,
  {
    setCookie,
    body = goOnPage(services.site, { url }),
  }: { setCookie?: string | readonly string[]; body?: string } = {},
): HttpAnswer {
  const answer = page(200, body, { leadsToApplication: true, setCookie })
  return { ...answer, headers: { ...answer.headers, refresh: `0;url=${url}` } }
}

/** The answer to a form of ours, where it may lead to an application. */
export function afterForm(
  services: HostedServices,
  { client, redirectUri }: { readonly client: Client; readonly redirectUri: string },
  answer: HttpAnswer,
): HttpAnswer {
  const { location, ...others } = answer.headers
  const leads = typeof location === 'string' && /^https?:/.test(location)
  if (!leads || !isLeftForByPage(client, redirectUri)) return answer
  const left = goOn(services, location)
  return { ...left, headers: { ...others, ...left.headers } }
}
