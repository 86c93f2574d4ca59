import { combine, endSession, openBrowserSession, renewBrowserSession, type Session } from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import { seeOther } from '../http/answers.ts'
import type { Endpoint, HttpAnswer, HttpRequest } from '../http/message.ts'
import { readForm, readParameters } from '../http/read-form.ts'
import { signInPage } from '../pages/sign-in-page.ts'
import { signUpPage } from '../pages/sign-up-page.ts'
import { passwordMinLength } from '../passwords/password-policy.ts'
import { createUser, limitSignUps } from '../sign-in/create-user.ts'
import { decideAndCommit } from '../sign-in/decide-and-commit.ts'
import { deviceOf } from '../sign-in/device-of.ts'
import { type SignedIn, signInByPassword } from '../sign-in/sign-in.ts'
import type { HostedServices } from './hosted-services.ts'
import { pageOfRefusal, problemPage } from './page-answers.ts'
import { type ReturnTo, readReturnTo } from './return-to.ts'

/** `GET /sign-in`. */
export function showSignIn(services: HostedServices): Endpoint {
  return async http => {
    const returnTo = await readReturnTo(services, http)
    return isRefusal(returnTo)
      ? pageOfRefusal(services, returnTo)
      : signInAnswer(services, http, returnTo, hinted(returnTo))
  }
}

/** `POST /sign-in`: a new cookie, whatever came along (CVE-2022-25896), and back to where one came from. */
export function submitSignIn(services: HostedServices): Endpoint {
  return async http => {
    const returnTo = await readReturnTo(services, http)
    if (isRefusal(returnTo)) return pageOfRefusal(services, returnTo)
    const form = readForm(http)
    if (isRefusal(form)) return pageOfRefusal(services, form)
    const email = form.get('email') ?? ''
    const again = (problem: Refusal): HttpAnswer => signInAnswer(services, http, returnTo, { email, problem })
    if (!services.cookies.formIsOurs(http, form.get('csrf'))) return again(refuse('csrf_refused'))
    const signedIn = await signInByPassword(services, { email, password: form.get('password') ?? '' }, deviceOf(http))
    if (isRefusal(signedIn)) return again(signedIn)
    const opened = await openSession(services, http, signedIn)
    return isRefusal(opened) ? again(opened) : leave(services, opened, returnTo)
  }
}

/** `GET /sign-up`. */
export function showSignUp(services: HostedServices): Endpoint {
  return async http => {
    if (services.config.signUp === 'closed') return pageOfRefusal(services, refuse('signup_closed'))
    const returnTo = await readReturnTo(services, http)
    return isRefusal(returnTo)
      ? pageOfRefusal(services, returnTo)
      : signUpAnswer(services, http, returnTo, hinted(returnTo))
  }
}

/** `POST /sign-up`: makes the user, and signs them in. */
export function submitSignUp(services: HostedServices): Endpoint {
  return async http => {
    if (services.config.signUp === 'closed') return pageOfRefusal(services, refuse('signup_closed'))
    const returnTo = await readReturnTo(services, http)
    if (isRefusal(returnTo)) return pageOfRefusal(services, returnTo)
    const form = readForm(http)
    if (isRefusal(form)) return pageOfRefusal(services, form)
    const [email, name, password] = [form.get('email') ?? '', form.get('name'), form.get('password') ?? '']
    const again = (problem: Refusal): HttpAnswer =>
      signUpAnswer(services, http, returnTo, { email, problem, ...(name !== undefined && { name }) })
    if (!services.cookies.formIsOurs(http, form.get('csrf'))) return again(refuse('csrf_refused'))
    const limited = await limitSignUps(services, http.ip)
    if (limited !== undefined) return again(limited)
    const created = await createUser(services, { email, name, password }, deviceOf(http))
    if (isRefusal(created)) return again(created)
    const opened = await openSession(services, http, { ...created, amr: ['pwd'] })
    return isRefusal(opened) ? again(opened) : leave(services, opened, returnTo)
  }
}

/**
 * The browser's earlier session goes on if it is of the same user, and the applications in it do not notice; another user's ends in the same breath. Its cookie is
 * worth nothing afterwards, either way.
 */
function openSession(services: HostedServices, http: HttpRequest, signedIn: SignedIn): Promise<Session | Refusal> {
  const { random } = services
  const device = deviceOf(http)
  return decideAndCommit(services, async () => {
    const earlier = await services.cookies.session(http)
    const { user, amr } = signedIn
    if (earlier !== undefined && earlier.user.id === user.id) {
      const { session, change } = renewBrowserSession(earlier, { device, amr, random })
      return { result: session, change }
    }
    const { session, change } = openBrowserSession({ snapshot: signedIn, user, device, amr, random })
    const end = earlier && endSession(earlier, 'superseded', { device })
    return { result: session, change: end ? combine(end, change) : change }
  })
}

function hinted({ loginHint }: ReturnTo): { email?: string } {
  return loginHint === undefined ? {} : { email: loginHint }
}

function leave(services: HostedServices, session: Session, returnTo: ReturnTo): HttpAnswer {
  return seeOther(returnTo.path, { 'set-cookie': services.cookies.begin(session) })
}

function signInAnswer(
  services: HostedServices,
  http: HttpRequest,
  returnTo: ReturnTo,
  model: { email?: string; problem?: Refusal },
): HttpAnswer {
  const { csrf, setCookie } = services.cookies.form(http)
  const body = signInPage(services.site, {
    csrf,
    ...model,
    ...(returnTo.application && { application: returnTo.application }),
    ...(services.config.signUp === 'open' && { signUpUrl: withQuery('/sign-up', http) }),
  })
  return formPage(model.problem, body, returnTo, setCookie)
}

function signUpAnswer(
  services: HostedServices,
  http: HttpRequest,
  returnTo: ReturnTo,
  model: { email?: string; name?: string; problem?: Refusal },
): HttpAnswer {
  const { csrf, setCookie } = services.cookies.form(http)
  const body = signUpPage(services.site, {
    csrf,
    ...model,
    passwordMinLength,
    signInUrl: withQuery('/sign-in', http),
    ...(returnTo.application && { application: returnTo.application }),
  })
  return formPage(model.problem, body, returnTo, setCookie)
}

function formPage(
  problem: Refusal | undefined,
  body: string,
  { redirectUri }: ReturnTo,
  setCookie: string | undefined,
): HttpAnswer {
  return problemPage(problem, body, { ...(redirectUri !== undefined && { redirectUri }), setCookie })
}

/** The query goes along, written anew: a raw one may hold what no link of ours may, such as a backslash. */
function withQuery(path: string, http: HttpRequest): string {
  const parameters = readParameters(http.query)
  const query = isRefusal(parameters) ? '' : new URLSearchParams([...parameters]).toString()
  return query === '' ? path : `${path}?${query}`
}
