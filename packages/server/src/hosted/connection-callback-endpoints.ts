import type { Connection } from '@countersign/connections'
import { type ConnectionSignIn, combine, hashCode, linkIdentity, useConnectionSignIn } from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import { judgeArrived, sealTokens, toldOf } from '../connections/judge-arrived.ts'
import { seeOther } from '../http/answers.ts'
import { refusalOfFailure } from '../http/failure.ts'
import type { Endpoint, HttpAnswer, HttpRequest } from '../http/message.ts'
import { readForm, readParameters } from '../http/read-form.ts'
import { applicationPage } from '../invitations/application-page.ts'
import { findInvitation, type NamedInvitation } from '../invitations/invitation-link.ts'
import { decideAndCommit, decideLogin } from '../sign-in/decide-and-commit.ts'
import { deviceOf } from '../sign-in/device-of.ts'
import { openHostedSession } from '../sign-in/open-hosted-session.ts'
import { toInvitation, toSignIn, toWaysIn } from './connection-pages.ts'
import { aboutConnection } from './connection-start-endpoint.ts'
import { goOn } from './go-on.ts'
import type { HostedServices } from './hosted-services.ts'
import { leaveAccepted } from './invitation-endpoints.ts'
import { keptInvitation } from './invitation-seal.ts'
import { waysInPath } from './link-seal.ts'
import { pageOfRefusal } from './page-answers.ts'

const callbackCharactersAtMost = 8_192

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
  if (services.cookies.timeOfMark(http, aboutConnection(hash), row.browserMark) === undefined) {
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
