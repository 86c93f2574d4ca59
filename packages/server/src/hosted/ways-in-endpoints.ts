import { type Identity, isFreshlySignedIn, type SessionOnlySnapshot, unlinkIdentity } from '@countersign/core'
import { isReason, isRefusal, type Reason, type Refusal, refuse } from '@countersign/protocol'
import { seeOther } from '../http/answers.ts'
import type { Endpoint, HttpAnswer, HttpRequest } from '../http/message.ts'
import { type Parameters, readParameters } from '../http/read-form.ts'
import { type WayIn, type WaysInCommand, type WaysInModel, waysInPage } from '../pages/ways-in-page.ts'
import { canUsePassword } from '../passwords/use-of-passwords.ts'
import { decideAndCommit } from '../sign-in/decide-and-commit.ts'
import { deviceOf } from '../sign-in/device-of.ts'
import { loadLivingSession } from '../sign-in/load-living-session.ts'
import { signOut } from './account-endpoints.ts'
import type { HostedServices } from './hosted-services.ts'
import { linkSeal, waysInPath } from './link-seal.ts'
import { problemPage } from './page-answers.ts'
import { type PageCommand, signInFor, submitPage } from './page-commands.ts'

const toSignIn = signInFor(waysInPath)

/** `GET /account/connections`: how one can sign in. */
export function showWaysIn(services: HostedServices): Endpoint {
  return async http => {
    const login = await services.cookies.session(http)
    if (login === undefined) return seeOther(toSignIn)
    const query = readParameters(http.query)
    return waysInAnswer(services, http, login, isRefusal(query) ? {} : { ...broughtBack(query) })
  }
}

const commands: Readonly<Record<WaysInCommand, PageCommand>> = { sign_out: signOut, unlink }

/** `POST /account/connections`: one command. */
export function submitWaysIn(services: HostedServices): Endpoint {
  return submitPage(services, { path: waysInPath, commands, show: waysInAnswer })
}

async function unlink(
  services: HostedServices,
  http: HttpRequest,
  login: SessionOnlySnapshot,
  form: Parameters,
): Promise<HttpAnswer | Refusal> {
  const named = { connection: form.get('connection') ?? '', subject: form.get('subject') ?? '' }
  const outcome = await decideAndCommit(services, async () => {
    const living = await loadLivingSession(services, login.session.id)
    if (isRefusal(living)) return living
    const { now, user, session } = living
    if (!isFreshlySignedIn(session, now)) return refuse('reauthentication_required')
    const usable = await usableIdentities(services, user.id)
    const hasPassword = canUsePassword(services.config, user)
    const change = unlinkIdentity({ now, user, hasPassword, usable, device: deviceOf(http) }, named)
    return isRefusal(change) ? change : { result: {}, change }
  })
  return isRefusal(outcome) ? outcome : seeOther(`${waysInPath}?done=unlink`)
}

/** Identities of connections that there are: one that was taken out of the configuration is no way in. */
export async function usableIdentities(
  { store, connections }: HostedServices,
  userId: string,
): Promise<readonly Identity[]> {
  const identities = await store.listIdentities(userId)
  return identities.filter(({ connection }) => connections.byName(connection) !== undefined)
}

export function wayInOf({ connections }: HostedServices, identity: Identity): WayIn {
  const { connection, subject, told, linkedAt } = identity
  const who = told?.email ?? told?.profile.preferredUsername ?? told?.name
  const title = connections.byName(connection)?.title ?? connection
  return { connection, subject, title, linkedAt, ...(who !== undefined && { who }) }
}

/** What a connection sends people back here with; each is but a sentence of ours. */
const problemsOfLinking: ReadonlySet<string> = new Set<Reason>([
  'connection_denied',
  'connection_answer_invalid',
  'connection_unavailable',
  'identity_taken',
  'csrf_refused',
  'reauthentication_required',
  'too_many_attempts',
  'unavailable',
])

function broughtBack(query: Parameters): { done?: 'link' | 'unlink'; problem?: Refusal } {
  const [done, problem] = [query.get('done'), query.get('problem')]
  if (problem !== undefined && isReason(problem) && problemsOfLinking.has(problem)) return { problem: refuse(problem) }
  return done === 'link' || done === 'unlink' ? { done } : {}
}

async function waysInAnswer(
  services: HostedServices,
  http: HttpRequest,
  login: SessionOnlySnapshot,
  more: Pick<WaysInModel, 'done'> & { problem?: Refusal },
): Promise<HttpAnswer> {
  const { connections, cookies, site } = services
  const { csrf, setCookie } = cookies.form(http)
  const { user, session, now } = login
  const isFresh = isFreshlySignedIn(session, now)
  const identities = await usableIdentities(services, user.id)
  const body = waysInPage(site, {
    csrf,
    now,
    user: { email: user.email ?? user.id, ...(user.name !== null && { name: user.name }) },
    hasPassword: canUsePassword(services.config, user),
    ways: identities.map(identity => wayInOf(services, identity)),
    more: isFresh
      ? connections.all.map(({ name, title }) => {
          const query = new URLSearchParams({ link: linkSeal(services, csrf, name, session) })
          return { title, url: `/connections/${name}?${query}` }
        })
      : [],
    ...(!isFresh && { confirmUrl: toSignIn }),
    accountUrl: '/account',
    ...more,
  })
  return problemPage(more.problem, body, { setCookie })
}
