import { type Refusal, reasonHeader, reasons, refuse } from '@countersign/protocol'
import type { HttpAnswer } from '../http/message.ts'
import { type PageHeaderOptions, pageHeaders } from '../pages/content-security-policy.ts'
import { chooseLanguage, readAcceptLanguage } from '../pages/language/choose-language.ts'
import { errorPage, notFoundPage, type WayBack, waitPage } from '../pages/message-pages.ts'
import { inLanguage } from '../pages/site.ts'
import type { HostedServices } from './hosted-services.ts'

/** A page with the headers that every page has. */
export function page(
  status: number,
  body: string,
  more: PageHeaderOptions & { setCookie?: string | readonly string[] | undefined } = {},
): HttpAnswer {
  const headers = { ...pageHeaders(more), ...(more.setCookie !== undefined && { 'set-cookie': more.setCookie }) }
  return { status, headers, body }
}

/** A page that is shown again because of a problem, or for the first time: status and headers say which. */
export function problemPage(
  problem: Refusal | undefined,
  body: string,
  more: PageHeaderOptions & { setCookie?: string | undefined } = {},
): HttpAnswer {
  if (problem === undefined) return page(200, body, more)
  const { status } = reasons[problem.reason]
  const answer = page(status, body, more)
  const headers: Record<string, string | readonly string[]> = { ...answer.headers, [reasonHeader]: problem.reason }
  if (mustWait(status)) headers['retry-after'] = String(problem.retryAfterSeconds ?? 1)
  return { ...answer, headers }
}

/** A refusal for people: a page that says what happened and what can be done. */
export function pageOfRefusal({ site }: HostedServices, refusal: Refusal, application?: WayBack): HttpAnswer {
  const { reason, retryAfterSeconds = 1 } = refusal
  const body = mustWait(reasons[reason].status)
    ? waitPage(site, { reason, retryAfterSeconds })
    : // No menu of languages: its links would hold the request, and so the address that is refused here.
      errorPage({ ...site, menu: [] }, { ...refusal, ...(application && { application }) })
  return problemPage(refusal, body, {
    leadsToApplication: application !== undefined,
    ...(application?.fields && { redirectUri: application.url }),
  })
}

/** For an address that does not exist. */
export function pageOfNotFound({ languages, site }: HostedServices, acceptLanguage: string): HttpAnswer {
  const language = chooseLanguage(languages.all, readAcceptLanguage(acceptLanguage)) ?? languages.first
  return problemPage(refuse('not_found'), notFoundPage(inLanguage(site, language), { homeUrl: '/account' }))
}

function mustWait(status: number): boolean {
  return status === 429 || status === 503
}
