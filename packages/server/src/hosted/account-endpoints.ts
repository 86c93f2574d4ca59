import { endSession, lastUsedAt, type SessionOnlySnapshot } from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import { judgePasswordChange } from '../endpoints/password.ts'
import { lastUsed } from '../endpoints/session-view.ts'
import { seeOther } from '../http/answers.ts'
import type { Endpoint, HttpAnswer, HttpRequest } from '../http/message.ts'
import { type Parameters, readParameters } from '../http/read-form.ts'
import { type AccountCommand, type AccountModel, accountPage } from '../pages/account-page.ts'
import { signedOutPage } from '../pages/message-pages.ts'
import { passwordMinLength } from '../passwords/password-policy.ts'
import { canUsePassword } from '../passwords/use-of-passwords.ts'
import { decideAndCommit } from '../sign-in/decide-and-commit.ts'
import { deviceOf } from '../sign-in/device-of.ts'
import { endEverySession } from '../sign-in/end-every-session.ts'
import { endUserSessions } from '../sign-in/end-user-sessions.ts'
import { loadLivingSession } from '../sign-in/load-living-session.ts'
import type { HostedServices } from './hosted-services.ts'
import { page, problemPage } from './page-answers.ts'
import { type PageCommand, signInFor, submitPage } from './page-commands.ts'
import { sendVerification, verificationOf } from './verify-endpoints.ts'

const cookieSaltBytes = 16
const path = '/account'
const toSignIn = signInFor(path)

/** `GET /account`: devices and sessions. */
export function showAccount(services: HostedServices): Endpoint {
  return async http => {
    const login = await services.cookies.session(http)
    if (login === undefined) return seeOther(toSignIn)
    const query = readParameters(http.query)
    const word = isRefusal(query) ? undefined : query.get('done')
    const done = doneOf(word)
    const isSent = word === 'verify_address'
    return accountAnswer(services, http, login, { isSent, ...(done !== undefined && { done }) })
  }
}

type Done = NonNullable<AccountModel['done']>

const commands: Readonly<Record<AccountCommand, PageCommand>> = {
  sign_out: signOut,
  end_session: endOne,
  end_others: endOthers,
  end_all: endAll,
  change_password: changePassword,
  verify_address: sendVerification,
}

/** `POST /account`: one command. */
export function submitAccount(services: HostedServices): Endpoint {
  return submitPage(services, { path, commands, show: accountAnswer })
}

/** Ends the session of this browser. */
export async function signOut(
  services: HostedServices,
  http: HttpRequest,
  login: SessionOnlySnapshot,
): Promise<HttpAnswer | Refusal> {
  const outcome = await endById(services, http, login, login.session.id, 'signed_out')
  return isRefusal(outcome) ? outcome : goodbye(services, false)
}

async function endOne(
  services: HostedServices,
  http: HttpRequest,
  login: SessionOnlySnapshot,
  form: Parameters,
): Promise<HttpAnswer | Refusal> {
  const id = form.get('session_id') ?? ''
  const outcome = await endById(services, http, login, id, 'ended_by_user')
  if (isRefusal(outcome)) return outcome
  return id === login.session.id ? goodbye(services, false) : back('end_session')
}

async function endOthers(
  services: HostedServices,
  http: HttpRequest,
  login: SessionOnlySnapshot,
): Promise<HttpAnswer | Refusal> {
  const actor = { device: deviceOf(http), by: 'user' as const }
  const outcome = await endEverySession(services, login.user.id, login.session.id, actor)
  return isRefusal(outcome) ? outcome : back('end_others')
}

async function endAll(
  services: HostedServices,
  http: HttpRequest,
  login: SessionOnlySnapshot,
): Promise<HttpAnswer | Refusal> {
  const actor = { device: deviceOf(http), by: 'user' as const }
  const outcome = await endEverySession(services, login.user.id, undefined, actor)
  return isRefusal(outcome) ? outcome : goodbye(services, true)
}

async function changePassword(
  services: HostedServices,
  http: HttpRequest,
  login: SessionOnlySnapshot,
  form: Parameters,
): Promise<HttpAnswer | Refusal> {
  const device = deviceOf(http)
  const current = form.get('current_password') ?? ''
  const wanted = await judgePasswordChange(services, login.user, current, form.get('new_password') ?? '', device)
  if (isRefusal(wanted)) return wanted
  const outcome = await decideAndCommit(services, async () => {
    const living = await loadLivingSession(services, login.session.id)
    if (isRefusal(living)) return living
    if (!(await wanted.mayReplace(living.user))) return refuse('login_failed')
    // A new secret for the cookie: a copy of the old one is worth nothing any more.
    const session = { ...living.session, cookieSalt: services.random(cookieSaltBytes) }
    const change = await endUserSessions(services, living, 'password_changed', {
      device,
      by: 'user',
      keep: { ...living, session },
      user: { passwordHash: wanted.hash },
      event: 'user.password_changed',
    })
    return { result: { session }, change }
  })
  return isRefusal(outcome) ? outcome : back('change_password', services.cookies.begin(outcome.session))
}

function endById(
  services: HostedServices,
  http: HttpRequest,
  login: SessionOnlySnapshot,
  sessionId: string,
  reason: 'signed_out' | 'ended_by_user',
): Promise<object | Refusal> {
  return decideAndCommit(services, async () => {
    const snapshot = await services.store.loadSessionOnly(sessionId)
    if (snapshot === undefined || snapshot.user.id !== login.user.id) return refuse('session_unknown')
    return { result: {}, change: endSession(snapshot, reason, { device: deviceOf(http), by: 'user' }) }
  })
}

function back(done: Done, setCookie?: string): HttpAnswer {
  return seeOther(`/account?done=${done}`, setCookie === undefined ? {} : { 'set-cookie': setCookie })
}

function doneOf(word: string | undefined): Done | undefined {
  return word === 'end_session' || word === 'end_others' || word === 'change_password' ? word : undefined
}

function goodbye(services: HostedServices, everywhere: boolean): HttpAnswer {
  const body = signedOutPage(services.site, { everywhere, signInUrl: toSignIn })
  return page(200, body, { setCookie: services.cookies.end() })
}

async function accountAnswer(
  services: HostedServices,
  http: HttpRequest,
  login: SessionOnlySnapshot,
  more: { done?: Done; isSent?: boolean; problem?: Refusal },
): Promise<HttpAnswer> {
  const { csrf, setCookie } = services.cookies.form(http)
  const { isSent = false, ...shown } = more
  const { user, session: own, now } = login
  const sessions = lastUsed(await services.store.listSessions(user.id), own.id)
  const rows = sessions.map(async ({ session, families }) => ({
    id: session.id,
    device: session.device.label,
    applications: await Promise.all(
      [...new Set(families.map(family => family.clientId))].map(id => services.clients.nameOf(id)),
    ),
    ip: session.device.ip,
    createdAt: session.createdAt,
    lastSeenAt: lastUsedAt({ session, families }),
    current: session.id === own.id,
  }))
  const body = accountPage(services.site, {
    csrf,
    now,
    user: { email: user.email ?? user.id, ...(user.name !== null && { name: user.name }) },
    sessions: await Promise.all(rows),
    applicationsUrl: '/account/applications',
    ...(services.connections.all.length > 0 && { waysInUrl: '/account/connections' }),
    ...(canUsePassword(services.config, user) && { passwordMinLength }),
    ...verificationOf(services, user, isSent),
    ...shown,
  })
  return problemPage(more.problem, body, { setCookie })
}
