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
  const [only, ...others] = apis.filter(api => api !== config.issuer)
  // Two APIs have no secret in common.
  const isShared = only !== undefined && others.length === 0 && config.sharedSecretApis?.has(only)
  return mintAccessToken(isShared ? keys.mintFor(only) : keys.mint(), claims)
}

/** The version of the claim schema, which APIs may ask for (`oldestSchema` of the verifier). */
export function schemaVersionOf({ config }: Pick<Services, 'config'>): number {
  return config.claimsVersion ?? 1
}
