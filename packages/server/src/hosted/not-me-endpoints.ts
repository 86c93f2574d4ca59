import { addressHash, hashCode, newMailLink, useMailLink } from '@countersign/core'
import { isRefusal, refuse } from '@countersign/protocol'
import { seeOther } from '../http/answers.ts'
import type { Endpoint, HttpAnswer, HttpRequest } from '../http/message.ts'
import { readPageForm, readParameters } from '../http/read-form.ts'
import { type FoundLink, linkPaths } from '../mail/links.ts'
import { notMeDonePage, notMePage } from '../pages/mail-pages.ts'
import { usesPasswords } from '../passwords/use-of-passwords.ts'
import { decideAndCommit } from '../sign-in/decide-and-commit.ts'
import { deviceOf } from '../sign-in/device-of.ts'
import { endUserSessions } from '../sign-in/end-user-sessions.ts'
import type { HostedServices } from './hosted-services.ts'
import { findKeptLink, linkIsOver, takeToken } from './link-pages.ts'
import { page, pageOfRefusal, problemPage } from './page-answers.ts'

const tokenBytes = 32

/** `GET /not-me`: a page with one button. It does nothing by itself: a scanner of mails would sign everybody out. */
export function showNotMe(services: HostedServices): Endpoint {
  return async http => {
    const onward = takeToken(services, http, 'not_me')
    if (onward !== undefined) return onward
    const query = readParameters(http.query)
    if (!isRefusal(query) && query.get('done') === 'ended') {
      return page(200, notMeDonePage(services.site, { signInUrl: '/sign-in' }))
    }
    const found = await findKeptLink(services, http, 'not_me')
    return isRefusal(found) ? linkIsOver(services, found) : notMeAnswer(services, http, found)
  }
}

/**
 * `POST /not-me`: whoever signed in knows the password, so that session ends with all others, and the password is good for nothing any more. What follows is the page for a
 * new one, by a link of its own that no mail has carried. Where nobody signs in by password, the sessions end and that is all: what is kept of a password is not touched.
 */
export function submitNotMe(services: HostedServices): Endpoint {
  return async http => {
    const form = readPageForm(http)
    if (isRefusal(form)) return pageOfRefusal(services, form)
    if (!services.cookies.formIsOurs(http, form.get('csrf'))) return pageOfRefusal(services, refuse('csrf_refused'))
    if (!usesPasswords(services.config)) return endAll(services, http)
    const token = services.random(tokenBytes).toString('base64url')
    const outcome = await decideAndCommit(services, async () => {
      const found = await findKeptLink(services, http, 'not_me')
      return isRefusal(found) ? found : { result: {}, change: await changeOf(services, http, found, token) }
    })
    if (isRefusal(outcome)) return linkIsOver(services, outcome)
    const { cookies } = services
    const setCookie = [cookies.keepLink('not_me', ''), cookies.keepLink('reset_password', token), cookies.end()]
    return seeOther(`${linkPaths.reset_password}?done=ended`, { 'set-cookie': setCookie })
  }
}

async function endAll(services: HostedServices, http: HttpRequest): Promise<HttpAnswer> {
  const outcome = await decideAndCommit(services, async () => {
    const found = await findKeptLink(services, http, 'not_me')
    if (isRefusal(found)) return found
    const change = await endUserSessions(services, found, 'ended_by_user', { device: deviceOf(http), by: 'user' })
    const used = { table: 'mailLink' as const, row: useMailLink(found.link, found.now) }
    return { result: {}, change: { ...change, writes: [...change.writes, used] } }
  })
  if (isRefusal(outcome)) return linkIsOver(services, outcome)
  const { cookies } = services
  return seeOther(`${linkPaths.not_me}?done=ended`, { 'set-cookie': [cookies.keepLink('not_me', ''), cookies.end()] })
}

async function changeOf(services: HostedServices, http: HttpRequest, found: FoundLink, token: string) {
  const { now, user, link, email } = found
  const change = await endUserSessions(services, found, 'ended_by_user', {
    device: deviceOf(http),
    by: 'user',
    user: { passwordHash: null },
    event: 'user.password_changed',
  })
  const reset = newMailLink(
    {
      hash: hashCode(token),
      purpose: 'reset_password',
      addressHash: addressHash(email),
      sessionId: null,
      user: { ...user, epoch: user.epoch + 1 },
      now,
    },
    undefined,
  )
  const links = [useMailLink(link, now), reset].map(row => ({ table: 'mailLink' as const, row }))
  return { ...change, writes: [...change.writes, ...links] }
}

async function notMeAnswer(services: HostedServices, http: HttpRequest, { link }: FoundLink): Promise<HttpAnswer> {
  const { csrf, setCookie } = services.cookies.form(http)
  const session = link.sessionId === null ? undefined : await services.store.loadSessionOnly(link.sessionId)
  const body = notMePage(services.site, {
    csrf,
    ...(!usesPasswords(services.config) && { withoutPassword: true }),
    ...(session && {
      session: { device: session.session.device.label, ip: session.session.device.ip, time: session.session.createdAt },
    }),
  })
  return problemPage(undefined, body, { setCookie })
}
