import type { Connection } from '@countersign/connections'
import { type ConnectionSignIn, connectionSignInSeconds, hashCode } from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import { seeOther } from '../http/answers.ts'
import { refusalOfFailure } from '../http/failure.ts'
import type { Endpoint, HttpAnswer, HttpRequest } from '../http/message.ts'
import { readParameters } from '../http/read-form.ts'
import { findInvitation, invitationPath } from '../invitations/invitation-link.ts'
import { addressKey } from '../passwords/address-key.ts'
import { toInvitation, toSignIn, toWaysIn } from './connection-pages.ts'
import type { HostedServices } from './hosted-services.ts'
import { isSealed, keptInvitation } from './invitation-seal.ts'
import { judgeLink, waysInPath } from './link-seal.ts'
import { pageOfRefusal } from './page-answers.ts'
import { readReturnTo } from './return-to.ts'

const starts = { kind: 'starts of a connection', attempts: 60, windowSeconds: 60 }

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
  const { mark, setCookie } = cookies.mark(http, aboutConnection(hash), now)
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

function isFromElsewhere(http: HttpRequest): boolean {
  const site = http.header('sec-fetch-site')
  return site !== undefined && site !== 'same-origin' && site !== 'none'
}

/** What the mark of the browser is about that starts; the same browser comes back. */
export function aboutConnection(hash: string): string {
  return `connection ${hash}`
}
