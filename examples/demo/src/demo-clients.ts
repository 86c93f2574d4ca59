import { type Client, declareClient, defaultRefreshPolicy, hashClientSecret } from '@countersign/core'

/** What the tokens of the example app are meant for. A name, not an address: it stays when a port changes. */
export const apiAudience = 'urn:demo-api'

/** The applications of the demo. What is said here is what `clients` of `countersign.json` would say. */
export function demoClients({ appUrl, apiSecret }: { appUrl: string; apiSecret: string }): readonly Client[] {
  const app = declareClient({
    id: 'demo',
    name: 'Notes',
    firstParty: true,
    directLogin: true,
    redirectUris: [`${appUrl}/`],
    scopes: ['account', 'notes:read', 'notes:write'],
    defaultScopes: ['account', 'notes:read', 'notes:write'],
    audiences: [apiAudience],
    // The refresh token is bound to a key of the browser; the access token stays a plain Bearer token (RFC 9449 §5).
    accessTokenBinding: 'bearer',
  })
  return [
    app,
    // For the laboratory: a login without a key, and times so short that one can watch.
    {
      ...app,
      id: 'demo-unbound',
      name: 'Notes, unbound',
      refresh: { ...defaultRefreshPolicy, graceSeconds: 1, minimumLifeSeconds: 2 },
    },
    declareClient({
      id: 'demo-api',
      name: 'Example API',
      secretHashes: [hashClientSecret(apiSecret)],
      firstParty: true,
      grantTypes: ['client_credentials'],
      scopes: ['introspection', 'revocations', 'sessions:manage'],
      defaultScopes: ['introspection', 'revocations', 'sessions:manage'],
      accessTokenBinding: 'bearer',
    }),
  ]
}
