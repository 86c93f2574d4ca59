import { type Client, mintAccessToken, mintOpaqueToken } from '@countersign/core'
import type { AccessTokenClaims } from '@countersign/protocol'
import type { Services } from '../services.ts'

/** Makes an access token: a JWT, or one that only we can read, if its client or an API that it names is set so. A node that is cut off makes neither. */
export function issueAccessToken(
  { config, keys, opaqueTokenKey }: Services,
  client: Pick<Client, 'accessTokenFormat'>,
  claims: Omit<AccessTokenClaims, 'jti'>,
): string {
  const mint = keys.mint()
  const isOpaque = client.accessTokenFormat === 'opaque' || [claims.aud].flat().some(api => config.opaqueApis?.has(api))
  if (!isOpaque) return mintAccessToken(mint, claims)
  return mintOpaqueToken({ sealingKey: opaqueTokenKey, ...mint }, claims)
}

/** The version of the claim schema, which APIs may ask for (`oldestSchema` of the verifier). */
export function schemaVersionOf({ config }: Pick<Services, 'config'>): number {
  return config.claimsVersion ?? 1
}
