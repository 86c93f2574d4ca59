import {
  type Change,
  combine,
  type Device,
  endSession,
  makeRoom,
  openBrowserSession,
  renewBrowserSession,
  type Session,
  type Snapshot,
  type User,
} from '@countersign/core'
import type { HostedServices } from '../hosted/hosted-services.ts'
import type { HttpRequest } from '../http/message.ts'

/**
 * The browser's earlier session goes on if it is of the same user, and the applications in it do not notice; another user's ends in the same breath. Its cookie is
 * worth nothing afterwards, either way (CVE-2022-25896).
 */
export async function openHostedSession(
  services: HostedServices,
  http: HttpRequest,
  signedIn: { snapshot: Snapshot; user: User; amr: readonly string[]; device: Device },
): Promise<{ session: Session; change: Change }> {
  const { random } = services
  const { snapshot, user, amr, device } = signedIn
  const earlier = await services.cookies.session(http)
  if (earlier !== undefined && earlier.user.id === user.id) return renewBrowserSession(earlier, { device, amr, random })
  const { session, change } = openBrowserSession({ snapshot, user, device, amr, random })
  const end = earlier && endSession(earlier, 'superseded', { device })
  const logins = await services.store.listSessions(user.id)
  const ends = makeRoom({ snapshot, user, clientId: null, logins, device })
  return { session, change: combine(end ? combine(end, change) : change, ...ends) }
}
