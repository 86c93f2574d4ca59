import type { JsonWebKey } from 'node:crypto'
import type { AdapterConstructor, Configuration } from 'oidc-provider'

export const api = 'https://api.example/'
export const scope = 'account'
const redirectUri = 'https://app.example/callback'

/**
 * oidc-provider for a public client, as its documentation has it for production: an adapter of one's own, one's own signing
 * and cookie keys, no development pages, a resource server with JWT access tokens, DPoP. `rotateRefreshToken` is its default:
 * a public client's token is rotated at each use, one that is bound to a key when 70 % of its life are over.
 */
export function configurationOf(adapter: AdapterConstructor, signingKey: JsonWebKey): Configuration {
  return {
    adapter,
    clients: [
      {
        client_id: 'app',
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: [redirectUri],
        id_token_signed_response_alg: 'ES256',
      },
    ],
    cookies: { keys: ['a key that signs the cookies of interactions alone'] },
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => api,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope,
          audience: api,
          accessTokenFormat: 'jwt',
          accessTokenTTL: 900,
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
    findAccount: (_context, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
    jwks: { keys: [{ ...signingKey, alg: 'ES256', use: 'sig', kid: 'key' }] },
    issueRefreshToken: () => true,
    ttl: { AccessToken: 900, Grant: 180 * 86400, RefreshToken: 30 * 86400, Session: 180 * 86400 },
  }
}
