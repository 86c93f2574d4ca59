import type { Client, Family, Grant, Instant, Session } from '@countersign/core'
import type { Services } from '../services.ts'

/** An application that a user has allowed something, or is signed in to. */
export interface Application {
  readonly clientId: string
  /** Absent: it is not registered any more. */
  readonly client: Client | undefined
  /** What the user has allowed; absent for an application that need not ask. */
  readonly grant: Grant | undefined
  /** Where the user is signed in to it, the last used first. */
  readonly logins: readonly ApplicationLogin[]
  /** The last use; without a login when it was allowed. */
  readonly lastUsedAt: Instant
}

export interface ApplicationLogin {
  readonly session: Session
  readonly family: Family
}

/** One entry per application, however many sessions; the last used first. */
export async function listApplications({ store }: Services, userId: string): Promise<readonly Application[]> {
  const [grants, sessions] = await Promise.all([store.listGrants(userId), store.listSessions(userId)])
  const logins = sessions.flatMap(({ session, families }) => families.map(family => ({ session, family })))
  const ids = new Set([...grants.map(({ clientId }) => clientId), ...logins.map(({ family }) => family.clientId)])
  const applications = [...ids].map(async (clientId): Promise<Application> => {
    const own = logins
      .filter(({ family }) => family.clientId === clientId)
      .sort((a, b) => b.family.rotatedAt - a.family.rotatedAt)
    const grant = grants.find(one => one.clientId === clientId)
    const lastUsedAt = own[0]?.family.rotatedAt ?? grant?.allowedAt ?? 0
    return { clientId, client: (await store.loadClient(clientId))?.client, grant, logins: own, lastUsedAt }
  })
  return (await Promise.all(applications)).sort(
    (a, b) => b.lastUsedAt - a.lastUsedAt || (a.clientId < b.clientId ? -1 : 1),
  )
}
