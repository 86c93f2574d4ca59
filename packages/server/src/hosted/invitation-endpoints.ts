import type { Acceptance } from '@countersign/core'
import { isReason, isRefusal, type Reason, type Refusal, refuse } from '@countersign/protocol'
import { seeOther } from '../http/answers.ts'
import type { Endpoint, HttpAnswer, HttpRequest } from '../http/message.ts'
import { readPageForm, readParameters } from '../http/read-form.ts'
import { applicationPage } from '../invitations/application-page.ts'
import {
  findInvitation,
  invitationPath,
  type NamedInvitation,
  readInvitationToken,
} from '../invitations/invitation-link.ts'
import { invitationOverPage, invitationPage } from '../pages/invitation-page.ts'
import { passwordMinLength } from '../passwords/password-policy.ts'
import { createUser, limitSignUps, problemOfNewUser } from '../sign-in/create-user.ts'
import { decideAndCommit } from '../sign-in/decide-and-commit.ts'
import { deviceOf } from '../sign-in/device-of.ts'
import { openHostedSession } from '../sign-in/open-hosted-session.ts'
import { connectionsForInvited, invitedMayChoosePassword, takesInvitations } from '../sign-in/who-may-sign-up.ts'
import { goOn } from './go-on.ts'
import type { HostedServices } from './hosted-services.ts'
import { invitationSeal, isSealed, keptInvitation } from './invitation-seal.ts'
import { pageOfRefusal, problemPage } from './page-answers.ts'

/**
 * `GET /invitation`. The token of the link leaves the address at once, for a cookie of this browser; without one that stands, whatever is wrong with it, the page says the
 * same: nobody learns who was invited, or has an account.
 */
export function showInvitation(services: HostedServices): Endpoint {
  return async http => {
    const query = readParameters(http.query)
    const token = isRefusal(query) ? undefined : query.get('token')
    if (token !== undefined) {
      const kept = readInvitationToken(token) === undefined ? '' : token
      const setCookie = services.cookies.keepLink('invitation', kept)
      return seeOther(invitationPath, { 'set-cookie': setCookie, 'referrer-policy': 'no-referrer' })
    }
    const kept = keptInvitation(services, http)
    const found = await findInvitation(services, kept)
    if (kept === undefined || isRefusal(found)) return invitationIsOver(services)
    const problem = takesInvitations(services)
      ? broughtBack(isRefusal(query) ? undefined : query.get('problem'))
      : refuse('signup_closed')
    return invitationAnswer(services, http, { kept, found }, { ...(problem && { problem }) })
  }
}

/** `POST /invitation`: makes the account with a password, uses the invitation up in the same commit, and signs in. */
export function submitInvitation(services: HostedServices): Endpoint {
  return async http => {
    const form = readPageForm(http)
    if (isRefusal(form)) return pageOfRefusal(services, form)
    const accepts = keptInvitation(services, http)
    const found = await findInvitation(services, accepts)
    if (accepts === undefined || isRefusal(found)) return invitationIsOver(services)
    const [name, password] = [form.get('name'), form.get('password') ?? '']
    const again = (problem: Refusal): HttpAnswer =>
      invitationAnswer(services, http, { kept: accepts, found }, { problem, ...(name !== undefined && { name }) })
    if (!services.cookies.formIsOurs(http, form.get('csrf'))) return again(refuse('csrf_refused'))
    // Another link was opened in this browser since: what that one is for was not said yes to.
    if (!isSealed(services, http, accepts, form.get('shown'))) return seeOther(invitationPath)
    if (services.config.signUp === 'closed') return again(refuse('signup_closed'))
    const wanted = { email: found.email, name, password, accepts, verifyIn: services.site.language.tag }
    const unusable = problemOfNewUser(services, wanted)
    if (unusable !== undefined) return again(unusable)
    const limited = await limitSignUps(services, http.ip)
    if (limited !== undefined) return again(limited)
    const created = await createUser(services, wanted, deviceOf(http))
    if (isRefusal(created)) return created.reason === 'mail_link_invalid' ? invitationIsOver(services) : again(created)
    const opened = await decideAndCommit(services, async () => {
      const login = { snapshot: created, user: created.user, amr: ['pwd'], device: deviceOf(http) }
      const { session, change } = await openHostedSession(services, http, login)
      return { result: session, change }
    })
    if (isRefusal(opened)) return again(opened)
    const setCookie = [services.cookies.keepLink('invitation', ''), services.cookies.begin(opened)]
    return leaveAccepted(services, await applicationPage(services, found.clientId), setCookie)
  }
}

/** On to the application that the invitation is for, or to the account page. */
export function leaveAccepted(
  services: HostedServices,
  url: string | undefined,
  setCookie: readonly string[],
): HttpAnswer {
  return url === undefined ? seeOther('/account', { 'set-cookie': setCookie }) : goOn(services, url, { setCookie })
}

/** What a connection sends people back here with; each is but a sentence of ours. */
const problemsOfConnections: ReadonlySet<string> = new Set<Reason>([
  'connection_denied',
  'connection_answer_invalid',
  'connection_account_exists',
  'connection_unavailable',
  'signup_closed',
  'user_disabled',
  'too_many_attempts',
  'unavailable',
])

function broughtBack(word: string | undefined): Refusal | undefined {
  return word !== undefined && isReason(word) && problemsOfConnections.has(word) ? refuse(word) : undefined
}

function invitationIsOver({ site }: HostedServices): HttpAnswer {
  return problemPage(refuse('mail_link_invalid'), invitationOverPage(site, { signInUrl: '/sign-in' }))
}

function invitationAnswer(
  services: HostedServices,
  http: HttpRequest,
  { kept, found }: { readonly kept: NamedInvitation; readonly found: Acceptance },
  more: { readonly name?: string; readonly problem?: Refusal },
): HttpAnswer {
  const { csrf, setCookie } = services.cookies.form(http)
  const shown = invitationSeal(services, csrf, kept)
  const body = invitationPage(services.site, {
    csrf,
    shown,
    email: found.email,
    ...(invitedMayChoosePassword(services.config) && { passwordMinLength }),
    connections: connectionsForInvited(services).map(({ name, title }) => ({
      title,
      url: `/connections/${name}?${new URLSearchParams({ accept: shown })}`,
    })),
    ...more,
  })
  return problemPage(more.problem, body, { setCookie })
}
