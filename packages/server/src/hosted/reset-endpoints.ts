import { takeAccountOver, useMailLink } from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import { seeOther } from '../http/answers.ts'
import type { Endpoint, HttpAnswer, HttpRequest } from '../http/message.ts'
import { readPageForm, readParameters } from '../http/read-form.ts'
import { type FoundLink, linkPaths } from '../mail/links.ts'
import { type LeftModel, resetDonePage, resetLeftPage, resetPage } from '../pages/mail-pages.ts'
import { addressKey } from '../passwords/address-key.ts'
import { passwordMinLength, passwordProblem } from '../passwords/password-policy.ts'
import { addedAccess } from '../sign-in/added-access.ts'
import { decideAndCommit } from '../sign-in/decide-and-commit.ts'
import { deviceOf } from '../sign-in/device-of.ts'
import { endUserSessions } from '../sign-in/end-user-sessions.ts'
import { applicationsPath } from './applications-endpoints.ts'
import type { HostedServices } from './hosted-services.ts'
import { findKeptLink, isOfShownLink, linkIsOver, shownLink, takeToken } from './link-pages.ts'
import { waysInPath } from './link-seal.ts'
import { page, pageOfRefusal, problemPage } from './page-answers.ts'
import { signInFor } from './page-commands.ts'
import { usableIdentities, wayInOf } from './ways-in-endpoints.ts'

const path = linkPaths.reset_password

/** `GET /reset-password`: the form, for whoever comes with a link that stands. */
export function showReset(services: HostedServices): Endpoint {
  return async http => {
    const onward = takeToken(services, http, 'reset_password')
    if (onward !== undefined) return onward
    const query = readParameters(http.query)
    if (!isRefusal(query) && query.get('done') === 'reset') {
      return page(200, resetDonePage(services.site, { signInUrl: '/sign-in' }))
    }
    const found = await findKeptLink(services, http, 'reset_password')
    return isRefusal(found) ? linkIsOver(services, found) : resetAnswer(services, http, found)
  }
}

/**
 * `POST /reset-password`: a new password. Every session ends, every other link dies with the user's epoch, and the link is used up, all in one commit. It also shows that
 * the address is theirs. Where it was known to be, ways to sign in with others and what applications have been allowed stay: nobody can tell what a thief has left from what
 * is the owner's. So the answer names them, to whoever has just shown that they have the address, and to nobody who comes to the page later.
 */
export function submitReset(services: HostedServices): Endpoint {
  return async http => {
    const form = readPageForm(http)
    if (isRefusal(form)) return pageOfRefusal(services, form)
    const found = await findKeptLink(services, http, 'reset_password')
    if (isRefusal(found)) return linkIsOver(services, found)
    const again = (problem: Refusal): HttpAnswer => resetAnswer(services, http, found, problem)
    if (!services.cookies.formIsOurs(http, form.get('csrf'))) return again(refuse('csrf_refused'))
    if (!isOfShownLink(services, http, 'reset_password', form)) return seeOther(path)
    const password = form.get('new_password') ?? ''
    const problem = passwordProblem(password, { email: found.email })
    if (problem !== undefined) return again(refuse('password_unacceptable', { detail: problem }))
    const passwordHash = await services.passwords.hash(password, { from: addressKey(http.ip) })
    const outcome = await decideAndCommit(services, async () => {
      const link = await findKeptLink(services, http, 'reset_password')
      return isRefusal(link) ? link : { result: link, change: await changeOf(services, http, link, passwordHash) }
    })
    if (isRefusal(outcome)) return linkIsOver(services, outcome)
    const setCookie = [services.cookies.keepLink('reset_password', ''), services.cookies.end()]
    const left = await leftIn(services, outcome.user.id)
    if (left !== undefined) return page(200, resetLeftPage(services.site, { ...left, now: outcome.now }), { setCookie })
    return seeOther(`${path}?done=reset`, { 'set-cookie': setCookie })
  }
}

async function changeOf(services: HostedServices, http: HttpRequest, found: FoundLink, passwordHash: string) {
  const { now, user, link } = found
  const device = deviceOf(http)
  const added = await addedAccess(services, user)
  const taken = takeAccountOver(user, added, { now, device, by: 'user' })
  const change = await endUserSessions(services, found, 'password_changed', {
    device,
    by: 'user',
    user: { passwordHash, emailVerifiedAt: user.emailVerifiedAt ?? now },
    event: 'user.password_changed',
  })
  const used = { table: 'mailLink' as const, row: useMailLink(link, now) }
  return {
    ...change,
    writes: [...change.writes, ...taken.writes, used],
    audit: [...taken.audit, ...change.audit],
  }
}

/** `undefined`: nothing but the password. */
async function leftIn(services: HostedServices, userId: string): Promise<Omit<LeftModel, 'now'> | undefined> {
  const [identities, grants] = await Promise.all([
    usableIdentities(services, userId),
    services.store.listGrants(userId),
  ])
  if (identities.length === 0 && grants.length === 0) return undefined
  const applications = grants.map(async ({ clientId, allowedAt }) => {
    const name = (await services.store.loadClient(clientId))?.client.name ?? clientId
    return { name, allowedAt }
  })
  // From the account page there is a way to both.
  const where = grants.length === 0 ? waysInPath : identities.length === 0 ? applicationsPath : '/account'
  return {
    ways: identities.map(identity => wayInOf(services, identity)),
    applications: await Promise.all(applications),
    signInUrl: signInFor(where),
  }
}

function resetAnswer(services: HostedServices, http: HttpRequest, found: FoundLink, problem?: Refusal): HttpAnswer {
  const { csrf, setCookie } = services.cookies.form(http)
  const body = resetPage(services.site, {
    csrf,
    shown: shownLink(services, http, 'reset_password', csrf),
    email: found.email,
    passwordMinLength,
    ...(problem && { problem }),
  })
  return problemPage(problem, body, { setCookie })
}
