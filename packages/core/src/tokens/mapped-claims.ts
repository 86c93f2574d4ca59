import type { ClaimsMap } from '../clients/claims-map.ts'
import type { Client } from '../clients/client.ts'
import type { Rights } from '../users/rights.ts'
import { scopeOfClaim, standardClaimsOf } from '../users/standard-claims.ts'
import type { User } from '../users/user.ts'
import { isReservedClaim } from './reserved-claims.ts'

const listSources = ['roles', 'groups', 'permissions'] as const
const attributePrefix = 'attributes.'

/** Whether there is such a source. */
export function isClaimSource(source: string): boolean {
  return (
    (listSources as readonly string[]).includes(source) ||
    scopeOfClaim(source) !== undefined ||
    (source.startsWith(attributePrefix) && source.length > attributePrefix.length)
  )
}

/**
 * The claims that a map tells of a person, as far as they are known; what is empty is left out. Where users are asked what an application may know, what stands in a scope needs that
 * scope (§5.4). Whatever a map says, no reserved claim is among them.
 */
export function mappedClaims(
  user: User,
  map: ClaimsMap,
  to: { readonly client: Pick<Client, 'consent'>; readonly scope: string },
): Readonly<Record<string, unknown>> {
  const sources = Object.entries(map)
  if (sources.length === 0) return {}
  const scopes = to.scope.split(' ')
  const mayTell = (source: string): boolean => {
    const needed = scopeOfClaim(source)
    return needed === undefined || to.client.consent === 'implied' || scopes.includes(needed)
  }
  const standard = standardClaimsOf(user)
  const told = sources.flatMap(([claim, source]) => {
    if (isReservedClaim(claim) || !mayTell(source)) return []
    const value = sourceValue(source, user.rights, standard)
    return value === undefined || (Array.isArray(value) && value.length === 0) ? [] : [[claim, value] as const]
  })
  return Object.fromEntries(told)
}

function sourceValue(source: string, rights: Rights, standard: Readonly<Record<string, unknown>>): unknown {
  const list = listSources.find(name => name === source)
  if (list !== undefined) return rights[list]
  if (!source.startsWith(attributePrefix)) return standard[source]
  const name = source.slice(attributePrefix.length)
  return Object.hasOwn(rights.attributes, name) ? rights.attributes[name] : undefined
}
