import {
  type Change,
  type EndReason,
  endAllSessions,
  type Family,
  type Snapshot,
  tellsUserId,
  type User,
} from '@countersign/core'
import type { Services } from '../services.ts'

/**
 * The change that ends every session of a user (`endAllSessions`), with the families that have to be named. Looked up after the user was read: what is born
 * meanwhile writes the user's row, so that this change is a conflict then.
 */
export async function endUserSessions(
  services: Services,
  snapshot: Snapshot & { user: User },
  reason: EndReason,
  more: Parameters<typeof endAllSessions>[2] = {},
): Promise<Change> {
  return endAllSessions(snapshot, reason, { ...more, byName: await familiesToName(services, snapshot.user.id) })
}

async function familiesToName({ store }: Services, userId: string): Promise<readonly Family[]> {
  const families = (await store.listSessions(userId)).flatMap(session => session.families)
  const unnamed = new Set<string>()
  for (const id of new Set(families.map(({ clientId }) => clientId))) {
    const found = await store.loadClient(id)
    if (found && !tellsUserId(found.client)) unnamed.add(id)
  }
  return families.filter(({ clientId }) => unnamed.has(clientId))
}
