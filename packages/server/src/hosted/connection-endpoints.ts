import type { Connection } from '@countersign/connections'
import {
  type ConnectionSignIn,
  combine,
  connectionSignInSeconds,
  hashCode,
  linkIdentity,
  useConnectionSignIn,
} from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import { judgeArrived, sealTokens, toldOf } from '../connections/judge-arrived.ts'
import { seeOther } from '../http/answers.ts'
import { refusalOfFailure } from '../http/failure.ts'
import type { Endpoint, HttpAnswer, HttpRequest } from '../http/message.ts'
import { readForm, readParameters } from '../http/read-form.ts'
import { applicationPage } from '../invitations/application-page.ts'
import { findInvitation, invitationPath, type NamedInvitation } from '../invitations/invitation-link.ts'
import { addressKey } from '../passwords/address-key.ts'
import { decideAndCommit, decideLogin } from '../sign-in/decide-and-commit.ts'
import { deviceOf } from '../sign-in/device-of.ts'
import { openHostedSession } from '../sign-in/open-hosted-session.ts'
import { goOn } from './go-on.ts'
import type { HostedServices } from './hosted-services.ts'
import { leaveAccepted } from './invitation-endpoints.ts'
import { isSealed, keptInvitation } from './invitation-seal.ts'
import { judgeLink, waysInPath } from './link-seal.ts'
import { pageOfRefusal } from './page-answers.ts'
import { readReturnTo } from './return-to.ts'

const starts = { kind: 'starts of a connection', attempts: 60, windowSeconds: 60 }
const callbackCharactersAtMost = 8_192

/** `GET /connections/{connection}`: to the provider. A link, not a form: browsers hold forms to the page's policy wherever they lead on. */
export function startConnection(services: HostedServices): Endpoint {
  return async http => {
    const connection = services.connections.byName(http.params.connection ?? '')
    if (connection === undefined) return pageOfRefusal(services, refuse('connection_unknown'))
    const query = readParameters(http.query)
    if (isRefusal(query)) return pageOfRefusal(services, query)
    const shown = query.get('accept')
    if (shown !== undefined) return startAccepting(services, http, connection, shown)
    const seal = query.get('link')
    if (seal !== undefined) return startLink(services, http, connection, seal)
    const returnTo = await readReturnTo(services, http)
    if (isRefusal(returnTo)) return pageOfRefusal(services, returnTo)
    // Nobody is signed in by a link on another site: there they are asked first.
    if (isFromElsewhere(http)) return toSignIn(returnTo.path)
    const login = await services.cookies.session(http)
    try {
      const started = await begin(services, http, connection, {
        returnTo: returnTo.path,
        linksSession: null,
        // Whoever lets go of our cookie is asked there no less.
        fresh: login !== undefined || returnTo.asksWhen === true,
      })
      return isRefusal(started) ? toSignIn(returnTo.path, started) : started
    } catch (error) {
      return toSignIn(returnTo.path, refusalOfFailure(error, services.log))
    }
  }
}

/** The link "Add Google" of the account page. */
async function startLink(
  services: HostedServices,
  http: HttpRequest,
  connection: Connection,
  seal: string,
): Promise<HttpAnswer> {
  const login = await services.cookies.session(http)
  if (login === undefined) return toSignIn(waysInPath)
  const judged = judgeLink(services, http, login, { connection: connection.name, seal })
  if (isRefusal(judged)) return toWaysIn(judged)
  try {
    const purpose = { returnTo: waysInPath, linksSession: login.session.id, fresh: false }
    const started = await begin(services, http, connection, purpose)
    return isRefusal(started) ? toWaysIn(started) : started
  } catch (error) {
    return toWaysIn(refusalOfFailure(error, services.log))
  }
}

/** The link of the page of an invitation: of the one that was shown there. */
async function startAccepting(
  services: HostedServices,
  http: HttpRequest,
  connection: Connection,
  shown: string,
): Promise<HttpAnswer> {
  const invitation = keptInvitation(services, http)
  const isSaid = invitation !== undefined && !isFromElsewhere(http) && isSealed(services, http, invitation, shown)
  if (!isSaid || isRefusal(await findInvitation(services, invitation))) return seeOther(invitationPath)
  // Who is signed in already, and comes back as the same, has shown once more who they are.
  const fresh = (await services.cookies.session(http)) !== undefined
  try {
    const purpose = { returnTo: '/account', linksSession: null, fresh, invitation }
    const started = await begin(services, http, connection, purpose)
    return isRefusal(started) ? toInvitation(started) : started
  } catch (error) {
    return toInvitation(refusalOfFailure(error, services.log))
  }
}

