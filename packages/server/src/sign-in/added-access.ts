import type { AddedAccess, User } from '@countersign/core'
import type { Services } from '../services.ts'

/**
 * What stands in an account beside its password. Looked up after the user was read: what is added meanwhile writes the user's row, so that a change of that row is a
 * conflict then.
 */
export async function addedAccess({ store }: Pick<Services, 'store'>, { id }: User): Promise<AddedAccess> {
  const [identities, grants] = await Promise.all([store.listIdentities(id), store.listGrants(id)])
  return { identities, grants }
}
