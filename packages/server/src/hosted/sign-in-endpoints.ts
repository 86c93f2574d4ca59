import { emailKey, type Session } from '@countersign/core'
import { isReason, isRefusal, type Reason, type Refusal, refuse } from '@countersign/protocol'
import { seeOther } from '../http/answers.ts'
import type { Endpoint, HttpAnswer, HttpRequest } from '../http/message.ts'
import { readPageForm, readParameters } from '../http/read-form.ts'
import type { ConnectionLink } from '../pages/connection-links.ts'
import { signInPage } from '../pages/sign-in-page.ts'
import { signUpPage } from '../pages/sign-up-page.ts'
import { addressKey } from '../passwords/address-key.ts'
import { passwordMinLength } from '../passwords/password-policy.ts'
import { usesPasswords } from '../passwords/use-of-passwords.ts'
import { createUser, limitSignUps, problemOfNewUser } from '../sign-in/create-user.ts'
import { decideLogin } from '../sign-in/decide-and-commit.ts'
import { deviceOf } from '../sign-in/device-of.ts'
import { openHostedSession } from '../sign-in/open-hosted-session.ts'
import { asTheyAreNow, type ShownPassword, upgradedHash, withUpgradedHash } from '../sign-in/shown-password.ts'
import { signInByPassword } from '../sign-in/sign-in.ts'
import type { SignedIn } from '../sign-in/signed-in.ts'
import { whyNoSignUp } from '../sign-in/who-may-sign-up.ts'
import { forgotPath } from './forgot-endpoints.ts'
import { goOn } from './go-on.ts'
import type { HostedServices } from './hosted-services.ts'
import { pageOfRefusal, problemPage } from './page-answers.ts'
import { type ReturnTo, readReturnTo } from './return-to.ts'

/** `GET /sign-in`. */
export function showSignIn(services: HostedServices): Endpoint {
  return async http => {
    const returnTo = await readReturnTo(services, http)
    return isRefusal(returnTo)
      ? pageOfRefusal(services, returnTo)
      : signInAnswer(services, http, returnTo, { ...hinted(returnTo), ...broughtBack(http) })
  }
}

/** What a connection sends people back here with. Anybody may write such an address: each of these is but a sentence of ours. */
const problemsOfConnections: ReadonlySet<string> = new Set<Reason>([
  'connection_denied',
  'connection_state_invalid',
  'connection_answer_invalid',
  'connection_account_exists',
  'connection_unavailable',
  'signup_closed',
  'invitation_required',
  'user_disabled',
  'too_many_attempts',
  'unavailable',
])

function broughtBack(http: HttpRequest): { problem?: Refusal } {
  const query = readParameters(http.query)
  const word = isRefusal(query) ? undefined : query.get('problem')
  return word !== undefined && isReason(word) && problemsOfConnections.has(word) ? { problem: refuse(word) } : {}
}

/** `POST /sign-in`: a new cookie, whatever came along (CVE-2022-25896), and back to where one came from. */
export function submitSignIn(services: HostedServices): Endpoint {
  return async http => {
    const returnTo = await readReturnTo(services, http)
    if (isRefusal(returnTo)) return pageOfRefusal(services, returnTo)
    const form = readPageForm(http)
    if (isRefusal(form)) return pageOfRefusal(services, form)
    const email = form.get('email') ?? ''
    const again = (problem: Refusal): HttpAnswer => signInAnswer(services, http, returnTo, { email, problem })
    if (!services.cookies.formIsOurs(http, form.get('csrf'))) return again(refuse('csrf_refused'))
    const password = form.get('password') ?? ''
    const unfinished = unfinishedFields({ email, password })
    if (unfinished.length > 0 && usesPasswords(services.config)) {
      return signInAnswer(services, http, returnTo, { email, problem: refuse('parameter_missing'), unfinished })
    }
    const signedIn = await signInByPassword(services, { email, password }, deviceOf(http))
    if (isRefusal(signedIn)) return again(signedIn)
    const shown = { password, from: addressKey(http.ip) }
    const opened = await openSession(services, http, signedIn, shown)
    return isRefusal(opened) ? again(opened) : leave(services, opened, returnTo)
  }
}

/** What was sent too early, by the key of a keyboard for one: no attempt, since it could be nobody's. */
function unfinishedFields({ email, password }: { email: string; password: string }): readonly ('email' | 'password')[] {
  return [...(emailKey(email) === null ? ['email' as const] : []), ...(password === '' ? ['password' as const] : [])]
}

/** `GET /sign-up`. */
export function showSignUp(services: HostedServices): Endpoint {
  return async http => {
    const no = whyNoSignUp(services.config.signUp)
    if (no !== undefined) return pageOfRefusal(services, refuse(no))
    const returnTo = await readReturnTo(services, http)
    return isRefusal(returnTo)
      ? pageOfRefusal(services, returnTo)
      : signUpAnswer(services, http, returnTo, hinted(returnTo))
  }
}

