/**
 * What an operator has given a person, and keeps of them for applications of their own. The words are the operator's; a token tells them only where its client or an API asks
 * for it (`ClaimsMap`).
 */
export interface Rights {
  /** RFC 9068 §2.2.3.1, and so for groups. */
  readonly roles: readonly string[]
  readonly groups: readonly string[]
  /** What RFC 9068 calls entitlements. */
  readonly permissions: readonly string[]
  /** JSON, by names of the operator's: a tenant, a plan. */
  readonly attributes: Readonly<Record<string, unknown>>
}

export const noRights: Rights = Object.freeze({ roles: [], groups: [], permissions: [], attributes: {} })

/** Bytes of JSON that all of a person's rights may have: they must fit into a token beside everything else. */
export const rightsBytesAtMost = 3_000

export function rightsFit(rights: Rights): boolean {
  return Buffer.byteLength(JSON.stringify(rights)) <= rightsBytesAtMost
}

export function hasNoRights({ roles, groups, permissions, attributes }: Rights): boolean {
  return roles.length + groups.length + permissions.length + Object.keys(attributes).length === 0
}
