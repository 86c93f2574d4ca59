import { type Client, mintAccessToken, mintOpaqueToken } from '@countersign/core'
import type { AccessTokenClaims } from '@countersign/protocol'
import type { Services } from '../services.ts'

/** Makes an access token in the format of its client: a JWT, or one that only we can read. A node that is cut off makes neither. */
export function issueAccessToken(
  { keys, opaqueTokenKey }: Services,
  client: Pick<Client, 'accessTokenFormat'>,
  claims: Omit<AccessTokenClaims, 'jti'>,
): string {
  const mint = keys.mint()
  if (client.accessTokenFormat === 'jwt') return mintAccessToken(mint, claims)
  return mintOpaqueToken({ sealingKey: opaqueTokenKey, ...mint }, claims)
}
