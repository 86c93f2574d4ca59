import type { Actor } from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import type { Limit } from '@countersign/store'
import type { Services } from '../services.ts'
import { decideAndCommit } from './decide-and-commit.ts'
import { endUserSessions } from './end-user-sessions.ts'
import { loadLivingSession } from './load-living-session.ts'

/** Each is an entry that every API holds, and a row of the audit log: no login must be able to fill either with what is its own. */
const endsOfOthers: Limit = { kind: 'ends of all others by a session', attempts: 60, windowSeconds: 3600 }

/**
 * Raises the user's epoch; the session `keepId` is stamped anew and lives on. Counted by the session that is kept, not by the user: a thief must not be able to use up
 * what the owner has (`too_many_attempts`).
 */
export async function endEverySession(
  services: Services,
  userId: string,
  keepId: string | undefined,
  actor: Actor,
): Promise<object | Refusal> {
  if (keepId !== undefined) {
    const { allowed, retryAfterSeconds } = await services.counters.take(endsOfOthers, keepId)
    if (!allowed) return refuse('too_many_attempts', { retryAfterSeconds })
  }
  let epochBefore: number | undefined
  return decideAndCommit(services, async () => {
    const snapshot = await services.store.loadUser(userId)
    if (snapshot.user === undefined) return refuse('user_unknown')
    const keep = keepId === undefined ? undefined : await loadLivingSession(services, keepId)
    if (isRefusal(keep)) return keep
    epochBefore ??= snapshot.user.epoch
    // Somebody else has just done the same. Not if they have kept a session of their own, or one was born since.
    if (snapshot.user.epoch > epochBefore && !(await hasOtherSessions(services, userId, keepId))) return { result: {} }
    return {
      result: {},
      change: await endUserSessions(services, { ...snapshot, user: snapshot.user }, 'ended_by_user', {
        ...actor,
        keep,
      }),
    }
  })
}

async function hasOtherSessions({ store }: Services, userId: string, keepId: string | undefined): Promise<boolean> {
  return (await store.listSessions(userId)).some(({ session }) => session.id !== keepId)
}
