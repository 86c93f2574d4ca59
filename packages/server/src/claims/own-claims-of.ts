import { type Client, isReservedClaim, type User } from '@countersign/core'
import { type AccessTokenClaims, canonicalJson } from '@countersign/protocol'
import type { Services } from '../services.ts'
import type { CheckedToken } from '../sign-in/check-access-token.ts'

/** A token that was made of another, or for a user who is not there, with what its client and the APIs that it reaches want to be told of the user. */
export async function withOwnClaims<Claims extends Omit<AccessTokenClaims, 'jti'>>(
  services: Services,
  claims: Claims,
  about: { user: User; client: Client; consent: Client['consent'] },
): Promise<Claims> {
  const client = { ...about.client, consent: about.consent }
  const own = await services.claims.accessToken(about.user, { client, ...reachOf(services, claims) })
  if (own.epoch === undefined) return claims
  return { ...own.claims, ...claims, epo: { ...claims.epo, claims: own.epoch } }
}

/** Whether a token of a login tells something else than it would now. */
export async function isOutdated(services: Services, { claims, login }: CheckedToken): Promise<boolean> {
  if (login === undefined || claims.act !== undefined || claims.epo?.claims === undefined) return false
  const now = await services.claims.accessToken(login.user, { client: login.client, ...reachOf(services, claims) })
  const then = Object.fromEntries(Object.entries(claims).filter(([name]) => !isReservedClaim(name)))
  return canonicalJson(then) !== canonicalJson(now.claims)
}

function reachOf({ config }: Services, { aud, scope = '' }: Pick<AccessTokenClaims, 'aud' | 'scope'>) {
  return { audiences: [aud].flat().filter(one => one !== config.issuer), scope }
}
