import { hasNoRights, noRights, type User } from '@countersign/core'

/** Rights and `claimsEpoch` as engines keep them: JSON. Of most users there is nothing: that costs no byte. */
export function storedRights({ rights, claimsEpoch }: Pick<User, 'rights' | 'claimsEpoch'>): string | null {
  return hasNoRights(rights) && claimsEpoch === 0 ? null : JSON.stringify({ ...rights, epoch: claimsEpoch })
}

export function readRights(stored: string | null): Pick<User, 'rights' | 'claimsEpoch'> {
  if (stored === null) return { rights: noRights, claimsEpoch: 0 }
  const { epoch, ...rights } = JSON.parse(stored) as User['rights'] & { epoch: number }
  return { rights, claimsEpoch: epoch }
}
