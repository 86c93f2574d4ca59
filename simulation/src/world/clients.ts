import { type Client, declareClient, hashClientSecret } from '@countersign/core'

export const apiUrl = 'https://api.example'
export const apiSecret = 'secret of the api, long enough to be one'
export const gatewaySecret = 'secret of the gateway, long enough to be one'

/** What the clients with a static secret have to show. */
export const clientSecrets: Readonly<Record<string, string>> = {
  web: 'secret of the web app, long enough to be one',
  shop: 'secret of the shop, long enough to be one',
}

const lifetimes = { accessTokenSeconds: 120, idleSeconds: 30 * 86_400, absoluteSeconds: 180 * 86_400 }

const app = {
  firstParty: true,
  directLogin: true,
  scopes: ['account'],
  defaultScopes: ['account'],
  audiences: [apiUrl],
  lifetimes,
}

/** Somebody else's application: users are asked, and come by the code flow. */
const partner = { ...app, firstParty: false, directLogin: false }

function secretsOf(id: string): Pick<Client, 'secretHashes'> {
  return { secretHashes: [hashClientSecret(clientSecrets[id] ?? '')] }
}

export const clients: readonly Client[] = [
  declareClient({ ...app, id: 'app', accessTokenBinding: 'bearer' }),
  declareClient({ ...app, id: 'strict', accessTokenBinding: 'dpop' }),
  declareClient({ ...app, id: 'plain' }),
  declareClient({ ...app, id: 'legacy', refresh: { ...declareClient({ id: '' }).refresh, repeatsUnchanged: true } }),
  declareClient({ ...app, id: 'web', directLogin: false, ...secretsOf('web') }),
  declareClient({ ...partner, id: 'partner', redirectUris: [redirectUriOf('partner')] }),
  declareClient({ ...partner, id: 'shop', redirectUris: [redirectUriOf('shop')], ...secretsOf('shop') }),
  declareClient({
    id: 'gateway',
    grantTypes: ['client_credentials'],
    scopes: ['sessions:manage'],
    secretHashes: [hashClientSecret(gatewaySecret)],
  }),
  declareClient({
    id: 'api',
    grantTypes: ['client_credentials'],
    scopes: ['revocations', 'introspection'],
    secretHashes: [hashClientSecret(apiSecret)],
  }),
]

/** Clients that a user must have allowed what they have. */
export const clientsThatAsk: ReadonlySet<string> = new Set(
  clients.filter(({ consent, redirectUris }) => consent === 'asked' && redirectUris.length > 0).map(({ id }) => id),
)

export function redirectUriOf(clientId: string): string {
  return `https://${clientId}.example/callback`
}
