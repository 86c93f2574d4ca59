import { type Actor, type Change, combine, endLogin, withdrawGrant } from '@countersign/core'
import { type Refusal, refuse } from '@countersign/protocol'
import type { Services } from '../services.ts'
import { decideAndCommit } from '../sign-in/decide-and-commit.ts'

/** The user takes back what they have allowed a client: everything that it got is dead, and it must ask again. */
export function withdraw(
  services: Services,
  userId: string,
  clientId: string,
  actor: Actor,
): Promise<object | Refusal> {
  const { store } = services
  return decideAndCommit(services, async () => {
    const [snapshot, found] = [await store.loadGrant(userId, clientId), await store.loadClient(clientId)]
    const { grant } = snapshot
    const { user } = await store.loadUser(userId)
    if (found === undefined || user === undefined || grant === undefined || grant.withdrawnAt !== null)
      return refuse('grant_unknown')
    const logins = await store.listSessions(userId)
    const end = { snapshot, client: found.client, user, grant, logins, actor }
    return { result: {}, change: withdrawGrant(end) }
  })
}

/** The user signs out of an application: of one login of theirs, or of all. What they have allowed it stands. */
export function signOutOfApplication(
  services: Services,
  userId: string,
  which: { readonly familyId: string } | { readonly clientId: string },
  actor: Actor,
): Promise<object | Refusal> {
  const { store } = services
  return decideAndCommit(services, async () => {
    const sessions = await store.listSessions(userId)
    const ids = sessions
      .flatMap(({ families }) => families)
      .filter(({ id, clientId }) => ('familyId' in which ? id === which.familyId : clientId === which.clientId))
      .map(({ id }) => id)
    const ends: Change[] = []
    for (const id of ids) {
      const snapshot = await store.loadFamily(id)
      const end = snapshot && endLogin(snapshot, 'ended_by_user', actor)
      if (end) ends.push(end)
    }
    const [first, ...others] = ends
    return first === undefined ? refuse('session_unknown') : { result: {}, change: combine(first, ...others) }
  })
}
