import type { MailLinkPurpose } from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import { seeOther } from '../http/answers.ts'
import type { HttpAnswer, HttpRequest } from '../http/message.ts'
import { type Parameters, readParameters } from '../http/read-form.ts'
import { type FoundLink, findLink, linkPaths } from '../mail/links.ts'
import { linkOverPage } from '../pages/mail-pages.ts'
import { usesPasswords } from '../passwords/use-of-passwords.ts'
import { forgotPath } from './forgot-endpoints.ts'
import type { HostedServices } from './hosted-services.ts'
import { pageOfRefusal, problemPage } from './page-answers.ts'

/*
 * Pages that a mail leads to. A GET changes nothing: programs look at links before people do. The token leaves the address at once, into a cookie of this browser, so that it
 * is neither told on by `Referer` nor read over a shoulder nor kept in a history.
 */

/** On to the page itself, without the token; `undefined`: there is none in the address. */
export function takeToken(
  services: HostedServices,
  http: HttpRequest,
  purpose: MailLinkPurpose,
): HttpAnswer | undefined {
  const query = readParameters(http.query)
  const token = isRefusal(query) ? undefined : query.get('token')
  if (token === undefined) return undefined
  const setCookie = services.cookies.keepLink(purpose, /^[\w-]{43}$/.test(token) ? token : '')
  return seeOther(linkPaths[purpose], { 'set-cookie': setCookie, 'referrer-policy': 'no-referrer' })
}

/** The link that this browser has come with, if it stands. */
export function findKeptLink(
  services: HostedServices,
  http: HttpRequest,
  purpose: MailLinkPurpose,
): Promise<FoundLink | Refusal> {
  return findLink(services, purpose, services.cookies.keptLink(http, purpose))
}

/**
 * The field of a form that says which link its page showed. What a browser has come with is a cookie, and another link that it opens afterwards takes its place there: a new
 * password would be somebody else's, and "this was not me" about their account.
 */
export function shownLink(services: HostedServices, http: HttpRequest, purpose: MailLinkPurpose, csrf: string): string {
  return services.cookies.seal(csrf, keptText(services, http, purpose))
}

/** Whether a form comes from the page of the link that this browser has come with last. */
export function isOfShownLink(
  services: HostedServices,
  http: HttpRequest,
  purpose: MailLinkPurpose,
  form: Parameters,
): boolean {
  return services.cookies.sealIsOf(form.get('csrf') ?? '', keptText(services, http, purpose), form.get('shown'))
}

function keptText({ cookies }: HostedServices, http: HttpRequest, purpose: MailLinkPurpose): string {
  return `mailed ${purpose} ${cookies.keptLink(http, purpose) ?? ''}`
}

/** What is shown for a link that stands no more. */
export function linkIsOver(services: HostedServices, refusal: Refusal): HttpAnswer {
  if (refusal.reason !== 'mail_link_invalid') return pageOfRefusal(services, refusal)
  const body = linkOverPage(
    services.site,
    usesPasswords(services.config) ? { forgotUrl: forgotPath } : { signInUrl: '/sign-in' },
  )
  return problemPage(refuse('mail_link_invalid'), body)
}
