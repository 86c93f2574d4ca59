import { endSession, isVouchedFor, type SessionOnlySnapshot } from '@countersign/core'
import { isRefusal, refuse } from '@countersign/protocol'
import { seeOther } from '../http/answers.ts'
import type { Endpoint, HttpAnswer, HttpRequest } from '../http/message.ts'
import { readForm, readParameters } from '../http/read-form.ts'
import { signedOutPage } from '../pages/message-pages.ts'
import { signOutPage } from '../pages/sign-out-page.ts'
import { decideAndCommit } from '../sign-in/decide-and-commit.ts'
import { deviceOf } from '../sign-in/device-of.ts'
import { goOn, isLeftForByPage } from './go-on.ts'
import type { HostedServices } from './hosted-services.ts'
import { isHintedAt, type LogoutRequest, readLogoutRequest } from './logout-request.ts'
import { page, pageOfRefusal } from './page-answers.ts'

const addressCharactersAtMost = 8_192

/**
 * `GET /logout` (OpenID Connect RP-Initiated Logout §2): ends the browser's session, and with it what every application got in it. Asks the
 * user first, unless the application shows an ID token of theirs: any site can lead a browser here.
 */
export function showLogout(services: HostedServices): Endpoint {
  return async http => {
    const parameters = readParameters(http.query)
    if (isRefusal(parameters)) return pageOfRefusal(services, parameters)
    const request = await readLogoutRequest(services, parameters)
    if (isRefusal(request)) return pageOfRefusal(services, request)
    const login = await services.cookies.session(http)
    if (login === undefined) return leaveUnasked(services, request)
    return isHintedAt(services, request, login)
      ? end(services, http, login, request)
      : ask(services, http, login, request)
  }
}

/**
 * `POST /logout`: the user's own yes, from the form of that page; or an application's request in a form, which goes on as a GET, since a browser sends no cookie
 * of ours with what another site posts.
 */
export function submitLogout(services: HostedServices): Endpoint {
  return async http => {
    const form = readForm(http)
    if (isRefusal(form)) return pageOfRefusal(services, form)
    if (!form.has('csrf')) {
      const location = `/logout?${new URLSearchParams([...form])}`
      if (location.length > addressCharactersAtMost) return pageOfRefusal(services, refuse('parameter_invalid'))
      return seeOther(location)
    }
    if (!services.cookies.formIsOurs(http, form.get('csrf'))) return pageOfRefusal(services, refuse('csrf_refused'))
    const parameters = readParameters(http.query)
    if (isRefusal(parameters)) return pageOfRefusal(services, parameters)
    const request = await readLogoutRequest(services, parameters)
    if (isRefusal(request)) return pageOfRefusal(services, request)
    const login = await services.cookies.session(http)
    const answer = login === undefined ? leave(services, request) : await end(services, http, login, request)
    return leaveForm(services, request, answer)
  }
}

function ask(
  services: HostedServices,
  http: HttpRequest,
  { user }: SessionOnlySnapshot,
  { client, returnUri }: LogoutRequest,
): HttpAnswer {
  const { csrf, setCookie } = services.cookies.form(http)
  const body = signOutPage(services.site, {
    csrf,
    user: { email: user.email ?? user.id, ...(user.name !== null && { name: user.name }) },
    ...(client && { application: client.name }),
    accountUrl: '/account',
  })
  if (returnUri === undefined) return page(200, body, { setCookie })
  const isByPage = client !== undefined && isLeftForByPage(client, returnUri)
  return page(200, body, { leadsToApplication: true, ...(!isByPage && { redirectUri: returnUri }), setCookie })
}

async function end(
  services: HostedServices,
  http: HttpRequest,
  login: SessionOnlySnapshot,
  request: LogoutRequest,
): Promise<HttpAnswer> {
  const outcome = await decideAndCommit(services, async () => {
    const snapshot = await services.store.loadSessionOnly(login.session.id)
    const change = snapshot && endSession(snapshot, 'signed_out', { device: deviceOf(http), by: 'user' })
    return { result: {}, change }
  })
  return isRefusal(outcome) ? pageOfRefusal(services, outcome) : leave(services, request)
}

function leave(services: HostedServices, { returnUri }: LogoutRequest): HttpAnswer {
  const setCookie = services.cookies.end()
  if (returnUri !== undefined) return seeOther(returnUri, { 'set-cookie': setCookie })
  return page(200, signedOutPage(services.site, { signInUrl: '/sign-in?return_to=/account' }), { setCookie })
}

/** By a page that says so, and moves on. */
function leaveForm(
  services: HostedServices,
  { client, returnUri: url }: LogoutRequest,
  answer: HttpAnswer,
): HttpAnswer {
  if (client === undefined || url === undefined || !isLeftForByPage(client, url)) return answer
  if (answer.headers.location !== url) return answer
  const body = signedOutPage(services.site, { application: { name: client.name, url } })
  return goOn(services, url, { setCookie: services.cookies.end(), body })
}

/**
 * Nobody is signed in here, so that nobody's yes and no ID token of theirs stands behind the request. On its own the browser goes on only to those whom an
 * operator has named: with the address of an application that anybody can register, this one would lead anywhere.
 */
function leaveUnasked(services: HostedServices, request: LogoutRequest): HttpAnswer {
  const { client, returnUri, hintedSub } = request
  const isNamed = client !== undefined && isVouchedFor(client)
  if (isNamed && hintedSub !== undefined) return leave(services, request)
  const canLink = client !== undefined && returnUri !== undefined && /^https?:/.test(returnUri)
  const body = signedOutPage(services.site, {
    signInUrl: '/sign-in?return_to=/account',
    ...(canLink && { application: { name: client.name, url: returnUri } }),
  })
  return page(200, body, { leadsToApplication: canLink, setCookie: services.cookies.end() })
}
