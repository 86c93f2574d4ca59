import type { WrittenConnection } from '@countersign/connections'
import type { Client } from '@countersign/core'
import { declareClient, hashClientSecret } from '@countersign/core'
import { closedRegistration } from '../../../packages/server/src/clients/registration/registration-policy.ts'
import { openSmtp } from '../../../packages/server/src/mail/smtp-transport.ts'
import type { Observer } from '../../../packages/server/src/observation/observer.ts'
import { createOutbound, type Outbound } from '../../../packages/server/src/outbound/outbound.ts'
import { type AssertionKey, assertionKey } from '../../../packages/server/src/testing/assertion-key.ts'
import { basic } from '../../../packages/server/src/testing/calls.ts'
import { type GivenOptions, redirectUri, sampleClients } from '../../../packages/server/src/testing/given.ts'
import { type LogoutReceiver, logoutReceiver } from '../../../packages/server/src/testing/logout-receiver.ts'
import { type MailServer, mailServer } from '../../../packages/server/src/testing/mail-server.ts'
import { type OpenidUpstream, startOpenid } from '../../../packages/server/src/testing/upstreams/openid.ts'
import { type SocialUpstream, startFacebook } from '../../../packages/server/src/testing/upstreams/social.ts'

const secret = 'back-end-secret-0123456789abcdef0123456'
export const asBackEnd: Readonly<Record<string, string>> = basic('back-end', secret)
/** What a client that describes itself says of itself, by its address. */
export const documents: Map<string, object> = new Map()
export const assertions: AssertionKey = assertionKey(() => Date.now())

const app = {
  firstParty: true,
  directLogin: true,
  redirectUris: [redirectUri],
  scopes: ['account', 'notes'],
  defaultScopes: ['account', 'notes'],
  audiences: ['https://api.example'],
  accessTokenBinding: 'bearer',
} as const
const usual = declareClient({ id: 'usual' }).refresh

/** What stands around the two nodes: a mail server, providers, and whoever is told of ended sessions. */
export interface Surroundings {
  readonly post: MailServer
  readonly work: OpenidUpstream
  readonly facebook: SocialUpstream
  readonly receiver: LogoutReceiver
  readonly clients: readonly Client[]
  readonly connections: readonly WrittenConnection[]
  readonly options: () => Promise<GivenOptions>
  close(): Promise<void>
}

export async function startSurroundings(): Promise<Surroundings> {
  const [post, work, facebook, receiver] = [
    await mailServer(),
    await startOpenid(),
    await startFacebook(),
    await logoutReceiver(),
  ]
  const clients: readonly Client[] = [
    ...sampleClients,
    // Rotates at every use, so that no clock has to be moved.
    declareClient({ ...app, id: 'quick-app', refresh: { ...usual, minimumLifeSeconds: 0 } }),
    declareClient({ ...app, id: 'strict-app', refresh: { ...usual, minimumLifeSeconds: 0, graceSeconds: 0 } }),
    declareClient({ ...app, id: 'single', oneAuthorizationPerUser: true, firstParty: false, directLogin: false }),
    declareClient({ ...app, id: 'told', backchannelLogoutUri: receiver.url }),
    declareClient({ id: 'job', jwks: [assertions.jwk], grantTypes: ['client_credentials'] }),
    declareClient({
      id: 'back-end',
      secretHashes: [hashClientSecret(secret)],
      grantTypes: ['client_credentials'],
      scopes: ['clients:manage', 'users:invite', 'users:manage', 'connections:tokens'],
    }),
  ]
  const ignored = (): void => {}
  const observer: Observer = {
    answered: ignored,
    refreshDecided: ignored,
    committed: ignored,
    storeFailed: ignored,
    feedLooked: ignored,
  }
  const toLoopback = createOutbound({ allowsLoopback: true })
  const outbound: Outbound = async request => {
    const document = documents.get(request.url)
    if (document === undefined) return toLoopback(request)
    const header = (name: string): string | undefined => (name === 'content-type' ? 'application/json' : undefined)
    return { status: 200, header, text: JSON.stringify(document) }
  }
  return {
    post,
    work,
    facebook,
    receiver,
    clients,
    connections: [work.settings, facebook.settings].map(one => ({ ...one, keep_tokens: true })),
    options: async () => ({
      clients,
      outbound,
      observer,
      mail: await openSmtp({ url: post.url, from: { name: 'Sample', address: 'no-reply@login.example' } }),
      config: {
        registration: { ...closedRegistration, mode: 'open', metadataDocuments: true },
        apiClaims: new Map([['https://api.example', { roles: 'roles' }]]),
      },
    }),
    async close() {
      await post.close()
      await receiver.close()
    },
  }
}
