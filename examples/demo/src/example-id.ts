import { join } from 'node:path'
import { type Configuration, type RunningSystem, serve } from '@countersign/cli'
import { type Connection, createConnection } from '@countersign/connections'
import { declareClient, deriveKey, emailKey, hashClientSecret, type MasterKey, verifyAddress } from '@countersign/core'
import type { Log } from '@countersign/server'
import { createUserOnce } from './create-user.ts'
import type { DemoSecrets } from './demo-secrets.ts'
import { freePort } from './reserved-port.ts'

/** A second Countersign that has nothing to do with the first: what Google is to other people's servers. */
export interface ExampleId {
  readonly issuer: string
  readonly login: DemoSecrets['login']
  /** How the demo's server signs people in with it. */
  readonly connection: Connection
  /** Starts it; resolves with how to end it. */
  readonly start: (log: Log) => Promise<() => Promise<void>>
}

const clientId = 'countersign-demo'

/**
 * It runs on `localhost`, the demo on `127.0.0.1`: browsers keep cookies by host, whatever the port, and these two must not find each other's.
 */
export async function prepareExampleId(
  configuration: Configuration,
  more: {
    /** Of the demo's server, where users are sent back to. */
    port: number
    firstPort: number
    dataFolder: string
    master: MasterKey
    login: DemoSecrets['login']
  },
): Promise<ExampleId> {
  const { dataFolder, master } = more
  const demoIssuer = configuration.issuer ?? `http://127.0.0.1:${more.port}`
  const port = (await freePort(more.firstPort)) ?? (await freePort(0)) ?? 0
  const issuer = `http://localhost:${port}`
  const secret = deriveKey(master, 'example id client 1').export().toString('base64url')
  const client = declareClient({
    id: clientId,
    name: 'Countersign demo',
    redirectUris: [`${demoIssuer}/connections/example-id/callback`],
    secretHashes: [hashClientSecret(secret)],
    scopes: ['openid', 'profile', 'email'],
  })
  // The same password, so that there is one to copy.
  const login = { ...more.login, email: 'demo@example.net' }
  const connection = createConnection({
    name: 'example-id',
    title: 'Example ID',
    issuer,
    client_id: clientId,
    client_secret: secret,
  })
  async function start(log: Log): Promise<() => Promise<void>> {
    const system = await serve(
      {
        ...configuration,
        port,
        issuer,
        data: join(dataFolder, 'example-id'),
        database: undefined,
        database_listen: undefined,
        metrics_port: undefined,
        smtp_url: undefined,
        mail_from: undefined,
        application_name: 'Example ID',
        sign_up: 'open',
        connections: [],
        clients: [],
      },
      { masterKey: deriveKey(master, 'example id 1').export().toString('base64url'), moreClients: [client], log },
    )
    await createUserOnce(system, { ...login, name: 'Demo at Example ID' })
    await confirmAddress(system, login.email)
    return () => system.close()
  }

  return { issuer, login, connection, start }
}

/** As its owner would by a mail: another server takes an address over only if it is confirmed. */
async function confirmAddress({ store }: RunningSystem, email: string): Promise<void> {
  const { user, now } = await store.loadUserByEmail(emailKey(email) ?? '')
  if (user === undefined || user.emailVerifiedAt !== null) return
  await store.commit(verifyAddress(user, { now, device: { label: 'The demo', ip: '127.0.0.1' } }))
}