/** Notes what the browser is sent away for, and sends it. */
async function begin(
  services: HostedServices,
  http: HttpRequest,
  connection: Connection,
  purpose: Pick<ConnectionSignIn, 'returnTo' | 'linksSession' | 'invitation'> & { fresh: boolean },
): Promise<HttpAnswer | Refusal> {
  const { store, connections, counters, cookies } = services
  const limit = await counters.take(starts, addressKey(http.ip))
  if (!limit.allowed) return refuse('too_many_attempts', { retryAfterSeconds: limit.retryAfterSeconds })
  const { now } = await store.loadIssuer()
  const state = connections.newState()
  const { url, keep } = await connection.start({ ...connections.marksOf(connection, state), fresh: purpose.fresh })
  const hash = hashCode(state)
  const { mark, setCookie } = cookies.mark(http, aboutOf(hash), now)
  const row: ConnectionSignIn = {
    hash,
    expiresAt: now + connectionSignInSeconds * 1000,
    version: 0,
    connection: connection.name,
    browserMark: mark,
    returnTo: purpose.returnTo,
    linksSession: purpose.linksSession,
    sealedKeep: keep === undefined ? null : connections.sealKeep(state, keep),
    usedAt: null,
    ...(purpose.invitation && { invitation: purpose.invitation }),
  }
  const writes = [{ table: 'connectionSignIn' as const, row }]
  await store.commit({ writes, audit: [], entries: [], durable: false, time: now })
  return seeOther(url, setCookie === undefined ? {} : { 'set-cookie': setCookie })
}

/** `GET /connections/{connection}/callback`: the browser is back. Whatever goes wrong is told on the sign-in page, where one can try again. */
export function finishConnection(services: HostedServices): Endpoint {
  return async http => {
    const connection = services.connections.byName(http.params.connection ?? '')
    if (connection === undefined) return pageOfRefusal(services, refuse('connection_unknown'))
    const parameters = readParameters(http.query)
    if (isRefusal(parameters)) return pageOfRefusal(services, parameters)
    const state = parameters.get('state') ?? ''
    const row = await claim(services, http, connection, state)
    if (isRefusal(row)) return toSignIn('/account', row)
    try {
      const arrived = await connection.finish({
        ...services.connections.marksOf(connection, state),
        parameters: new URLSearchParams([...parameters]),
        ...keepOf(services, state, row),
      })
      if (isRefusal(arrived)) return refused(services, connection, row, arrived)
      if (row.linksSession !== null) {
        const linked = await link(services, http, connection, arrived)
        return isRefusal(linked) ? refused(services, connection, row, linked) : seeOther(`${waysInPath}?done=link`)
      }
      const invitedTo = row.invitation && (await applicationOf(services, row.invitation))
      const opened = await openFor(services, http, connection, arrived, row.invitation)
      if (isRefusal(opened)) return refused(services, connection, row, opened)
      const setCookie = services.cookies.begin(opened.session)
      if (row.invitation === undefined) return leave(services, row.returnTo, setCookie)
      return leaveAccepted(services, invitedTo, [...letGoOf(services, http, row.invitation), setCookie])
    } catch (error) {
      return refused(services, connection, row, refusalOfFailure(error, services.log))
    }
  }
}

/**
 * `POST /connections/{connection}/callback`: some providers send the browser back with a form. A browser sends none of our cookies along with it; with a link of our own
 * it does.
 */
export function repostConnection(services: HostedServices): Endpoint {
  return http => {
    const form = readForm(http)
    if (isRefusal(form)) return pageOfRefusal(services, form)
    const location = `${http.path}?${new URLSearchParams([...form])}`
    return location.length > callbackCharactersAtMost
      ? pageOfRefusal(services, refuse('request_malformed'))
      : seeOther(location)
  }
}

/** Attack 35: known, begun in this browser with this connection, in time, and never used; used up by this. */
async function claim(
  services: HostedServices,
  http: HttpRequest,
  connection: Connection,
  state: string,
): Promise<ConnectionSignIn | Refusal> {
  const hash = hashCode(state)
  const found = await services.store.loadShortLived('connectionSignIn', hash)
  if (found === undefined) return refuse('connection_state_invalid')
  const { row, now } = found
  if (services.cookies.timeOfMark(http, aboutOf(hash), row.browserMark) === undefined) {
    return refuse('connection_state_invalid')
  }
  // Whoever wanted another way to sign in must still be there: another user in this browser gets nothing (CVE-2026-9087).
  if (row.linksSession !== null && (await services.cookies.session(http))?.session.id !== row.linksSession) {
    return refuse('connection_state_invalid')
  }
  const change = useConnectionSignIn(row, { connection: connection.name, now })
  if (isRefusal(change)) return change
  return (await services.store.commit(change)) === 'committed' ? row : refuse('connection_state_invalid')
}

