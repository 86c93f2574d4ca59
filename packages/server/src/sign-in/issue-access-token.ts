import { type Client, mintAccessToken, mintOpaqueToken } from '@countersign/core'
import type { AccessTokenClaims } from '@countersign/protocol'
import type { Services } from '../services.ts'

/** Makes an access token: a JWT, under a secret if the one API that it reaches shares one with us; or one that only we can read, if its client or an API that it names is set so. A node that is cut off makes neither. */
export function issueAccessToken(
  { config, keys, opaqueTokenKey }: Services,
  client: Pick<Client, 'accessTokenFormat'>,
  claims: Omit<AccessTokenClaims, 'jti'>,
): string {
  const apis = [claims.aud].flat()
  const isOpaque = client.accessTokenFormat === 'opaque' || apis.some(api => config.opaqueApis?.has(api))
  if (isOpaque) return mintOpaqueToken({ sealingKey: opaqueTokenKey, ...keys.mint() }, claims)
  const sharing = apiThatShares(apis, config)
  return mintAccessToken(sharing === undefined ? keys.mint() : keys.mintFor(sharing), claims)
}

/** The one API that a token reaches, if it has a secret in common with us. Two have none in common. */
function apiThatShares(apis: readonly string[], { issuer, sharedSecretApis }: Services['config']): string | undefined {
  if (sharedSecretApis === undefined || sharedSecretApis.size === 0) return undefined
  const [only, ...others] = apis.filter(api => api !== issuer)
  return only !== undefined && others.length === 0 && sharedSecretApis.has(only) ? only : undefined
}

/** The version of the claim schema, which APIs may ask for (`oldestSchema` of the verifier). */
export function schemaVersionOf({ config }: Pick<Services, 'config'>): number {
  return config.claimsVersion ?? 1
}