/** `POST /sign-up`: makes the user, and signs them in. */
export function submitSignUp(services: HostedServices): Endpoint {
  return async http => {
    const no = whyNoSignUp(services.config.signUp)
    if (no !== undefined) return pageOfRefusal(services, refuse(no))
    const returnTo = await readReturnTo(services, http)
    if (isRefusal(returnTo)) return pageOfRefusal(services, returnTo)
    const form = readPageForm(http)
    if (isRefusal(form)) return pageOfRefusal(services, form)
    const [email, name, password] = [form.get('email') ?? '', form.get('name'), form.get('password') ?? '']
    const again = (problem: Refusal): HttpAnswer =>
      signUpAnswer(services, http, returnTo, { email, problem, ...(name !== undefined && { name }) })
    if (!services.cookies.formIsOurs(http, form.get('csrf'))) return again(refuse('csrf_refused'))
    const wanted = { email, name, password, verifyIn: services.site.language.tag }
    const unusable = problemOfNewUser(services, wanted)
    if (unusable !== undefined) return again(unusable)
    const limited = await limitSignUps(services, http.ip)
    if (limited !== undefined) return again(limited)
    const created = await createUser(services, wanted, deviceOf(http))
    if (isRefusal(created)) return again(created)
    const shown = { password, from: addressKey(http.ip) }
    const opened = await openSession(services, http, { ...created, amr: ['pwd'] }, shown)
    return isRefusal(opened) ? again(opened) : leave(services, opened, returnTo)
  }
}

async function openSession(
  services: HostedServices,
  http: HttpRequest,
  signedIn: SignedIn,
  shown: ShownPassword,
): Promise<Session | Refusal> {
  const hash = await upgradedHash(services, signedIn, shown)
  let tries = 0
  return decideLogin(services, signedIn.user.id, async () => {
    const now = tries++ === 0 ? signedIn : await asTheyAreNow(services, signedIn, shown)
    if (isRefusal(now)) return now
    const { user, amr, needsRehash = false } = now
    const { session, change } = await openHostedSession(services, http, {
      snapshot: now,
      user,
      amr,
      device: deviceOf(http),
    })
    return { result: session, change: withUpgradedHash(change, user, needsRehash ? hash : undefined) }
  })
}

function hinted({ loginHint }: ReturnTo): { email?: string } {
  return loginHint === undefined ? {} : { email: loginHint }
}

function leave(services: HostedServices, session: Session, returnTo: ReturnTo): HttpAnswer {
  const setCookie = services.cookies.begin(session)
  if (returnTo.isLeftForByPage) return goOn(services, returnTo.path, { setCookie })
  return seeOther(returnTo.path, { 'set-cookie': setCookie })
}

function signInAnswer(
  services: HostedServices,
  http: HttpRequest,
  returnTo: ReturnTo,
  model: { email?: string; problem?: Refusal; unfinished?: readonly ('email' | 'password')[] },
): HttpAnswer {
  const { csrf, setCookie } = services.cookies.form(http)
  const withPassword = usesPasswords(services.config)
  const body = signInPage(services.site, {
    csrf,
    ...model,
    ...(returnTo.application && { application: returnTo.application }),
    ...(returnTo.isForDevice && { isForDevice: true }),
    connections: connectionLinks(services, returnTo),
    ...(!withPassword && { withoutPassword: true }),
    // Without passwords a connection's link makes an account, too.
    ...(withPassword && services.config.signUp === 'open' && { signUpUrl: withQuery('/sign-up', http) }),
    ...(withPassword &&
      services.mailer && {
        forgot: { url: withQuery(forgotPath, http), label: services.site.texts.forgot.link },
      }),
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
    ...(!usesPasswords(services.config) && { withoutPassword: true }),
    connections: connectionLinks(services, returnTo),
    signInUrl: withQuery('/sign-in', http),
    ...(returnTo.application && { application: returnTo.application }),
  })
  return formPage(model.problem, body, returnTo, setCookie)
}

function formPage(
  problem: Refusal | undefined,
  body: string,
  { redirectUri, isLeftForByPage }: ReturnTo,
  setCookie: string | undefined,
): HttpAnswer {
  if (redirectUri === undefined) return problemPage(problem, body, { setCookie })
  const policy = { leadsToApplication: true, ...(isLeftForByPage !== true && { redirectUri }) }
  return problemPage(problem, body, { ...policy, setCookie })
}

function connectionLinks({ connections }: HostedServices, { path }: ReturnTo): readonly ConnectionLink[] {
  const query = new URLSearchParams({ return_to: path })
  return connections.all.map(({ name, title }) => ({ title, url: `/connections/${name}?${query}` }))
}

/** The query goes along, written anew: a raw one may hold what no link of ours may, such as a backslash. */
function withQuery(path: string, http: HttpRequest): string {
  const parameters = readParameters(http.query)
  const kept = isRefusal(parameters) ? [] : [...parameters].filter(([name]) => name !== 'problem')
  const query = new URLSearchParams(kept).toString()
  return query === '' ? path : `${path}?${query}`
}
