import {
  allowGrant,
  type Change,
  type Client,
  type Device,
  type Grant,
  grantCovers,
  renewGrant,
  type Snapshot,
  tellsUserId,
  type User,
  type Write,
} from '@countersign/core'
import type { Services } from '../services.ts'

/**
 * What a login by the client itself is made under, where at most one authorization of a user may live: the one before ends in the same commit. `undefined` for
 * every other client: it needs no grant, since it has the user's password or the trust of the operator.
 */
export async function grantForLogin(
  { store }: Services,
  login: { snapshot: Snapshot; client: Client; user: User; scope: string; device: Device },
): Promise<{ grant: Grant; change: Change } | undefined> {
  const { snapshot, client, user, device } = login
  if (!client.oneAuthorizationPerUser) return undefined
  const { grant: before } = await store.loadGrant(user.id, client.id)
  const asked = { scopes: login.scope.split(' ').filter(Boolean), audiences: client.audiences }
  const allowed = grantCovers(before, asked)
    ? undefined
    : allowGrant({ now: snapshot.now, user, client, grant: before, asked, device })
  const grant = allowed?.grant ?? (before as Grant)
  const logins = await store.listSessions(user.id)
  const renewed = renewGrant({ snapshot, client, grant, logins, actor: { device } })
  if (allowed === undefined) return renewed
  return {
    grant: renewed.grant,
    change: {
      ...renewed.change,
      writes: [...renewed.change.writes, ...allowGuard({ client, user })],
      audit: [allowed.audit, ...renewed.change.audit],
    },
  }
}

/**
 * Whoever takes back all that a user has allowed lists what stands: nothing may be allowed beside it (`allowGrant`). Where tokens do not name the user, the birth of the
 * login writes the user's row already (`openLogin`).
 */
function allowGuard({ client, user }: { client: Client; user: User }): Write[] {
  return tellsUserId(client) ? [{ table: 'user', row: user }] : []
}
