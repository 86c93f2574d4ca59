import { type Client, declareClient } from '@countersign/core'

export const orchardCallback = 'https://orchard.example/callback'

/** Somebody else's application, which has registered itself. */
export function orchard(more: Partial<Client>): Client {
  return declareClient({
    id: 'orchard',
    name: 'Orchard',
    origin: 'registered',
    redirectUris: [orchardCallback],
    audiences: ['https://api.example'],
    accessTokenBinding: 'bearer',
    ...more,
  })
}
