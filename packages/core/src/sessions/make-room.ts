import type { Change } from '../change.ts'
import type { LivingLogin } from '../grants/end-grant.ts'
import type { Snapshot } from '../snapshots.ts'
import type { User } from '../users/user.ts'
import { endSession } from './end-sessions.ts'
import type { Device } from './session.ts'

/** So many sessions one client holds of one user, the new one included; of the browsers' own there are as many. */
const sessionsAtMost = 100

/** So many end at once: each is an entry that every API holds. */
const endsAtOnce = 10

/** When it was last seen: by a sign-in or a refresh. */
export function lastUsedAt({ session, families }: LivingLogin): number {
  return Math.max(session.createdAt, session.authenticatedAt, ...families.map(family => family.rotatedAt))
}

/**
 * Makes room for one more session of a client (or, by `null`, of a browser): those that were used longest ago end. Whoever knows a password, or is logged in by
 * a machine that forgets its tokens, would otherwise make lists that nobody can read and that take seconds to load.
 *
 * With a hundred taken, two logins at once end the same session, so that one of the two is decided again. Below that they are not in each other's way, and may be too many by as
 * many as were at once: the next login sees it. To be exact there would cost every login a write that the others wait for.
 *
 * @param request.logins the user's living sessions.
 * @param request.besides a session that ends by this login anyway.
 */
export function makeRoom(request: {
  readonly snapshot: Snapshot
  readonly user: User
  readonly clientId: string | null
  readonly logins: readonly LivingLogin[]
  readonly device: Device
  readonly besides?: string | undefined
}): Change[] {
  const { snapshot, user, clientId, device, besides } = request
  const taken = request.logins.filter(({ session }) => session.clientId === clientId && session.id !== besides)
  const longestUnusedFirst = taken.toSorted(
    (a, b) => lastUsedAt(a) - lastUsedAt(b) || (a.session.id < b.session.id ? -1 : 1),
  )
  const surplus = Math.min(endsAtOnce, Math.max(0, taken.length - sessionsAtMost + 1))
  return longestUnusedFirst
    .slice(0, surplus)
    .flatMap(({ session }) => endSession({ ...snapshot, session, user }, 'superseded', { device }) ?? [])
}
