import { type Client, declareClient, defaultRefreshPolicy, hashClientSecret } from '@countersign/core'
import type { RegistrationPolicy } from '@countersign/server'

/** What the tokens of the example app are meant for. A name, not an address: it stays when a port changes. */
export const apiAudience = 'urn:demo-api'

/** What people are asked to allow, where another application wants it. */
export const scopeDescriptions: Readonly<Record<string, string>> = {
  'notes:read': 'Read your notes',
  'notes:write': 'Write notes for you, and delete them',
}

/** The applications of the demo. What is said here is what `clients` of `countersign.json` would say. */
export function demoClients({
  appOrigin,
  webOrigin,
  tellsWebApp,
  apiSecret,
  webSecret,
}: {
  appOrigin: string
  webOrigin: string
  /** Whether the web app is told of ended sessions; not where several demos have one client for theirs. */
  tellsWebApp: boolean
  apiSecret: string
  webSecret: string
}): readonly Client[] {
  const app = declareClient({
    id: 'demo',
    name: 'Notes',
    firstParty: true,
    directLogin: true,
    redirectUris: [`${appOrigin}/`],
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
    // The web app: its back end holds the tokens.
    declareClient({
      id: 'demo-web',
      name: 'Notes, a web app',
      firstParty: true,
      secretHashes: [hashClientSecret(webSecret)],
      redirectUris: [`${webOrigin}/auth/callback`],
      postLogoutRedirectUris: [`${webOrigin}/`],
      backchannelLogoutUri: tellsWebApp ? `${webOrigin}/auth/backchannel-logout` : null,
      scopes: ['openid', 'email', 'profile', 'notes:read', 'notes:write'],
      defaultScopes: ['openid', 'email', 'profile', 'notes:read', 'notes:write'],
      audiences: [apiAudience],
      accessTokenBinding: 'bearer',
    }),
    declareClient({
      id: 'demo-api',
      name: 'Example API',
      secretHashes: [hashClientSecret(apiSecret)],
      firstParty: true,
      grantTypes: ['client_credentials'],
      serves: [apiAudience],
      scopes: ['introspection', 'revocations', 'sessions:manage'],
      defaultScopes: ['introspection', 'revocations', 'sessions:manage'],
      accessTokenBinding: 'bearer',
    }),
  ]
}

/** Any client can be pointed at the demo: it registers itself, or describes itself at an address of its own. What it may do is what the example API has. */
export function demoRegistration(configured: RegistrationPolicy): RegistrationPolicy {
  return {
    ...configured,
    mode: 'open',
    metadataDocuments: true,
    scopes: [...configured.scopes, 'notes:read', 'notes:write'],
    audiences: [...configured.audiences, apiAudience],
    // Whoever tries something out does it from one machine, many times.
    perHour: 10_000,
  }
}
