import { type Refusal, reasonHeader, reasons } from '@countersign/protocol'
import type { HttpAnswer } from '../http/message.ts'
import { type PageHeaderOptions, pageHeaders } from '../pages/content-security-policy.ts'
import { errorPage, waitPage } from '../pages/message-pages.ts'
import type { HostedServices } from './hosted-services.ts'

/** A page with the headers that every page has. */
export function page(
  status: number,
  body: string,
  more: PageHeaderOptions & { setCookie?: string | undefined } = {},
): HttpAnswer {
  const headers = { ...pageHeaders(more), ...(more.setCookie !== undefined && { 'set-cookie': more.setCookie }) }
  return { status, headers, body }
}

/** A refusal for people: a page that says what happened and what can be done. */
export function pageOfRefusal({ site }: HostedServices, refusal: Refusal): HttpAnswer {
  const { status } = reasons[refusal.reason]
  const retryAfterSeconds = refusal.retryAfterSeconds ?? 1
  const mayWait = status === 429 || status === 503
  const body = mayWait ? waitPage(site, { reason: refusal.reason, retryAfterSeconds }) : errorPage(site, refusal)
  const answer = page(status, body)
  const headers: Record<string, string | readonly string[]> = { ...answer.headers, [reasonHeader]: refusal.reason }
  if (mayWait) headers['retry-after'] = String(retryAfterSeconds)
  return { ...answer, headers }
}