/** User, identity, profile, the provider's tokens and the session: one commit. */
function openFor(
  services: HostedServices,
  http: HttpRequest,
  connection: Connection,
  arrived: Parameters<typeof judgeArrived>[2],
  accepts: ConnectionSignIn['invitation'],
) {
  const device = deviceOf(http)
  return decideLogin(services, `${connection.name} ${arrived.person.subject}`, async () => {
    const arrival = await judgeArrived(services, connection, arrived, { device, accepts })
    if (isRefusal(arrival)) return arrival
    const { snapshot, user, change: news } = arrival
    const { session, change } = await openHostedSession(services, http, { snapshot, user, amr: ['ext'], device })
    return { result: { session }, change: news ? combine(news, change) : change }
  })
}

/**
 * On to where one wanted to go. The way to an application is a new one: a provider may hold the redirects that follow its form to its own policy, as ours does, and would let
 * the browser come to us and no further.
 */
function leave(services: HostedServices, path: string, setCookie: string): HttpAnswer {
  return path.startsWith('/authorize?')
    ? goOn(services, path, { setCookie })
    : seeOther(path, { 'set-cookie': setCookie })
}

/** Looked up before it is used up: afterwards it says nothing any more. */
async function applicationOf(services: HostedServices, named: NamedInvitation): Promise<string | undefined> {
  const found = await findInvitation(services, named)
  return isRefusal(found) ? undefined : applicationPage(services, found.clientId)
}

/** The token of the invitation with which they have come; one that was opened since is another matter. */
function letGoOf(services: HostedServices, http: HttpRequest, { hash }: NamedInvitation): readonly string[] {
  return keptInvitation(services, http)?.hash === hash ? [services.cookies.keepLink('invitation', '')] : []
}

/** In the session that began it; loaded anew, since it may have ended while the provider was asked. */
function link(
  services: HostedServices,
  http: HttpRequest,
  connection: Connection,
  arrived: Parameters<typeof judgeArrived>[2],
) {
  const { person, tokens } = arrived
  return decideAndCommit(services, async () => {
    const login = await services.cookies.session(http)
    if (login === undefined) return refuse('connection_state_invalid')
    const snapshot = await services.store.loadUserByIdentity(connection.name, person.subject)
    const change = linkIdentity(
      {
        snapshot,
        connection: connection.name,
        subject: person.subject,
        told: toldOf(connection, person),
        sealedTokens: sealTokens(services, connection, { snapshot, subject: person.subject, tokens }),
        device: deviceOf(http),
      },
      login,
    )
    return isRefusal(change) ? change : { result: {}, change }
  })
}

function keepOf(services: HostedServices, state: string, row: ConnectionSignIn): { keep?: string } {
  const keep = services.connections.openKeep(state, row.sealedKeep)
  return keep === undefined ? {} : { keep }
}

function refused({ log }: HostedServices, connection: Connection, row: ConnectionSignIn, refusal: Refusal): HttpAnswer {
  const { reason, detail } = refusal
  if (reason !== 'connection_denied') {
    log.warn(
      { connection: connection.name, reason, ...(detail !== undefined && { detail }) },
      'a sign-in with others did not work',
    )
  }
  if (row.invitation !== undefined) return toInvitation(refusal)
  return row.linksSession === null ? toSignIn(row.returnTo, refusal) : toWaysIn(refusal)
}

function toWaysIn({ reason }: Refusal): HttpAnswer {
  return seeOther(`${waysInPath}?problem=${reason}`)
}

function toInvitation({ reason }: Refusal): HttpAnswer {
  return seeOther(`${invitationPath}?problem=${reason}`)
}

function toSignIn(path: string, refusal?: Refusal): HttpAnswer {
  const query = new URLSearchParams({ return_to: path, ...(refusal && { problem: refusal.reason }) })
  return seeOther(`/sign-in?${query}`)
}

function aboutOf(hash: string): string {
  return `connection ${hash}`
}

function isFromElsewhere(http: HttpRequest): boolean {
  const site = http.header('sec-fetch-site')
  return site !== undefined && site !== 'same-origin' && site !== 'none'
}
