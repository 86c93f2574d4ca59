import type { JsonWebKey } from 'node:crypto'
import type { AdapterConstructor, Configuration } from 'oidc-provider'

export const api = 'https://api.example/'
export const scope = 'account'
/** A public client: an app in a browser. */
export const appId = 'app'
export const redirectUri = 'https://app.example/callback'
/** A confidential client: a service, which gets tokens of its own and asks about those that it was sent. */
export const service = { id: 'service', secret: 'a-secret-of-the-service-that-is-long-enough' }
export const cookieKey = 'a key that signs the cookies'

/**
 * oidc-provider as its documentation has it for production: an adapter of one's own, one's own signing and cookie keys, no development pages, a resource
 * server with JWT access tokens, DPoP. `rotateRefreshToken` is its default: a public client's token is rotated at each use, one that is bound to a key when
 * 70 % of its life are over.
 */
export function providerConfiguration(adapter: AdapterConstructor, signingKey: JsonWebKey): Configuration {
  return {
    adapter,
    clients: [
      {
        client_id: appId,
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: [redirectUri],
        id_token_signed_response_alg: 'ES256',
      },
      {
        client_id: service.id,
        client_secret: service.secret,
        token_endpoint_auth_method: 'client_secret_basic',
        grant_types: ['client_credentials'],
        response_types: [],
        id_token_signed_response_alg: 'ES256',
        redirect_uris: [],
      },
    ],
    claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'] },
    cookies: { keys: [cookieKey] },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      dPoP: { enabled: true },
      introspection: { enabled: true },
      revocation: { enabled: true },
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
    findAccount: (_context, sub) => ({
      accountId: sub,
      claims: () => ({ sub, name: 'Someone', email: `${sub}@example.org`, email_verified: false }),
    }),
    jwks: { keys: [{ ...signingKey, alg: 'ES256', use: 'sig', kid: 'key' }] },
    // Ours gives a refresh token with every login too.
    issueRefreshToken: () => true,
    ttl: { AccessToken: 900, Grant: 180 * 86400, RefreshToken: 30 * 86400, Session: 180 * 86400 },
  }
}
