import type { Change, Write } from '../change.ts'
import type { LivingLogin } from '../grants/end-grant.ts'
import type { Snapshot } from '../snapshots.ts'
import type { User } from '../users/user.ts'
import { endSession } from './end-sessions.ts'
import { type Device, isUnused } from './session.ts'

/** So many sessions one client holds of one user, the new one included; of the browsers' own there are as many. */
const sessionsAtMost = 100

/**
 * From so many on a login sees those that are made at the same time. There is room above for as many as are decided at once before that: `loginsAtOnce` on each node
 * (`decideLogin`), so that seven nodes hold the hundred, and more pass it by their share until the next login.
 */
const sessionsUnguarded = 40
export const loginsAtOnce = 8

/** So many end at once: each is an entry that every API holds. */
const endsAtOnce = 10

/** When it was last seen: by a sign-in or a refresh. */
export function lastUsedAt({ session, families }: LivingLogin): number {
  return Math.max(session.createdAt, session.authenticatedAt, ...families.map(family => family.rotatedAt))
}

/**
 * Makes room for one more session of a client (or, by `null`, of a browser): those that nobody has refreshed end, and else those that were used longest ago. A back end that
 * repeats a login whose answer is lost does not end the one that is in use. Whoever knows a password, or is logged in by
 * a machine that forgets its tokens, would otherwise make lists that nobody can read and that take seconds to load.
 *
 * Of two logins at once one is decided again, since both write the session that was used longest ago: with a hundred taken to end it, with forty as it is. Below that they are not in
 * each other's way: whoever has a few sessions pays nothing for this.
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
    (a, b) =>
      Number(isNobodys(b)) - Number(isNobodys(a)) ||
      lastUsedAt(a) - lastUsedAt(b) ||
      (a.session.id < b.session.id ? -1 : 1),
  )
  const surplus = Math.min(endsAtOnce, Math.max(0, taken.length - sessionsAtMost + 1))
  const [guard] = longestUnusedFirst
  if (surplus === 0 && guard !== undefined && taken.length >= sessionsUnguarded) {
    const writes: Write[] = [{ table: 'session', row: guard.session }]
    return [{ writes, entries: [], audit: [], durable: true, time: snapshot.now }]
  }
  return longestUnusedFirst
    .slice(0, surplus)
    .flatMap(({ session }) => endSession({ ...snapshot, session, user }, 'superseded', { device }) ?? [])
}

/** Begun by a client, and never refreshed. A browser's session is used without that. */
function isNobodys({ session, families }: LivingLogin): boolean {
  return session.clientId !== null && session.authenticatedAt <= session.createdAt && families.every(isUnused)
}
