import { isFreshlySignedIn, type Session, type SessionOnlySnapshot } from '@countersign/core'
import { type Refusal, refuse } from '@countersign/protocol'
import type { HttpRequest } from '../http/message.ts'
import type { HostedServices } from './hosted-services.ts'

/** Where people see and change how they sign in. */
export const waysInPath = '/account/connections'

/**
 * What the link "Add Google" carries: that our page showed it, in this browser, in this session, since this sign-in. Nobody else can write such a link, so that nobody
 * has a stranger's account added to theirs by a click on another site.
 */
export function linkSeal(
  { cookies }: HostedServices,
  csrf: string,
  connection: string,
  { id, authenticatedAt }: Session,
): string {
  return cookies.seal(csrf, `link ${connection} ${id} ${authenticatedAt}`)
}

/** Whether a link may begin: ours, and somebody has just shown who they are. */
export function judgeLink(
  services: HostedServices,
  http: HttpRequest,
  login: SessionOnlySnapshot | undefined,
  link: { connection: string; seal: string },
): SessionOnlySnapshot | Refusal {
  if (login === undefined) return refuse('session_ended')
  const { csrf } = services.cookies.form(http)
  const { id, authenticatedAt } = login.session
  const shown = `link ${link.connection} ${id} ${authenticatedAt}`
  if (!services.cookies.sealIsOf(csrf, shown, link.seal)) return refuse('csrf_refused')
  return isFreshlySignedIn(login.session, login.now) ? login : refuse('reauthentication_required')
}
