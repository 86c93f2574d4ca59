import { emailKey, hashCode } from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import { seeOther } from '../http/answers.ts'
import type { Endpoint, HttpAnswer, HttpRequest } from '../http/message.ts'
import { readPageForm, readParameters } from '../http/read-form.ts'
import type { Mailer } from '../mail/mailer.ts'
import { forgotPage } from '../pages/mail-pages.ts'
import { addressKey } from '../passwords/address-key.ts'
import { deviceOf } from '../sign-in/device-of.ts'
import type { HostedServices } from './hosted-services.ts'
import { pageOfRefusal, problemPage } from './page-answers.ts'

export const forgotPath = '/forgot-password'

const fromOneSource = { kind: 'new passwords asked for from an address', attempts: 20, windowSeconds: 3600 }
/** All of them stand for an hour: who asks more often has one in their mailbox. */
const forOneAddress = { kind: 'new passwords asked for an account', attempts: 5, windowSeconds: 3600 }

/** `GET /forgot-password`. */
export function showForgot(services: HostedServices): Endpoint {
  return http => {
    const query = readParameters(http.query)
    const isSent = !isRefusal(query) && query.get('done') === 'sent'
    return forgotAnswer(services, http, { isSent })
  }
}

/**
 * `POST /forgot-password`. Whether there is such an account is looked up when the mail is to be sent, so that the answer, what is written for it and the time that it
 * takes are the same either way.
 */
export function submitForgot(services: HostedServices, mailer: Mailer): Endpoint {
  return async http => {
    const form = readPageForm(http)
    if (isRefusal(form)) return pageOfRefusal(services, form)
    const email = form.get('email') ?? ''
    const again = (problem: Refusal): HttpAnswer => forgotAnswer(services, http, { email, problem })
    if (!services.cookies.formIsOurs(http, form.get('csrf'))) return again(refuse('csrf_refused'))
    const key = emailKey(email)
    if (key === null) return again(refuse('email_invalid'))
    const source = await services.counters.take(fromOneSource, addressKey(http.ip))
    if (!source.allowed) return again(refuse('too_many_attempts', source))
    // Not told: it would say that somebody else has asked.
    const { allowed } = await services.counters.take(forOneAddress, hashCode(key))
    if (allowed) await ask(services, mailer, http, email.trim())
    return seeOther(`${forgotPath}?done=sent`)
  }
}

async function ask({ store, site }: HostedServices, mailer: Mailer, http: HttpRequest, to: string): Promise<void> {
  const { now } = await store.loadIssuer()
  const { label, ip } = deviceOf(http)
  const content = { to, language: site.language.tag, time: now, device: label, ip }
  const writes = [mailer.toAddress('reset_password', content)]
  await store.commit({ writes, audit: [], entries: [], durable: true, time: now })
}

function forgotAnswer(
  services: HostedServices,
  http: HttpRequest,
  more: { email?: string; problem?: Refusal; isSent?: boolean },
): HttpAnswer {
  const { csrf, setCookie } = services.cookies.form(http)
  const body = forgotPage(services.site, { csrf, signInUrl: '/sign-in', ...more })
  return problemPage(more.problem, body, { setCookie })
}
